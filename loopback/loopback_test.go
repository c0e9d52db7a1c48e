package loopback_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/loopback"
)

// freePort returns a port that nobody has on 127.0.0.1, and on ::1 most likely.
func freePort() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// A user's browser opens an address without keeping Login waiting, and hands over the page that it
// ends at.
type user struct {
	mayFail bool
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
		if u.mayFail && err != nil || !assert.NoError(u.t, err) {
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

// loginWithin logs in, and says so if that never ends.
func loginWithin(t testing.TB, ctx context.Context, c *csoauth.Config, o *loopback.Options) (token *csoauth.Token, err error) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		token, err = loopback.Login(ctx, c, o)
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		require.FailNow(t, "Login does not return")
	}
	return token, err
}

// Law: L5
func TestLogin(t *testing.T) {
	for _, host := range []string{"localhost", "127.0.0.1", "[::1]", "LOCALHOST"} {
		t.Run(host, func(t *testing.T) {
			cs := csoauthtest.NewServer(t, nil)
			config := cs.Config("http://" + host + ":" + freePort() + "/callback")
			u := newUser(t, cs.Browser())
			var out bytes.Buffer
			token, err := loginWithin(t, t.Context(), config, &loopback.Options{OpenBrowser: u.open, Program: "<b>tool", Out: &out})
			require.NoError(t, err)
			assert.True(t, token.Valid())
			assert.Equal(t, config.RedirectURI, token.RedirectURI)
			page := <-u.page
			assert.Contains(t, page, "You are logged in")
			assert.Contains(t, page, "&lt;b&gt;tool can now use Contentstack")
			assert.Equal(t, config.RedirectURI, (<-u.address).String(), "the code has left the address bar")
			assert.Contains(t, out.String(), "/authorize?")
			listener, err := net.Listen("tcp", strings.TrimPrefix(strings.TrimSuffix(config.RedirectURI, "/callback"), "http://"))
			require.NoError(t, err, "nobody listens there any more")
			require.NoError(t, listener.Close())
		})
	}
}

// TestOptionsPrintWithoutWhatStreamsHold: In may hold a code, and a bytes.Buffer prints what it
// holds.
func TestOptionsPrintWithoutWhatStreamsHold(t *testing.T) {
	o := loopback.Options{
		Program: "tool", RedirectURIs: []string{"http://localhost:8184", "http://me:hunter2@localhost:8185"}, Timeout: time.Minute,
		SuccessURL: "https://me:hunter2@example.com", Manual: true, In: bytes.NewBufferString("the code"), Out: io.Discard,
	}
	const want = `loopback.Options{Program:"tool" RedirectURIs:["http://localhost:8184" "REDACTED"] Timeout:1m0s SuccessURL:"REDACTED" ListenAt:"" Manual:true ` +
		`In:*bytes.Buffer Out:io.discard}`
	for _, verb := range []string{"%v", "%s", "%d"} {
		assert.Equal(t, want, fmt.Sprintf(verb, o), verb)
	}
	assert.Equal(t, "http://me:hunter2@localhost:8185", o.RedirectURIs[1], "the Options themselves keep their own")
	o.SuccessURL = "https://example.com/welcome"
	assert.Contains(t, fmt.Sprint(o), `SuccessURL:"https://example.com/welcome"`)
}

func TestDenialEndsTheLogin(t *testing.T) {
	cs := csoauthtest.NewServer(t, nil)
	u := newUser(t, cs.BrowserOf(csoauthtest.Visitor{Deny: true}))
	_, err := loginWithin(t, t.Context(), cs.Config("http://localhost:"+freePort()+"/callback"), &loopback.Options{OpenBrowser: u.open, Out: io.Discard})
	require.ErrorIs(t, err, csoauth.ErrDenied)
	assert.Contains(t, <-u.page, "Access was denied")
}

// Law: L2
func TestStrayRequestsDoNotEndTheLogin(t *testing.T) {
	cs := csoauthtest.NewServer(t, nil)
	base := "http://localhost:" + freePort()
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
	_, err := loginWithin(t, t.Context(), cs.Config(base+"/callback"), &loopback.Options{OpenBrowser: u.open, Out: io.Discard})
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

func nobody(context.Context, string) error { return nil }

func TestTimeout(t *testing.T) {
	cs := csoauthtest.NewServer(t, nil)
	config := cs.Config("http://localhost:" + freePort() + "/callback")
	_, err := loginWithin(t, t.Context(), config, &loopback.Options{OpenBrowser: nobody, Out: io.Discard, Timeout: 10 * time.Millisecond})
	require.ErrorIs(t, err, loopback.ErrTimeout)
	require.NotErrorIs(t, err, context.DeadlineExceeded, "that would be the caller's")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = loginWithin(t, ctx, config, &loopback.Options{OpenBrowser: nobody, Out: io.Discard})
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 1, strings.Count(err.Error(), "canceled"), err)
}

