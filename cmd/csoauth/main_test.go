package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	_ "github.com/contentstack/csoauth/internal/offline"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"csoauth": main, "login": loginClient, "browser": browserClient})
}

// TestScripts runs the scripts in testdata/script, each with the real command.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector would let each command sleep for a second before it ends
			return nil
		},
	})
}
