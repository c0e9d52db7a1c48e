package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/zalando/go-keyring"
	"go.uber.org/goleak"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/clilogin"
	"github.com/contentstack/csoauth/csapi"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/internal/emulator"
	_ "github.com/contentstack/csoauth/internal/offline"
	"github.com/contentstack/csoauth/loopback"
)

func TestMain(m *testing.M) {
	keyring.MockInit() // no test asks this machine's
	os.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
	goleak.VerifyTestMain(m)
}

const helloAda = "Hello, Ada Lovelace (ada@example.com). You are logged in for Emulated Press.\n"

func TestIsRemembered(t *testing.T) {
	m := newMachine(t, nil)
	require.ErrorIs(t, run(t.Context(), m.settings, io.Discard), csoauth.ErrLoginRequired, "no terminal, no browser")
	require.Equal(t, helloAda, m.logIn(t))
	require.Equal(t, helloAda, m.run(t), "remembered")
	m.contentstack.Expire(nil)
	require.Equal(t, helloAda, m.run(t), "refreshed")
	require.Equal(t, helloAda, m.run(t), "the refreshed one is remembered")
	require.Equal(t, 1, int(m.opened.Load()))
	m.browser = m.contentstack.BrowserOf(csoauthtest.Visitor{UserUID: "blt0000000000alan02"})
	require.Contains(t, m.logIn(t), "Hello, Alan Turing", "another user")
	require.Equal(t, 2, int(m.opened.Load()))
}

func TestLogoutIsForAllMachines(t *testing.T) {
	here := newMachine(t, nil)
	here.logIn(t)
	there := *here.settings
	there.options.Dir = t.TempDir()
	there.login = true
	require.NoError(t, run(t.Context(), &there, io.Discard))
	there.login = false
	require.NoError(t, run(t.Context(), &there, io.Discard))

	here.settings.logout = true
	for range 2 {
		require.Contains(t, here.run(t), "on your other machines too", "twice is no mistake")
	}
	require.ErrorIs(t, run(t.Context(), &there, io.Discard), csoauth.ErrLoginRequired)
}

func TestLogoutThatCannotRevokeSaysSo(t *testing.T) {
	m := newMachine(t, nil)
	m.logIn(t)
	m.contentstack.API("GET /manifests/{app}/authorizations", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
	})
	m.settings.logout = true
	require.ErrorIs(t, run(t.Context(), m.settings, io.Discard), csapi.ErrForbidden)
	m.settings.logout = false
	require.Equal(t, helloAda, m.run(t), "the login stays")
}

func TestUserOfAnotherRegion(t *testing.T) {
	m := newMachine(t, &csoauthtest.Options{Region: csoauth.EU})
	config := m.settings.config
	config.Region = csoauth.NA
	config.Endpoints[csoauth.NA] = csoauth.Endpoints{App: config.Endpoints[csoauth.EU].App, ContentManagement: "http://127.0.0.1:1"}
	require.Equal(t, helloAda, m.logIn(t))
	require.Equal(t, helloAda, m.run(t))
}

func TestEmulated(t *testing.T) {
	s, err := readSettings([]string{"-emulator"}, func(name string) string {
		return map[string]string{"CONTENTSTACK_REDIRECT_URI": "http://localhost:" + freePort(t) + "/callback"}[name]
	})
	require.NoError(t, err)
	var opened atomic.Int32
	s.options.Loopback.Out = io.Discard
	s.options.Loopback.OpenBrowser = func(ctx context.Context, address string) error {
		opened.Add(1)
		base, _, _ := strings.Cut(address, "/apps/")
		visit(t, &http.Client{Transport: &emulator.Browser{Emulator: base}, Timeout: time.Minute}, address)
		return nil
	}
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), s, &out))
	require.Equal(t, 2, strings.Count(out.String(), helloAda))
	require.Contains(t, out.String(), "Logged out")
	require.Equal(t, 1, int(opened.Load()))
	before, after, _ := strings.Cut(out.String(), "An hour passes")
	require.Contains(t, before, "/authorize")
	require.NotContains(t, after, "/authorize")
	require.Contains(t, after, "POST /apps-api/apps/token", "refreshed")
	require.Contains(t, after, "(Contentstack: DELETE /manifests/", "revoked")
}