// Law: L4
func TestLoginThatCannotWork(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(*csoauth.Config, *loopback.Options)
		says  string
	}{
		"plain":          {func(c *csoauth.Config, _ *loopback.Options) { c.ChallengeMethod = csoauth.Plain }, "use S256"},
		"no client":      {func(c *csoauth.Config, _ *loopback.Options) { c.ClientID = "" }, "ClientID"},
		"another host":   {func(c *csoauth.Config, _ *loopback.Options) { c.RedirectURI = "https://example.com/callback" }, "is not http on localhost"},
		"another scheme": {func(c *csoauth.Config, _ *loopback.Options) { c.RedirectURI = "com.example.tool:/callback" }, "is not http on localhost"},
		"one of several": {func(_ *csoauth.Config, o *loopback.Options) {
			o.RedirectURIs = []string{"http://localhost:8184/", "https://localhost:8184/"}
		}, "is not http on localhost"},
		"one that is none": {func(_ *csoauth.Config, o *loopback.Options) { o.RedirectURIs = []string{"http://example.com/"} }, "is http on a host"},
		"redirect URI": {func(_ *csoauth.Config, o *loopback.Options) {
			o.AuthOptions = &csoauth.AuthOptions{RedirectURI: "http://localhost/"}
		}, "RedirectURIs"},
		"auth options":       {func(_ *csoauth.Config, o *loopback.Options) { o.AuthOptions = &csoauth.AuthOptions{OmitMethod: true} }, "OmitMethod"},
		"dot in the path":    {redirectURI("http://localhost:8184/a/./b"), "has . or .."},
		"dot at the end":     {redirectURI("http://localhost:8184/."), "has . or .."},
		"two dots":           {redirectURI("http://localhost:8184/a/../b"), "has . or .."},
		"two dots at an end": {redirectURI("http://localhost:8184/a/.."), "has . or .."},
		"dots in percent":    {redirectURI("http://localhost:8184/a/%2e%2E/b"), "has . or .."},
		"zone":               {redirectURI("http://[::1%25lo]:8184/callback"), "RedirectURI"},
		"no redirect URI":    {redirectURI(""), "RedirectURI"},
		"timeout":            {func(_ *csoauth.Config, o *loopback.Options) { o.Timeout = -time.Second }, "Timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			config := offline()
			o := &loopback.Options{Out: io.Discard, Timeout: time.Second, OpenBrowser: func(context.Context, string) error {
				t.Error("a browser opens")
				return nil
			}}
			test.spoil(config, o)
			_, err := loginWithin(t, t.Context(), config, o)
			require.ErrorContains(t, err, test.says)
			assert.True(t, strings.HasPrefix(err.Error(), "loopback: "), err)
		})
	}
	_, err := loginWithin(t, t.Context(), nil, nil)
	require.ErrorContains(t, err, "Config")
}

func redirectURI(uri string) func(*csoauth.Config, *loopback.Options) {
	return func(c *csoauth.Config, _ *loopback.Options) { c.RedirectURI = uri }
}

// Dots that are part of a name are no steps in the path.
func TestRedirectURIWithDotsInANameIsFine(t *testing.T) {
	for _, path := range []string{"/a.b", "/.well-known/callback", "/..a/b..", "/..."} {
		newAttempt(t, redirectURI("http://localhost:8184"+path))
	}
}

func TestExpiredAttemptEndsTheLogin(t *testing.T) {
	cs := csoauthtest.NewServer(t, nil)
	_, err := loginWithin(t, t.Context(), cs.Config("http://localhost:"+freePort()+"/callback"), &loopback.Options{
		OpenBrowser: nobody, Out: io.Discard, AuthOptions: &csoauth.AuthOptions{Lifetime: 10 * time.Millisecond},
	})
	require.ErrorIs(t, err, csoauth.ErrAttemptExpired)
	require.NotErrorIs(t, err, context.DeadlineExceeded)

	synctest.Test(t, func(t *testing.T) {
		a := newAttempt(t, func(_ *csoauth.Config, o *loopback.Options) {
			o.AuthOptions = &csoauth.AuthOptions{Lifetime: time.Minute}
		})
		time.Sleep(time.Minute + time.Second)
		ask(a, "GET", "http://localhost:8184/callback?code=c&state="+a.State(), nil)
		over, err := a.Decided()
		assert.True(t, over)
		require.ErrorIs(t, err, csoauth.ErrAttemptExpired)
		assert.Contains(t, ask(a, "GET", "http://localhost:8184/callback", nil).Body.String(), "The login took too long")
	})
}

