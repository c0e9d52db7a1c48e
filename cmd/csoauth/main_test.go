package main

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/zalando/go-keyring"

	"github.com/contentstack/csoauth/internal/emulator"
	_ "github.com/contentstack/csoauth/internal/offline"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"csoauth": func() {
			keyring.MockInitWithError(keyring.ErrUnsupportedPlatform) // no script asks this machine's keyring
			hurry()
			main()
		},
		"login": loginClient, "browser": browserClient, "person": atBrowser, "arguments": printArguments,
	})
}

// TestScripts runs the scripts in testdata/script, each with the real command.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Cmds:                scriptCommands,
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector would let each command sleep for a second before it ends
			home := env.Getenv("WORK") + string(os.PathSeparator) + "home"
			if err := os.Mkdir(home, 0o700); err != nil {
				return err
			}
			for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "LocalAppData", "AppData"} {
				env.Setenv(name, home)
			}
			env.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
			env.Setenv("BROWSER", "person")
			env.Values[standInKey{}] = newStandIn(env)
			return nil
		},
	})
}

// hurry makes a probe wait for nothing, and see that all of the time has passed.
func hurry() {
	var passed atomic.Int64
	probeClock.now = func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }
	probeClock.sleep = func(ctx context.Context, d time.Duration) error {
		passed.Add(int64(d))
		return context.Cause(ctx)
	}
}

// atBrowser is the command "person" of the scripts, which stands for a browser and the user before
// it: it opens an address, logs in and allows what is asked for, and follows the redirect to the
// end. $PERSON is "away" for one who does not look, "no" for one who denies. "away:5" and
// "no:5" are so the fifth time. $USER_UID and $ORGANIZATION are who is logged in in that browser.
func atBrowser() {
	if os.Getenv("PERSON") == "away" {
		return
	}
	deny := os.Getenv("PERSON") == "no"
	how, number, counted := strings.Cut(os.Getenv("PERSON"), ":")
	if counted && visits() == number {
		if how == "away" {
			return
		}
		deny = true
	}
	u, err := url.Parse(os.Args[len(os.Args)-1])
	if err != nil {
		os.Exit(1)
	}
	browser := &http.Client{Transport: &emulator.Browser{Emulator: u.Scheme + "://" + u.Host, Visitor: emulator.Visitor{
		UserUID: os.Getenv("USER_UID"), OrganizationUID: os.Getenv("ORGANIZATION"), Deny: deny,
	}}}
	resp, err := browser.Get(u.String())
	if err != nil {
		os.Exit(1)
	}
	resp.Body.Close()
}

// visits counts how often the person has been at the browser.
func visits() string {
	path := filepath.Join(os.Getenv("HOME"), "visits")
	before, _ := os.ReadFile(path)
	after := string(before) + "I"
	if err := os.WriteFile(path, []byte(after), 0o600); err != nil {
		os.Exit(1)
	}
	return strconv.Itoa(len(after))
}

// printArguments is a command of the scripts that "csoauth run" runs: it prints the variables that
// are named, one a line, and exits with $EXIT.
func printArguments() {
	for _, name := range os.Args[1:] {
		value, ok := os.LookupEnv(name)
		if !ok {
			value = "(unset)"
		}
		os.Stdout.WriteString(name + "=" + value + "\n")
	}
	if os.Getenv("EXIT") != "" {
		os.Exit(7)
	}
}
