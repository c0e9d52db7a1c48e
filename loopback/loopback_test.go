package loopback_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/loopback"
)

// freePort returns a port that nobody has on either address of localhost.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

// A user's browser opens an address without keeping Login waiting, and hands over the page that it ends at.
type user struct {
	t       testing.TB
	browser *http.Client
	before  func(authorizeURL string) // what happens before the user opens the address
	page    chan string
	address chan *url.URL
}

func newUser(t testing.TB, browser *http.Client) *user {
	return &user{t: t, browser: browser, page: make(chan string, 1), address: make(chan *url.URL, 1)}
}

func (u *user) open(_ context.Context, address string) error {
	go func() {
		if u.before != nil {
			u.before(address)
		}
		resp, err := u.browser.Get(address)
		if !assert.NoError(u.t, err) {
			u.page <- ""
			return
		}
		defer resp.Body.Close()
		page, err := io.ReadAll(resp.Body)
		assert.NoError(u.t, err)
		u.address <- resp.Request.URL
		u.page <- string(page)
	}()
	return nil
}

func TestLogin(t *testing.T) {
	for _, host := range []string{"localhost", "127.0.0.1", "[::1]"} {
		t.Run(host, func(t *testing.T) {
			cs := csoauthtest.NewServer(t, nil)
			config := cs.Config("http://" + host + ":" + freePort(t) + "/callback")
			u := newUser(t, cs.Browser())
			var out bytes.Buffer
			token, err := loopback.Login(t.Context(), config, &loopback.Options{OpenBrowser: u.open, Program: "<b>tool", Out: &out})
			require.NoError(t, err)
			assert.True(t, token.Valid())
			assert.Equal(t, config.RedirectURI, token.RedirectURI)
			page := <-u.page
			assert.Contains(t, page, "You are logged in")
			assert.Contains(t, page, "&lt;b&gt;tool can now use Contentstack")
			assert.Equal(t, config.RedirectURI, (<-u.address).String(), "the code has left the address bar")
			assert.Contains(t, out.String(), "/authorize?")
		})
	}
}

func TestDenialEndsTheLogin(t *testing.T) {
	cs := csoauthtest.NewServer(t, nil)
	u := newUser(t, cs.BrowserOf(csoauthtest.Visitor{Deny: true}))
	_, err := loopback.Login(t.Context(), cs.Config("http://localhost:"+freePort(t)+"/callback"), &loopback.Options{OpenBrowser: u.open, Out: io.Discard})
	require.ErrorIs(t, err, csoauth.ErrDenied)
	assert.Contains(t, <-u.page, "Access was not allowed")
}

func TestStrayRequestsDoNotEndTheLogin(t *testing.T) {
	cs := csoauthtest.NewServer(t, nil)
	base := "http://localhost:" + freePort(t)
	u := newUser(t, cs.Browser())
	u.before = func(authorizeURL string) {
		for _, stray := range []struct {
			method, path, host string
			status             int
		}{
			{"GET", "/favicon.ico", "", 404},
			{"GET", "/", "", 404},
			{"GET", "/callback", "", 400},
			{"GET", "/callback?state=wrong&code=stolen", "", 400},
			{"GET", "/callback?code=stolen", "", 400},
			{"GET", "/callback?error=access_denied", "", 400},
			{"GET", "/callback?state=" + stateOf(t, authorizeURL) + "&state=twice", "", 400},
			{"GET", "/callback?error=access_denied&state=" + stateOf(t, authorizeURL), "evil.example", 404},
			{"POST", "/callback?error=access_denied&state=" + stateOf(t, authorizeURL), "", 405},
			{"HEAD", "/callback?error=access_denied&state=" + stateOf(t, authorizeURL), "", 405},
		} {
			req, err := http.NewRequest(stray.method, base+stray.path, nil)
			require.NoError(t, err)
			req.Host = stray.host
			resp, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			resp.Body.Close()
			assert.Equal(t, stray.status, resp.StatusCode, "%v", stray)
			assert.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
			assert.Equal(t, "no-referrer", resp.Header.Get("Referrer-Policy"))
		}
	}
	_, err := loopback.Login(t.Context(), cs.Config(base+"/callback"), &loopback.Options{OpenBrowser: u.open, Out: io.Discard})
	require.NoError(t, err)
	http.DefaultClient.CloseIdleConnections()
}