// The address is on the terminal as well.
func TestBrowserThatDoesNotOpenIsTold(t *testing.T) {
	cs := csoauthtest.NewServer(t, nil)
	u := newUser(t, cs.Browser())
	var out buffer
	said := func() bool {
		return strings.Contains(out.String(), "No browser opened (no display). Open the address yourself.\n")
	}
	u.before = func(string) { assert.Eventually(t, said, time.Minute, time.Millisecond) }
	_, err := loginWithin(t, t.Context(), cs.Config("http://localhost:"+freePort()+"/callback"), &loopback.Options{
		Out: &out, OpenBrowser: func(ctx context.Context, address string) error {
			_ = u.open(ctx, address)
			return errors.New("no display")
		},
	})
	require.NoError(t, err)
	assert.Equal(t, 1, strings.Count(out.String(), "No browser opened"))
}

// Many a helper starts the browser and waits for it to end.
func TestOpenBrowserMayWait(t *testing.T) {
	cs := csoauthtest.NewServer(t, nil)
	u := newUser(t, cs.Browser())
	over, left := make(chan struct{}), make(chan struct{})
	_, err := loginWithin(t, t.Context(), cs.Config("http://localhost:"+freePort()+"/callback"), &loopback.Options{
		Out: io.Discard, OpenBrowser: func(ctx context.Context, address string) error {
			defer close(left)
			_ = u.open(ctx, address)
			<-over
			return nil
		},
	})
	require.NoError(t, err)
	close(over)
	<-left
}

func TestLoginThatIsOverBeforeItBeginsOpensNoBrowser(t *testing.T) {
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	_, err := loginWithin(t, ctx, csoauthtest.NewServer(t, nil).Config("http://localhost:"+freePort()+"/callback"), &loopback.Options{
		Out: io.Discard, OpenBrowser: func(context.Context, string) error {
			t.Error("a browser opens")
			return nil
		},
	})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, stop)
}

// A user who presses Ctrl-C during the exchange still has a browser that waits for a page.
func TestContextThatEndsDuringTheExchange(t *testing.T) {
	cs := csoauthtest.NewServer(t, nil)
	config := cs.Config("http://localhost:" + freePort() + "/callback")
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	config.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		cancel(stop)
		<-r.Context().Done()
		return nil, context.Cause(r.Context())
	})}
	u := newUser(t, cs.Browser())
	_, err := loginWithin(t, ctx, config, &loopback.Options{OpenBrowser: u.open, Out: io.Discard})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, stop)
	assert.Contains(t, <-u.page, "The login did not work")
}

// Contentstack has given the token out: to drop it would leave it valid, and the user without one.
func TestTokenThatComesAsTheContextEndsIsKept(t *testing.T) {
	cs := csoauthtest.NewServer(t, nil)
	config := cs.Config("http://localhost:" + freePort() + "/callback")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	config.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		resp.Body = io.NopCloser(bytes.NewReader(body))
		cancel()
		return resp, err
	})}
	defer http.DefaultClient.CloseIdleConnections()
	u := newUser(t, cs.Browser())
	token, err := loginWithin(t, ctx, config, &loopback.Options{OpenBrowser: u.open, Out: io.Discard})
	require.NoError(t, err)
	assert.True(t, token.Valid())
	assert.Contains(t, <-u.page, "You are logged in")
}

func TestTransportThatPanicsEndsTheLogin(t *testing.T) {
	cs := csoauthtest.NewServer(t, nil)
	config := cs.Config("http://localhost:" + freePort() + "/callback")
	config.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { panic("oh") })}
	u := newUser(t, &http.Client{Transport: cs.Browser().Transport})
	u.mayFail = true // the connection of a handler that panics is closed
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := loginWithin(t, ctx, config, &loopback.Options{OpenBrowser: u.open, Out: io.Discard, Timeout: 20 * time.Second})
	require.ErrorContains(t, err, "panicked")
	<-u.page
}
