//go:build !race

package tokens

// RaceDetector says whether the tests run with it.
const RaceDetector = false