func stateOf(t testing.TB, authorizeURL string) string {
	t.Helper()
	_, query, _ := strings.Cut(authorizeURL, "?")
	values, err := url.ParseQuery(query)
	require.NoError(t, err)
	return values.Get("state")
}

func TestPortInUse(t *testing.T) {
	for _, squatted := range []string{"127.0.0.1", "[::1]", "0.0.0.0", "[::]"} {
		t.Run(squatted, func(t *testing.T) {
			port := freePort(t)
			squatter, err := net.Listen("tcp", squatted+":"+port)
			require.NoError(t, err)
			defer squatter.Close()
			cs := csoauthtest.NewServer(t, nil)
			opened := false
			o := &loopback.Options{Out: io.Discard, OpenBrowser: func(context.Context, string) error {
				opened = true
				return nil
			}}
			_, err = loopback.Login(t.Context(), cs.Config("http://localhost:"+port+"/callback"), o)
			require.ErrorIs(t, err, loopback.ErrPortInUse)
			assert.Contains(t, err.Error(), port)
			assert.False(t, opened)

			o.RedirectURIs = []string{"http://localhost:" + port + "/callback", "http://127.0.0.1:" + freePort(t) + "/callback"}
			u := newUser(t, cs.Browser())
			o.OpenBrowser = u.open
			config := cs.Config(o.RedirectURIs[1])
			config.RedirectURI = o.RedirectURIs[0]
			token, err := loopback.Login(t.Context(), config, o)
			require.NoError(t, err)
			assert.Equal(t, o.RedirectURIs[1], token.RedirectURI)
		})
	}
}

func TestTimeout(t *testing.T) {
	cs := csoauthtest.NewServer(t, nil)
	config := cs.Config("http://localhost:" + freePort(t) + "/callback")
	nobody := func(context.Context, string) error { return nil }
	_, err := loopback.Login(t.Context(), config, &loopback.Options{OpenBrowser: nobody, Out: io.Discard, Timeout: 10 * time.Millisecond})
	require.ErrorIs(t, err, loopback.ErrTimeout)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = loopback.Login(ctx, config, &loopback.Options{OpenBrowser: nobody, Out: io.Discard})
	require.ErrorIs(t, err, context.Canceled)
}

func TestManual(t *testing.T) {
	cs := csoauthtest.NewServer(t, nil)
	config := cs.Config("http://localhost:8184/callback")
	in, paste := io.Pipe()
	defer paste.Close()
	var out bytes.Buffer
	asked := make(chan string, 10)
	go func() {
		text := <-asked
		_, address, _ := strings.Cut(text, "\n\n  ")
		address, _, _ = strings.Cut(address, "\n")
		callback := config.RedirectURI + "?" + cs.Callback(cs.Browser(), address).Encode()
		for _, line := range []string{"what?\n", config.RedirectURI + "?state=wrong&code=c\n", callback + "\n"} {
			_, err := io.WriteString(paste, line)
			assert.NoError(t, err)
		}
	}()
	token, err := loopback.Login(t.Context(), config, &loopback.Options{Manual: true, In: in, Out: io.MultiWriter(&out, tell(asked))})
	require.NoError(t, err)
	assert.True(t, token.Valid())
	assert.Contains(t, out.String(), "That does not begin with http://localhost:8184/callback")
	assert.Contains(t, out.String(), "of another login")
}

type tell chan<- string

func (c tell) Write(p []byte) (int, error) {
	select {
	case c <- string(p):
	default:
	}
	return len(p), nil
}
