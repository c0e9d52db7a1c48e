//go:build race

package tokens_test

// modelSwitches is less with the race detector, which makes a run several times as long.
const modelSwitches = 1
