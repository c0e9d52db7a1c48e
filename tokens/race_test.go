//go:build race

package tokens

// RaceDetector says whether the tests run with it. What only computes, for every case there is,
// then takes 20 times as long and has nothing to find.
const RaceDetector = true
