package loopback_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	_ "github.com/contentstack/csoauth/internal/offline"
	"github.com/contentstack/csoauth/loopback"
)

func TestMain(m *testing.M) {
	// No test writes to this user's directories, nor is one over SSH.
	cache, err := os.MkdirTemp("", "loopback")
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} {
		os.Setenv(name, cache)
	}
	for _, name := range []string{"SSH_CONNECTION", "container"} {
		os.Unsetenv(name)
	}
	os.Setenv("DISPLAY", ":0")
	loopback.NoContainer()
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(cache)
		os.Exit(code)
	}))
}
