package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/internal/emulator"
	_ "github.com/contentstack/csoauth/internal/offline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const helloAda = "Hello, Ada Lovelace (ada@example.com). You are logged in for Emulated Press.\n"

func TestAsksOnce(t *testing.T) {
	m := newMachine(t, nil)
	require.Equal(t, helloAda, m.run(t))
	require.Equal(t, 1, int(m.opened.Load()))

	require.Equal(t, helloAda, m.run(t), "remembered")
	m.contentstack.Expire(nil)
	require.Equal(t, helloAda, m.run(t), "refreshed")
	require.Equal(t, helloAda, m.run(t), "the refreshed one is remembered")
	require.Equal(t, 1, int(m.opened.Load()))
}

func TestAsksAgainWhenTheLoginIsOver(t *testing.T) {
	m := newMachine(t, nil)
	m.run(t)
	m.contentstack.Revoke(nil)
	require.Equal(t, helloAda, m.run(t))
	require.Equal(t, 2, int(m.opened.Load()))
	require.Equal(t, helloAda, m.run(t))
	require.Equal(t, 2, int(m.opened.Load()))
}

func TestAsksAgainAfterLogout(t *testing.T) {
	m := newMachine(t, nil)
	m.run(t)
	m.settings.logout = true
	require.Contains(t, m.run(t), "Logged out")
	require.Contains(t, m.run(t), "Logged out", "twice is no mistake")
	m.settings.logout = false
	require.Equal(t, helloAda, m.run(t))
	require.Equal(t, 2, int(m.opened.Load()))
}

func TestLogoutIsForAllMachines(t *testing.T) {
	here := newMachine(t, nil)
	here.run(t)
	there := *here.settings
	there.dir = t.TempDir()
	start := func(s *settings) string {
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), s, &out))
		return out.String()
	}
	require.Equal(t, helloAda, start(&there))
	require.Equal(t, 2, int(here.opened.Load()))

	here.settings.logout = true
	require.Contains(t, here.run(t), "on your other machines too")
	require.Equal(t, helloAda, start(&there))
	require.Equal(t, 3, int(here.opened.Load()), "the other machine has to ask again")
}

func TestLogoutDeletesTheTokenEvenIfItCannotRevoke(t *testing.T) {
	m := newMachine(t, nil)
	m.run(t)
	m.contentstack.API("GET /manifests/{app}/authorizations", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
	})
	m.settings.logout = true
	err := run(t.Context(), m.settings, io.Discard)
	require.ErrorContains(t, err, "remove it there, under Authorized Apps")
	require.ErrorIs(t, err, csapi.ErrForbidden)
	m.settings.logout = false
	require.Equal(t, helloAda, m.run(t))
	require.Equal(t, 2, int(m.opened.Load()))
}

func TestDenialIsNotRemembered(t *testing.T) {
	m := newMachine(t, nil)
	m.browser = m.contentstack.BrowserOf(csoauthtest.Visitor{Deny: true})
	var out bytes.Buffer
	require.ErrorIs(t, run(t.Context(), m.settings, &out), csoauth.ErrDenied)
	require.Empty(t, out.String())
	require.Equal(t, 1, int(m.opened.Load()), "a denial is not asked again")

	m.browser = m.contentstack.Browser()
	require.Equal(t, helloAda, m.run(t))
}

func TestFailureOfTheAPIIsNoReasonToAsk(t *testing.T) {
	m := newMachine(t, nil)
	var status atomic.Int64
	m.contentstack.API("GET /v3/user", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "600") // longer than the program waits
		w.WriteHeader(int(status.Load()))
		io.WriteString(w, `{"user":{"uid":"blt00000000000ada01","first_name":"Ada","last_name":"Lovelace"}}`)
	})
	status.Store(http.StatusOK)
	m.run(t)
	for _, wrong := range []string{"503 Service Unavailable", "403 Forbidden", "401 Unauthorized"} {
		code, _ := strconv.Atoi(wrong[:3])
		status.Store(int64(code))
		require.EqualError(t, run(t.Context(), m.settings, io.Discard), "csapi: GET /v3/user: "+wrong+" (try again in 10m0s)")
	}
	status.Store(http.StatusOK)
	require.Contains(t, m.run(t), "Hello, Ada")
	require.Equal(t, 1, int(m.opened.Load()))
}

