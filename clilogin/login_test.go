package clilogin_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/zalando/go-keyring"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/clilogin"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/loopback"
)

// TestUnwantedLoginIsNotBegunAgain by itself for ten minutes: hundreds of tabs in the morning.
//
// Law: R3
func TestUnwantedLoginIsNotBegunAgain(t *testing.T) {
	for name, row := range map[string]struct {
		unwanted func(m *machine)
		is       error
		why      string
	}{
		"denied":    {func(m *machine) { m.visitor.Deny = true }, csoauth.ErrDenied, "denied"},
		"no answer": {func(m *machine) { m.away.Store(true); m.o.Loopback.Timeout = 50 * time.Millisecond }, loopback.ErrTimeout, "the user did not return"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, nil)
			row.unwanted(m)
			_, err := clilogin.Open(t.Context(), m.config, &m.o)
			require.ErrorIs(t, err, row.is)
			for range 3 {
				err := m.refused()
				require.ErrorIs(t, err, csoauth.ErrLoginRequired)
				require.ErrorContains(t, err, "is not begun again by itself before ")
				require.ErrorContains(t, err, row.why)
			}
			require.Equal(t, 1, int(m.opened.Load()))

			m.visitor.Deny = false
			m.away.Store(false)
			m.o.Loopback.Timeout = 30 * time.Second
			var attempt map[string]any
			require.NoError(t, json.Unmarshal(m.value("attempt"), &attempt))
			attempt["ended"] = time.Now().Add(-10 * time.Minute)
			text, err := json.Marshal(attempt)
			require.NoError(t, err)
			m.setValue("attempt", text)
			m.email()
			require.Equal(t, 2, int(m.opened.Load()), "after ten minutes")
			require.NotContains(t, m.values(), "attempt")
		})
	}
	t.Run("asked for", func(t *testing.T) {
		m := newMachine(t, nil)
		m.visitor.Deny = true
		_, err := clilogin.Open(t.Context(), m.config, &m.o)
		require.ErrorIs(t, err, csoauth.ErrDenied)
		m.visitor.Deny = false
		require.NoError(t, m.session().Login(t.Context(), nil))
		m.email()
	})
}

// TestFailedLoginLeavesTheOldOne as it was.
//
// Law: R1
func TestFailedLoginLeavesTheOldOne(t *testing.T) {
	m := newMachine(t, nil)
	s := m.session()
	before := m.state()
	m.visitor.Deny = true
	require.ErrorIs(t, s.Login(t.Context(), nil), csoauth.ErrDenied)
	ctx, cancel := context.WithCancel(t.Context())
	m.o.Loopback.OpenBrowser = func(context.Context, string) error { cancel(); return nil }
	require.ErrorIs(t, m.session().Login(ctx, nil), context.Canceled)
	require.Equal(t, before, m.state())
	m.email()
	require.Equal(t, 2, int(m.opened.Load()))
}

// TestScopesOfOneAttempt must not be fewer than the Config's, or the login would not fit.
func TestScopesOfOneAttempt(t *testing.T) {
	m := newMachine(t, nil)
	m.config.Scopes = []string{"user:read"}
	s := m.session()
	require.ErrorContains(t, s.Login(t.Context(), &csoauth.AuthOptions{Scopes: []string{"cm.stack:share"}}), `the Config asks for "user:read"`)
	require.Equal(t, 1, int(m.opened.Load()))
	require.NoError(t, s.Login(t.Context(), &csoauth.AuthOptions{Scopes: []string{"user:read", "organization:read"}}))
	m.config.Scopes = []string{"organization:read"}
	m.email()
	require.Equal(t, 2, int(m.opened.Load()))
}

// TestOrganizationThatWasAskedFor is not another one by mistake.
//
// Law: R4
func TestOrganizationThatWasAskedFor(t *testing.T) {
	m := newMachine(t, nil)
	s := m.session()
	m.visitor.OrganizationUID = shop
	require.ErrorIs(t, s.Login(t.Context(), nil), clilogin.ErrAnotherUser)
	require.NoError(t, s.Login(t.Context(), &csoauth.AuthOptions{OrganizationUID: shop}))
	token, err := s.Tokens().Token(t.Context())
	require.NoError(t, err)
	require.Equal(t, shop, token.OrganizationUID)
}

// TestProgramsThatStartTogetherLogInOnce: one logs in, and the others wait for it and share the
// token. These are in one process; others are in TestProcesses.
//
// Law: R3
func TestProgramsThatStartTogetherLogInOnce(t *testing.T) {
	m := newMachine(t, nil)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			s, err := clilogin.Open(t.Context(), m.config, &m.o)
			if !assert.NoError(t, err) {
				return
			}
			user, err := s.API().User(t.Context())
			assert.NoError(t, err)
			assert.Equal(t, ada, user.UID)
			assert.NoError(t, s.Close())
		})
	}
	all.Wait()
	require.Equal(t, 1, int(m.opened.Load()))
	require.True(t, m.out.has(`Waiting for "mytool", profile "default" (process `), m.out.String())
}

