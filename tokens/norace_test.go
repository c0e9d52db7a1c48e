//go:build !race

package tokens_test

const modelSwitches = 2
