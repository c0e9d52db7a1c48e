package integration_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// childEnv names, in the environment of a process that a test starts, the row of children that it runs.
const childEnv = "CSOAUTH_INTEGRATION_CHILD"

// children are the other processes of the tests: this test binary, doing something else than testing.
var children = map[string]func(){
	"crowd":    childOfCrowd,
	"loopback": childLogsIn,
}

// TestMain fails if a test leaves a goroutine behind, and with it a connection or a server.
func TestMain(m *testing.M) {
	if name := os.Getenv(childEnv); name != "" {
		children[name]()
		os.Exit(0)
	}
	if os.Getenv(keeperEnv) != "" {
		os.Exit(keepProgram(os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}