// TestOthersDoNotBeginWhatTheUserDenied while they waited.
func TestOthersDoNotBeginWhatTheUserDenied(t *testing.T) {
	m := newMachine(t, nil)
	m.visitor.Deny = true
	var all sync.WaitGroup
	denied := make(chan error, 10)
	for range 10 {
		all.Go(func() {
			s, err := clilogin.Open(t.Context(), m.config, &m.o)
			if err == nil {
				_, err = s.API().User(t.Context())
				assert.NoError(t, s.Close())
			}
			denied <- err
		})
	}
	all.Wait()
	require.Equal(t, 1, int(m.opened.Load()))
	close(denied)
	for err := range denied {
		if !assert.Error(t, err) {
			continue
		}
		assert.True(t, strings.Contains(err.Error(), "not begun again") || strings.Contains(err.Error(), "denied"), err)
	}
}

// TestOneRedirectURIForSeveralProfiles: what is scarce is its port, so they take turns.
//
// Law: R3
func TestOneRedirectURIForSeveralProfiles(t *testing.T) {
	m := newMachine(t, nil)
	var all sync.WaitGroup
	for _, profile := range []string{"one", "two", "three"} {
		all.Go(func() {
			o := m.o
			o.Profile = profile
			s, err := clilogin.Open(t.Context(), m.config, &o)
			if assert.NoError(t, err) {
				assert.NoError(t, s.Close())
			}
		})
	}
	all.Wait()
	require.Equal(t, 3, int(m.opened.Load()))
}

// TestSecondRedirectURI is for a port that a program of others has.
func TestSecondRedirectURI(t *testing.T) {
	m := newMachine(t, nil)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	first := "http://" + listener.Addr().String() + "/callback"
	m.server.Config(first) // registers it
	m.o.Loopback.RedirectURIs = []string{first, m.config.RedirectURI}
	m.email()
	require.Equal(t, 1, int(m.opened.Load()))

	m.o.Loopback.RedirectURIs = []string{first}
	m.o.Profile = "other"
	_, err = clilogin.Open(t.Context(), m.config, &m.o)
	require.ErrorIs(t, err, loopback.ErrPortInUse)
	require.Equal(t, 1, int(m.opened.Load()))
}

// TestWaitForOthersIsBounded by the waiter's own Timeout.
func TestWaitForOthersIsBounded(t *testing.T) {
	m := newMachine(t, nil)
	m.away.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		_, err := clilogin.Open(ctx, m.config, &m.o)
		assert.ErrorIs(t, err, context.Canceled)
	})
	require.Eventually(t, func() bool { return m.opened.Load() == 1 }, time.Minute, time.Millisecond)
	for _, profile := range []string{"default", "other"} { // the first waits for the profile, the second for the port
		o, login := m.o, *m.o.Loopback
		login.Timeout = 10 * time.Millisecond
		o.Loopback, o.Profile = &login, profile
		_, err := clilogin.Open(t.Context(), m.config, &o)
		require.ErrorIs(t, err, map[string]error{"default": loopback.ErrTimeout, "other": loopback.ErrPortInUse}[profile])
		require.ErrorContains(t, err, map[string]string{"default": "another program was still logging in", "other": `"mytool" (process `}[profile])
	}
	cancel()
	all.Wait()
	require.Equal(t, 1, int(m.opened.Load()))
	m.away.Store(false)
	m.email()
	m.o.Profile = "other"
	m.email() // its user was not asked, and has refused nothing
}

// TestByHand needs no port.
func TestByHand(t *testing.T) {
	m := newMachine(t, nil)
	m.o.Loopback.Manual = true
	in, keyboard := net.Pipe()
	defer keyboard.Close()
	m.o.Loopback.In = in
	m.visits.Go(func() {
		address := ""
		for address == "" {
			for line := range strings.Lines(m.out.String()) {
				if line = strings.TrimSpace(line); strings.HasPrefix(line, m.server.URL) && m.out.has("paste it here") {
					address = line
				}
			}
			time.Sleep(time.Millisecond)
		}
		browser := m.server.Browser()
		callback := make(chan string, 1)
		browser.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			if strings.HasPrefix(r.URL.String(), m.config.RedirectURI) {
				callback <- r.URL.String()
				return http.ErrUseLastResponse
			}
			return nil
		}
		resp, err := browser.Get(address)
		if assert.NoError(t, err) {
			resp.Body.Close()
			_, err = keyboard.Write([]byte(<-callback + "\n"))
			assert.NoError(t, err)
		}
	})
	require.Equal(t, "ada@example.com", m.email())
	require.Zero(t, m.opened.Load())
}

