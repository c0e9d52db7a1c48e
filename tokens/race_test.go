//go:build race

package tokens_test

// raceEnabled: the race detector makes a run several times as long.
const raceEnabled = true
