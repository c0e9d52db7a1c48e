package integration_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/loopback"
)

// freeRedirectURI returns one whose port nobody has on either address of localhost. The port is
// below those that the system gives to connections, so that nobody gets it meanwhile.
func freeRedirectURI(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(20_000 + rand.N(12_000))
		if isFree(port) {
			return "http://localhost:" + port + "/callback"
		}
	}
	require.Fail(t, "no port is free")
	return ""
}

// isFree reports whether one can listen at a port of both addresses of localhost.
func isFree(port string) bool {
	for _, host := range []string{"127.0.0.1", "::1"} {
		listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
		if err != nil {
			return false
		}
		listener.Close()
	}
	return true
}

// assertGone checks that nobody listens at a redirect URI any more.
func assertGone(t *testing.T, redirectURI string) {
	t.Helper()
	u, err := url.Parse(redirectURI)
	require.NoError(t, err)
	assert.True(t, isFree(u.Port()), "a process still listens at %s", redirectURI)
}

// A loopbackLogin runs while the test drives the browser.
type loopbackLogin struct {
	t       *testing.T
	address string // for the browser
	done    chan struct{}
	token   *csoauth.Token
	err     error
}

// startLoopback starts a login, and returns when that would open the browser. It ends with the
// test.
func startLoopback(t *testing.T, c *csoauth.Config, o loopback.Options) *loopbackLogin {
	t.Helper()
	l := &loopbackLogin{t: t, done: make(chan struct{})}
	address := make(chan string, 1)
	o.Out = io.Discard
	o.OpenBrowser = func(_ context.Context, a string) error {
		address <- a
		return nil
	}
	go func() {
		defer close(l.done)
		l.token, l.err = loopback.Login(t.Context(), c, &o)
	}()
	t.Cleanup(func() { <-l.done })
	select {
	case l.address = <-address:
	case <-l.done:
		require.Fail(t, "no browser was opened", "%v", l.err)
	}
	return l
}

// result waits until the login has ended.
func (l *loopbackLogin) result() (*csoauth.Token, error) {
	l.t.Helper()
	select {
	case <-l.done:
	case <-time.After(pageWait):
		require.Fail(l.t, "the login does not end")
	}
	return l.token, l.err
}

// assertLoggedIn checks that the user sees it, and that the program has a token.
func (l *loopbackLogin) assertLoggedIn(b *tab) {
	l.t.Helper()
	b.await("logged-in")
	token, err := l.result()
	require.NoError(l.t, err)
	assert.True(l.t, token.Valid())
	assert.Equal(l.t, ada, token.UserUID)
}

// consent brings the tab to the page that asks for consent. Its user is Ada.
func (b *tab) consent(server *csoauthtest.Server, address string) {
	b.t.Helper()
	b.logIn(server, asAda)
	b.open(address)
	b.await("consent")
}

// address returns what the address bar shows.
func (b *tab) address() string {
	b.t.Helper()
	entries, current := b.history()
	return entries[current].URL
}

// assertNoCode checks that the address bar shows the redirect URI and no more, and that Back leads
// to the page before the callback.
func (b *tab) assertNoCode(redirectURI, before string) {
	b.t.Helper()
	entries, current := b.history()
	assert.Equal(b.t, redirectURI, entries[current].URL)
	require.NotZero(b.t, current)
	assert.Equal(b.t, before, entries[current-1].URL)
	for _, entry := range entries {
		assert.NotContains(b.t, entry.URL, redirectURI+"?")
		assert.NotRegexp(b.t, "[?&]code=", entry.URL)
	}
}

// newLoopbackTab starts a browser and an emulator, and makes a Config whose redirect URI nobody
// has.
func newLoopbackTab(t *testing.T) (*chrome, *csoauthtest.Server, *csoauth.Config) {
	t.Parallel()
	c := newChrome(t)
	server := csoauthtest.NewServer(t, nil)
	return c, server, server.Config(freeRedirectURI(t))
}