func TestSettings(t *testing.T) {
	environment := map[string]string{}
	read := func(args ...string) (*settings, error) {
		return readSettings(args, func(name string) string { return environment[name] })
	}
	refused := func(want string, args ...string) {
		t.Helper()
		_, err := read(args...)
		require.ErrorContains(t, err, want)
	}
	refused(`unknown argument "logout"`, "logout")
	refused("AppUID: is empty")
	refused("see examples/cli/settings.go")
	environment["CONTENTSTACK_APP_UID"] = "app"
	refused("ClientID: is empty")
	environment["CONTENTSTACK_CLIENT_ID"] = "client"
	s, err := read("-manual")
	require.NoError(t, err)
	require.True(t, s.options.Loopback.Manual)
	require.Equal(t, "http://localhost:8184/callback", s.config.RedirectURI)
	require.Equal(t, "csoauth-cli", s.options.Program)
	require.Empty(t, s.options.Dir)
	environment["CONTENTSTACK_REGION"] = "moon"
	refused("unknown region")
	environment["CONTENTSTACK_REGION"] = "eu"
	s, err = read("-dir", "here", "-logout")
	require.NoError(t, err)
	require.Equal(t, "here", filepath.Base(s.options.Dir))
	require.True(t, filepath.IsAbs(s.options.Dir))
	require.True(t, s.logout)
	require.Equal(t, csoauth.EU, s.config.Region)
	environment["CONTENTSTACK_REDIRECT_URI"] = "localhost:8184"
	refused("RedirectURI")

	environment["CONTENTSTACK_REDIRECT_URI"] = "https://example.com/callback"
	s, err = read("-dir", t.TempDir(), "-login")
	require.NoError(t, err)
	require.ErrorContains(t, run(t.Context(), s, io.Discard), "is not http on localhost")
}

// A machine is where the program is started several times.
type machine struct {
	contentstack *csoauthtest.Server
	browser      *http.Client
	settings     *settings
	opened       atomic.Int32 // how often a browser was opened
}

func newMachine(t *testing.T, o *csoauthtest.Options) *machine {
	m := &machine{contentstack: csoauthtest.NewServer(t, o)}
	m.browser = m.contentstack.Browser()
	m.settings = &settings{
		config:  m.contentstack.Config("http://localhost:" + freePort(t) + "/callback"),
		options: clilogin.Options{Dir: filepath.Join(t.TempDir(), "not", "yet"), Loopback: &loopback.Options{}},
	}
	m.settings.options.Loopback.Out = io.Discard
	m.settings.options.Loopback.OpenBrowser = func(_ context.Context, address string) error {
		m.opened.Add(1)
		visit(t, m.browser, address)
		return nil
	}
	return m
}

// run starts the program once, and returns what it printed.
func (m *machine) run(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), m.settings, &out))
	return out.String()
}

// logIn starts the program once with -login.
func (m *machine) logIn(t *testing.T) string {
	t.Helper()
	m.settings.login, m.settings.options.Switch = true, true
	defer func() { m.settings.login, m.settings.options.Switch = false, false }()
	return m.run(t)
}

// visit opens an address and follows its redirects in the background. It ends before the test does.
func visit(t *testing.T, browser *http.Client, address string) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		resp, err := browser.Get(address)
		if assert.NoError(t, err) {
			resp.Body.Close()
		}
	}()
	t.Cleanup(func() { <-ended })
}

func freePort(t *testing.T) string {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "localhost:0")
	require.NoError(t, err)
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	return port
}
