package integration_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails if a test leaves a goroutine behind, and with it a connection or a server.
func TestMain(m *testing.M) {
	if row := os.Getenv(childEnv); row != "" {
		children[row]()
		os.Exit(0)
	}
	if os.Getenv(keeperEnv) != "" {
		os.Exit(keepProgram(os.Args[1:]))
	}
	goleak.VerifyTestMain(suites{m})
}

// suites end what they share when the last of them has run.
type suites struct{ *testing.M }

func (s suites) Run() int {
	defer sharedBrowser.stop()
	return s.M.Run()
}
