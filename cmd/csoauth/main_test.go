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
	testscript.Run(t, testscript.Params{Dir: "testdata/script", RequireExplicitExec: true})
}