func TestUserOfAnotherRegion(t *testing.T) {
	m := newMachine(t, &csoauthtest.Options{Region: csoauth.EU})
	config := m.settings.config
	config.Region = csoauth.NA
	config.Endpoints[csoauth.NA] = csoauth.Endpoints{App: config.Endpoints[csoauth.EU].App, ContentManagement: "http://127.0.0.1:1"}
	require.Equal(t, helloAda, m.run(t))
	require.Equal(t, helloAda, m.run(t))
}

func TestAnotherAppHasALoginOfItsOwn(t *testing.T) {
	app := func(n string) csoauthtest.App {
		return csoauthtest.App{UID: "app" + n, ClientID: "client" + n, AllowPKCE: true, Scopes: []string{"user:read", "organization:read"}}
	}
	m := newMachine(t, &csoauthtest.Options{Apps: []csoauthtest.App{app("1"), app("2")}})
	m.run(t)
	m.settings.config = m.contentstack.ConfigOf("app2", m.settings.config.RedirectURI)
	require.Equal(t, helloAda, m.run(t))
	require.Equal(t, 2, int(m.opened.Load()))
}

func TestEmulated(t *testing.T) {
	s, err := readSettings([]string{"-emulator"}, func(name string) string {
		return map[string]string{"CONTENTSTACK_REDIRECT_URI": "http://localhost:" + freePort(t) + "/callback"}[name]
	})
	require.NoError(t, err)
	var opened atomic.Int32
	s.login.Out = io.Discard
	s.login.OpenBrowser = func(ctx context.Context, address string) error {
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
	require.True(t, s.login.Manual)
	require.Equal(t, "http://localhost:8184/callback", s.config.RedirectURI)
	require.Equal(t, "csoauth-cli", filepath.Base(s.dir))
	require.True(t, filepath.IsAbs(s.dir))
	environment["CONTENTSTACK_REGION"] = "moon"
	refused("unknown region")
	environment["CONTENTSTACK_REGION"] = "eu"
	s, err = read("-dir", "here", "-logout")
	require.NoError(t, err)
	require.Equal(t, "here", s.dir)
	require.True(t, s.logout)
	require.Equal(t, csoauth.EU, s.config.Region)
	environment["CONTENTSTACK_REDIRECT_URI"] = "localhost:8184"
	refused("RedirectURI")

	environment["CONTENTSTACK_REDIRECT_URI"] = "https://example.com/callback"
	s, err = read("-dir", t.TempDir())
	require.NoError(t, err)
	require.ErrorContains(t, run(t.Context(), s, io.Discard), "is not http on localhost")
}

func TestNoHomeIsTold(t *testing.T) {
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "AppData", "LocalAppData"} {
		t.Setenv(name, "")
	}
	app := func(name string) string {
		return map[string]string{"CONTENTSTACK_APP_UID": "app", "CONTENTSTACK_CLIENT_ID": "client"}[name]
	}
	_, err := readSettings(nil, app)
	require.ErrorContains(t, err, "set -dir")
	require.ErrorContains(t, err, "defined")
	_, err = readSettings([]string{"-dir", "here"}, app)
	require.NoError(t, err)
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
		config: m.contentstack.Config("http://localhost:" + freePort(t) + "/callback"),
		dir:    filepath.Join(t.TempDir(), "not", "yet"),
	}
	m.settings.login.Out = io.Discard
	m.settings.login.OpenBrowser = func(_ context.Context, address string) error {
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
