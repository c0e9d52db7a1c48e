package loopback_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/internal/turn"
	"github.com/contentstack/csoauth/loopback"
)

const pasteHere = "If your browser cannot connect at the end, paste here the address that it shows"

// TestAdviceForABrowserElsewhere has the numbers that the user needs.
func TestAdviceForABrowserElsewhere(t *testing.T) {
	for name, row := range map[string]struct {
		env       map[string]string
		uri       string
		pastes    bool
		published string
		want      string
	}{
		"here":          {pastes: true, want: "If that browser is on another machine, paste here the address that it ends at."},
		"here, no one":  {want: ""},
		"SSH":           {map[string]string{"SSH_CONNECTION": "192.0.2.1 50000 203.0.113.5 22", "USER": "ada"}, "", true, "", pasteHere + ",\nor first run where it is: ssh -L 8184:localhost:8184 ada@203.0.113.5"},
		"SSH, no paste": {map[string]string{"SSH_CONNECTION": "192.0.2.1 50000 203.0.113.5 2222", "USER": ""}, "", false, "", "If your browser cannot connect at the end,\nfirst run where it is: ssh -L 8184:localhost:8184 -p 2222 203.0.113.5"},
		"SSH by IPv6":   {map[string]string{"SSH_CONNECTION": "2001:db8::1 5 2001:db8::2 22", "USER": "ada"}, "http://[::1]:9000/x", true, "", pasteHere + ",\nor first run where it is: ssh -L 9000:[::1]:9000 ada@2001:db8::2"},
		"SSH, rubbish":  {map[string]string{"SSH_CONNECTION": "a b $(reboot) 2;2", "USER": "-oProxyCommand=x"}, "", true, "", pasteHere + ",\nor first run where it is: ssh -L 8184:localhost:8184 HOST"},
		"SSH, cut":      {map[string]string{"SSH_CONNECTION": "192.0.2.1 50000"}, "", true, "", "If that browser is on another machine, paste here the address that it ends at."},
		"container":     {map[string]string{"container": "podman"}, "", true, "", pasteHere + "."},
		"published":     {map[string]string{"container": "podman"}, "", true, "0.0.0.0:9000", pasteHere + ",\nor publish the port, as \"docker run -p 127.0.0.1:8184:9000\" does"},
		"no display":    {map[string]string{"DISPLAY": ""}, "", true, "", pasteHere + "."},
		"Wayland":       {map[string]string{"DISPLAY": "", "WAYLAND_DISPLAY": "wayland-0"}, "", true, "", "If that browser is on another machine, paste here the address that it ends at."},
		"a browser":     {map[string]string{"DISPLAY": "", "BROWSER": "w3m"}, "", true, "", "If that browser is on another machine, paste here the address that it ends at."},
	} {
		t.Run(name, func(t *testing.T) {
			for _, variable := range []string{"BROWSER", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"} {
				t.Setenv(variable, "")
			}
			t.Setenv("DISPLAY", ":0")
			for variable, value := range row.env {
				t.Setenv(variable, value)
			}
			a := newAttempt(t, func(c *csoauth.Config, _ *loopback.Options) {
				if row.uri != "" {
					c.RedirectURI = row.uri
				}
			})
			if strings.Contains(name, "display") && filepath.Separator == '\\' {
				return // there is always one on Windows
			}
			advice := a.Advice(row.pastes, row.published)
			assert.Equal(t, row.want, advice)
			for line := range strings.Lines(advice) {
				assert.LessOrEqual(t, len(line), 81, line)
			}
		})
	}
}

// TestListenAt is for a container whose port is published: the Host stays that of the redirect URI.
func TestListenAt(t *testing.T) {
	cs := csoauthtest.NewServer(t, nil)
	inside := freePort()
	config := cs.Config("http://localhost:" + freePort() + "/callback")
	published := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+inside) // whatever the browser asks for
	}}}
	u := newUser(t, cs.Browser())
	u.browser = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if strings.HasPrefix(r.URL.String(), config.RedirectURI) {
			for _, host := range []string{"127.0.0.1:" + inside, "evil.example"} {
				rebound := r.Clone(r.Context())
				rebound.Host = host
				resp, err := published.Transport.RoundTrip(rebound)
				if assert.NoError(t, err) {
					assert.Equal(t, http.StatusNotFound, resp.StatusCode, host)
					resp.Body.Close()
				}
			}
			return published.Transport.RoundTrip(r)
		}
		return cs.Browser().Transport.RoundTrip(r)
	})}
	token, err := loginWithin(t, t.Context(), config, &loopback.Options{OpenBrowser: u.open, Out: io.Discard, ListenAt: "127.0.0.1:" + inside})
	require.NoError(t, err)
	assert.True(t, token.Valid())
	assert.Contains(t, <-u.page, "You are logged in")

	listener, err := net.Listen("tcp", "127.0.0.1:"+inside)
	require.NoError(t, err)
	defer listener.Close()
	_, err = loginWithin(t, t.Context(), config, &loopback.Options{Out: io.Discard, ListenAt: "127.0.0.1:" + inside})
	require.ErrorIs(t, err, loopback.ErrPortInUse)
	require.ErrorContains(t, err, inside, "it names the port")
	_, err = loginWithin(t, t.Context(), config, &loopback.Options{Out: io.Discard, ListenAt: "203.0.113.77:" + inside})
	require.Error(t, err, "an address of another machine")
	for _, wrong := range []string{"8184", ":8184", "localhost:8184", "0.0.0.0", "0.0.0.0:x"} {
		_, err := loginWithin(t, t.Context(), config, &loopback.Options{Out: io.Discard, ListenAt: wrong})
		require.ErrorContains(t, err, "ListenAt", wrong)
	}
	_, err = loginWithin(t, t.Context(), config, &loopback.Options{Out: io.Discard, ListenAt: "0.0.0.0:8184", RedirectURIs: []string{"http://localhost:1/a", "http://localhost:2/a"}})
	require.ErrorContains(t, err, "one redirect URI")
}

