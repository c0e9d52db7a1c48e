package integration_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails if a test leaves a goroutine behind, and with it a connection or a server.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
