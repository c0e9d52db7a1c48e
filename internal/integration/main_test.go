package integration_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// childEnv is set in the processes that TestCrowd starts, which are this test binary.
const childEnv = "CSOAUTH_INTEGRATION_CHILD"

// TestMain fails if a test leaves a goroutine behind, and with it a connection or a server.
func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		childOfCrowd()
		os.Exit(0)
	}
	if os.Getenv(keeperEnv) != "" {
		os.Exit(keepProgram(os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}
