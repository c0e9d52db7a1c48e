package storetest_test

import (
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/contentstack/csoauth/tokens/storetest"
)

func TestMain(m *testing.M) {
	if os.Getenv("CSOAUTH_STORETEST_BROKEN") != "" {
		// Many broken stores are found by something that does not happen.
		storetest.SetPatience(500 * time.Millisecond)
		os.Exit(m.Run()) // without a look at goroutines, which a broken store may leave behind
	}
	goleak.VerifyTestMain(m)
}