// TestPortOfAnotherLoginIsWaitedFor, and that of a stranger's program is an error that names it.
func TestPortOfAnotherLoginIsWaitedFor(t *testing.T) {
	cs := csoauthtest.NewServer(t, nil)
	config := cs.Config("http://localhost:" + freePort() + "/callback")
	opened, let := make(chan bool), make(chan bool)
	u := newUser(t, cs.Browser())
	u.before = func(string) { opened <- true; <-let }
	first := make(chan error)
	go func() {
		_, err := loopback.Login(t.Context(), config, &loopback.Options{OpenBrowser: u.open, Out: io.Discard, Program: "first"})
		first <- err
	}()
	<-opened
	_, err := loginWithin(t, t.Context(), config, &loopback.Options{Out: io.Discard, Timeout: 10 * time.Millisecond})
	require.ErrorIs(t, err, loopback.ErrPortInUse)
	require.ErrorContains(t, err, `"first" (process `)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = loginWithin(t, ctx, config, &loopback.Options{Out: io.Discard})
	require.ErrorIs(t, err, context.DeadlineExceeded)

	var out buffer
	second := make(chan error)
	next := newUser(t, cs.Browser())
	go func() {
		_, err := loopback.Login(t.Context(), config, &loopback.Options{OpenBrowser: next.open, Out: &out})
		second <- err
	}()
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "Waiting for") }, 20*time.Second, time.Millisecond)
	assert.Contains(t, out.String(), `Waiting for "first" (process `)
	close(let)
	require.NoError(t, <-first)
	require.NoError(t, <-second)
	assert.Equal(t, 1, strings.Count(out.String(), `Waiting for "first"`), "it is said once")
	assert.Contains(t, <-next.page, "You are logged in")

	// With another port the login does not wait.
	opened, let = make(chan bool), make(chan bool)
	u = newUser(t, cs.Browser())
	u.before = func(string) { opened <- true; <-let }
	go func() {
		_, err := loopback.Login(t.Context(), config, &loopback.Options{OpenBrowser: u.open, Out: io.Discard})
		first <- err
	}()
	<-opened
	other := cs.Config("http://localhost:" + freePort() + "/callback").RedirectURI
	next = newUser(t, cs.Browser())
	token, err := loginWithin(t, t.Context(), config, &loopback.Options{OpenBrowser: next.open, Out: io.Discard, RedirectURIs: []string{config.RedirectURI, other}})
	require.NoError(t, err)
	assert.Equal(t, other, token.RedirectURI)
	close(let)
	require.NoError(t, <-first)
}

// TestPortOfAnotherLoginIsTriedNowAndThen: the wait must not keep a processor busy.
func TestPortOfAnotherLoginIsTriedNowAndThen(t *testing.T) {
	port := freePort()
	folder, err := turn.Folder()
	require.NoError(t, err)
	leave, free, err := turn.New(folder, "port-"+port).Try(turn.Holder{Program: "another"})
	require.NoError(t, err)
	require.True(t, free)
	defer leave()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		asked := 0
		_, _, err := newAttempt(t, redirectURI("http://localhost:"+port+"/callback")).Listen(&askedContext{ctx, func() {
			if asked++; asked > 1000 { // each try asks once or twice
				cancel()
			}
		}})
		require.ErrorIs(t, err, context.DeadlineExceeded, "asked %d times", asked)
	})
}

// An askedContext calls asked whenever it is asked whether it has ended.
type askedContext struct {
	context.Context
	asked func()
}

func (c *askedContext) Err() error {
	c.asked()
	return c.Context.Err()
}

// TestPortOfALoginThatDied may be in use for a moment after its lock is free.
func TestPortOfALoginThatDied(t *testing.T) {
	cs := csoauthtest.NewServer(t, nil)
	port := freePort()
	config := cs.Config("http://127.0.0.1:" + port + "/callback")
	folder, err := turn.Folder()
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(folder, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "port-"+port+".holder"), []byte(`{"program":"dead"}`), 0o600))
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	require.NoError(t, err)
	closed := time.AfterFunc(300*time.Millisecond, func() { listener.Close() })
	defer closed.Stop()
	u := newUser(t, cs.Browser())
	_, err = loginWithin(t, t.Context(), config, &loopback.Options{OpenBrowser: u.open, Out: io.Discard})
	require.NoError(t, err)
}

// TestLoginWithoutAPlaceForLocks goes on: logins then do not know of each other.
func TestLoginWithoutAPlaceForLocks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, cache := range []string{"", file} {
		for _, name := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} {
			t.Setenv(name, cache)
		}
		cs := csoauthtest.NewServer(t, nil)
		u := newUser(t, cs.Browser())
		_, err := loginWithin(t, t.Context(), cs.Config("http://localhost:"+freePort()+"/callback"), &loopback.Options{OpenBrowser: u.open, Out: io.Discard})
		require.NoError(t, err)
	}
}