// A gate holds a request up until it is opened.
type gate struct {
	http.RoundTripper
	reached, opened chan struct{}
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	close(g.reached)
	select {
	case <-g.opened:
		return g.RoundTripper.RoundTrip(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func TestLoopbackAllow(t *testing.T) {
	c, server, config := newLoopbackTab(t)
	b := c.tab()
	g := &gate{config.HTTPClient.Transport, make(chan struct{}), make(chan struct{})}
	config.HTTPClient = &http.Client{Transport: g}
	l := startLoopback(t, config, loopback.Options{Program: `<b>"tool"</b> & co`})
	b.consent(server, l.address)
	consent := b.address()
	b.click(allow)
	<-g.reached
	assert.Equal(t, consent, b.address(), "no page says that it worked before it has")
	close(g.opened)
	l.assertLoggedIn(b)
	assert.Contains(t, b.text("main"), `<b>"tool"</b> & co can now use Contentstack for you`)
	assert.Zero(t, b.count("main b"))
	assert.Empty(t, evaluate[string](b, "document.referrer"))
	assert.Empty(t, evaluate[string](b, "location.search + location.hash"))
	b.assertNoCode(config.RedirectURI, consent)
	assertGone(t, config.RedirectURI)
}

func TestLoopbackDeny(t *testing.T) {
	c, server, config := newLoopbackTab(t)
	b := c.tab()
	b.mayRefuse(config.RedirectURI)
	l := startLoopback(t, config, loopback.Options{})
	b.consent(server, l.address)
	consent := b.address()
	b.click(deny)
	b.await("denied")
	_, err := l.result()
	require.ErrorIs(t, err, csoauth.ErrDenied)
	b.assertNoCode(config.RedirectURI, consent)
	assertGone(t, config.RedirectURI)
}

func TestLoopbackTabIsClosed(t *testing.T) {
	c, server, config := newLoopbackTab(t)
	b := c.anyTab()
	l := startLoopback(t, config, loopback.Options{Timeout: 3 * time.Second})
	b.consent(server, l.address)
	require.NoError(t, chromedp.Cancel(b.ctx))
	_, err := l.result()
	require.ErrorIs(t, err, loopback.ErrTimeout)
	assertGone(t, config.RedirectURI)
}

// An attacker who can open an address in the user's browser can forge a callback, but not its
// state.
func TestLoopbackForgedCallback(t *testing.T) {
	c, server, config := newLoopbackTab(t)
	b, forger := c.tab(), c.tab()
	forger.mayRefuse(config.RedirectURI)
	l := startLoopback(t, config, loopback.Options{})
	b.consent(server, l.address)
	for _, query := range []string{"?code=stolen&state=wrong", "?code=stolen", "?error=access_denied", ""} {
		forger.open(config.RedirectURI + query)
		forger.await("not-this-login")
	}
	b.click(allow)
	l.assertLoggedIn(b)
}

// Another page, or the browser itself, may fetch the callback without a person who looks at it:
// even the real one is then not used up.
func TestLoopbackCallbackWithoutVisit(t *testing.T) {
	c, server, config := newLoopbackTab(t)
	l := startLoopback(t, config, loopback.Options{})
	callback := config.RedirectURI + "?" + server.Callback(server.Browser(), l.address).Encode()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><title>Other</title><body data-page="other"><script>
			const callback = %q;
			const until = (name, prepare) => new Promise(done => {
				const e = document.createElement(name);
				e.onload = e.onerror = done;
				prepare(e);
				document.body.append(e);
			});
			const embedded = Promise.all([
				until("img", e => e.src = callback),
				until("iframe", e => e.src = callback),
				until("script", e => e.src = callback),
				until("object", e => e.data = callback),
				until("link", e => { e.rel = "prefetch"; e.href = callback }),
				fetch(callback, {mode: "no-cors"}),
				fetch(callback).catch(() => {}),
				fetch(callback, {mode: "no-cors", method: "POST"}),
			]);
		</script>`, callback)
	}))
	defer other.Close()
	stranger := c.anyTab() // where the browser complains of what is refused
	stranger.open(other.URL)
	stranger.await("other")
	stranger.awaitTrue("embedded.then(() => true)")
	select {
	case <-l.done:
		require.Fail(t, "the login has ended without a visit", "%v", l.err)
	default:
	}
	b := c.tab()
	b.open(callback)
	l.assertLoggedIn(b)
}

func TestLoopbackTwoLoginsAtOnePort(t *testing.T) {
	c, server, config := newLoopbackTab(t)
	b := c.tab()
	first := startLoopback(t, config, loopback.Options{})
	require.ErrorIs(t, notOpened(t, config), loopback.ErrPortInUse)
	b.consent(server, first.address)
	b.click(allow)
	first.assertLoggedIn(b)
}

// When the login has ended, nobody is at the redirect URI. What the browser says then is its own,
// but no code must be in its address.
func TestLoopbackReloadAndBack(t *testing.T) {
	c, server, config := newLoopbackTab(t)
	b := c.anyTab() // the console tells that nobody is there
	l := startLoopback(t, config, loopback.Options{})
	b.consent(server, l.address)
	consent := b.address()
	b.click(allow)
	l.assertLoggedIn(b)
	b.reload()
	b.awaitTrue(`location.protocol == "chrome-error:"`)
	b.assertNoCode(config.RedirectURI, consent)
	b.back()
	b.await("consent")
	assert.Equal(t, consent, b.address())
}

func TestLoopbackPagesAreAccessible(t *testing.T) {
	axe := axeSource(t)
	c, server, config := newLoopbackTab(t)
	b := c.tab()
	b.mayRefuse(config.RedirectURI)
	b.logIn(server, asAda)
	for _, test := range []struct {
		page, decision string
		status         int // of the token endpoint; zero: as always
	}{
		{"denied", deny, 0},
		{"login-failed", allow, http.StatusBadGateway},
		{"logged-in", "", 0}, // consent is remembered
	} {
		if test.status != 0 {
			server.FailNext(csoauthtest.Fault{Status: test.status})
		}
		l := startLoopback(t, config, loopback.Options{Program: strings.Repeat("long", 40)})
		b.open(l.address)
		if test.decision != "" {
			b.await("consent")
			b.click(test.decision)
		}
		b.await(test.page)
		_, _ = l.result() // other tests look at it
		b.assertAccessible(axe)
	}
}