// TestNamesAreForATerminal: they come from outside.
func TestNamesAreForATerminal(t *testing.T) {
	m := newMachine(t, nil)
	m.server.API("GET /v3/user", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"user":{"uid":"` + ada + `","first_name":"A\u001b[2Jda\n","email":"` + strings.Repeat("x", 1000) + `"}}`))
	})
	m.email()
	require.NotContains(t, m.out.String(), "\x1b[2J")
	require.NotContains(t, m.out.String(), strings.Repeat("x", 200))
	require.Contains(t, m.out.String(), "\nLogged in as A")
}

// TestLoginWithoutScopesForNames tells the uids.
func TestLoginWithoutScopesForNames(t *testing.T) {
	m := newMachine(t, &csoauthtest.Options{Apps: []csoauthtest.App{{UID: "app1", ClientID: "client1", AllowPKCE: true, Scopes: []string{"cm.stack:share"}}}})
	s := m.session()
	require.True(t, m.out.has("Logged in as "+ada+" in "+press+"."), m.out.String())
	status, err := s.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, clilogin.StateValid, status.State, "it works for what it may")
}

// TestTrustIsCheckedBeforeTheBrowserOpens: behind TLS inspection, or a proxy with a password.
func TestTrustIsCheckedBeforeTheBrowserOpens(t *testing.T) {
	inspected := httptest.NewTLSServer(http.NotFoundHandler())
	defer inspected.Close()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	defer proxy.Close()
	atProxy, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	for name, row := range map[string]struct {
		app       string
		transport *http.Transport
		want      []string
	}{
		"another authority": {inspected.URL, &http.Transport{}, []string{"certificate signed by unknown authority", `its certificate is from "O=Acme Co"`, "SSL_CERT_FILE"}},
		"another host": {strings.Replace(inspected.URL, "127.0.0.1", "localhost", 1), func() *http.Transport {
			transport := inspected.Client().Transport.(*http.Transport).Clone()
			return transport
		}(), []string{`its certificate is from "O=Acme Co"`, "check this machine's clock"}},
		"a proxy's password": {"https://app.example.com", &http.Transport{Proxy: http.ProxyURL(atProxy)}, []string{"Proxy Authentication Required", "HTTPS_PROXY"}},
		"nothing there":      {"http://127.0.0.1:1", &http.Transport{}, []string{"127.0.0.1:1 cannot be reached"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, nil)
			defer row.transport.CloseIdleConnections()
			m.config.Endpoints = map[csoauth.Region]csoauth.Endpoints{csoauth.NA: csoauth.OneHost(row.app)}
			m.config.HTTPClient = &http.Client{Transport: row.transport}
			_, err := clilogin.Open(t.Context(), m.config, &m.o)
			for _, want := range row.want {
				require.ErrorContains(t, err, want)
			}
			require.Zero(t, m.opened.Load())
		})
	}
	t.Run("a host that hangs ends with ctx", func(t *testing.T) {
		m := newMachine(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		m.config.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			cancel()
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		_, err := clilogin.Open(ctx, m.config, &m.o)
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, m.opened.Load())
	})
}

// TestLoginThatCannotBeKept leaves the old one, wherever it fails.
//
// Law: R1
func TestLoginThatCannotBeKept(t *testing.T) {
	for name, spoil := range map[string]func(m *machine) (undo func()){
		// A directory with something in it stands in the way of a value.
		"the token": func(m *machine) func() { return m.obstruct("token b") },
		"the key":   func(m *machine) func() { return m.obstruct("key b") },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, nil)
			keyring.MockInitWithError(errors.New("none"))
			s := m.session()
			before, token := m.state(), m.value("token a")
			undo := spoil(m)
			err := s.Login(t.Context(), nil)
			require.ErrorContains(t, err, "the login could not be stored")
			require.Equal(t, before, m.state())
			require.Equal(t, token, m.value("token a"))
			m.email()
			undo()
			require.NoError(t, s.Login(t.Context(), nil))
			m.email()
		})
	}
}

// obstruct puts a folder in the place of a value's file.
func (m *machine) obstruct(name string) (undo func()) {
	m.t.Helper()
	sum := sha256.Sum256([]byte(name))
	path := filepath.Join(m.profileDir(), hex.EncodeToString(sum[:])+".token")
	require.NoError(m.t, os.MkdirAll(filepath.Join(path, "in the way"), 0o700))
	return func() { require.NoError(m.t, os.RemoveAll(path)) }
}
