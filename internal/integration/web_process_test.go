package integration_test

import (
	"bufio"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The emulated users of examples/web, and where they stand on the emulator's pages.
const (
	lovelace = "Ada Lovelace"
	turing   = "Alan Turing"

	asLovelace = `button[name=user][value=ada]`
	asTuring   = `button[name=user][value=alan]`
)

// The heading of the home page, the link that is there and on httplogin's own pages, and what these
// say to a browser that may have lost its cookie.
const (
	homePage   = "See your stacks"
	toLogIn    = `a[href^='/login']`
	cookieHint = "if the browser blocks cookies"
)

// A web is examples/web in a process of its own, with its emulated Contentstack, and a browser that
// looks at them. They are different sites: examples/web is localhost to the browser, and the
// emulator 127.0.0.1.
type web struct {
	t                 *testing.T
	url, contentstack string
	logFile           string
	chrome            *chrome
}

// startWeb starts both, until the end of the test, and opens the first tab.
func startWeb(t *testing.T, program string, browserFlags ...chromedp.ExecAllocatorOption) (*web, *tab) {
	t.Helper()
	w := &web{t: t, logFile: filepath.Join(t.TempDir(), "log")}
	log, err := os.Create(w.logFile)
	require.NoError(t, err)
	defer log.Close() // the process has it open, too
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("examples/web logged:\n%s", w.log())
		}
	})
	stdout := startProgram(t, log, program, "-emulator", "-listen", "localhost:0")
	for lines := bufio.NewScanner(stdout); w.url == "" && lines.Scan(); {
		_, w.url, _ = strings.Cut(lines.Text(), "Open this in your browser: ")
	}
	require.NotEmpty(t, w.url, "examples/web ended before it listened: %s", w.log())
	w.contentstack = w.askContentstack()
	w.chrome = newChrome(t, browserFlags...)
	return w, w.chrome.tab()
}

// askContentstack returns where users are sent to.
func (w *web) askContentstack() string {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.url+"/login", nil)
	require.NoError(w.t, err)
	req.Close = true
	resp, err := http.DefaultTransport.RoundTrip(req) // which follows no redirect
	require.NoError(w.t, err)
	resp.Body.Close()
	at, err := resp.Location()
	require.NoError(w.t, err)
	return "http://" + at.Host
}

// log returns what was logged so far.
func (w *web) log() string {
	text, err := os.ReadFile(w.logFile)
	require.NoError(w.t, err)
	return string(text)
}

// begin logs a user in at Contentstack, and begins to log in here, up to the consent page.
func (w *web) begin(b *tab, as, returnTo string) {
	w.t.Helper()
	b.logInAt(w.contentstack, as)
	b.open(w.url + "/login?" + url.Values{"return_to": {returnTo}}.Encode())
	b.await("consent")
}

// callback returns the last address at which the user came back from Contentstack.
func (w *web) callback(b *tab) *url.URL {
	w.t.Helper()
	u, err := url.Parse(b.answer(w.url + "/callback").URL)
	require.NoError(w.t, err)
	return u
}

// cookies returns those that the browser has for examples/web: the attempts to log in, and the
// session or nil.
func (w *web) cookies(b *tab) (attempts []*network.Cookie, session *network.Cookie) {
	w.t.Helper()
	for _, c := range b.cookies(w.url) {
		switch {
		case strings.HasPrefix(c.Name, "csoauth-"):
			attempts = append(attempts, c)
		case c.Name == "web-session":
			session = c
		default:
			assert.Fail(w.t, "there is a cookie "+c.Name)
		}
	}
	return attempts, session
}

// assertCookies checks how many attempts to log in the browser has, and whether it has a session.
func (w *web) assertCookies(b *tab, attempts int, session bool) {
	w.t.Helper()
	a, s := w.cookies(b)
	assert.Len(w.t, a, attempts, "attempts to log in")
	assert.Equal(w.t, session, s != nil, "a session")
}

// assertUser waits for the page of a user, at path.
func (w *web) assertUser(b *tab, user, path string) {
	w.t.Helper()
	b.awaitHeading("Hello, " + user)
	assert.Equal(w.t, w.url+path, evaluate[string](b, "location.href"))
}

// assertRefused waits for the page of a callback that was refused unread, and returns its text.
func (w *web) assertRefused(b *tab) string {
	w.t.Helper()
	b.await("login-failed")
	w.assertAnswer(b, "/callback", http.StatusBadRequest)
	text := b.text("body")
	assert.Contains(w.t, text, "The login did not work")
	assert.Contains(w.t, text, cookieHint)
	assert.NotRegexp(w.t, `(?i)denied|not allowed|\bstate\b|attempt|expired|too late|forged|csoauth|httplogin`, text, "no cause is named")
	assert.Equal(w.t, "Try again", b.text(toLogIn))
	return text
}

// assertAnswer checks the last response at one of httplogin's paths.
func (w *web) assertAnswer(b *tab, path string, status int) {
	w.t.Helper()
	answer := b.answer(w.url + path)
	assert.EqualValues(w.t, status, answer.Status, path)
	assert.Equal(w.t, "no-store", answer.Headers["Cache-Control"], path)
	assert.Equal(w.t, "no-referrer", answer.Headers["Referrer-Policy"], path)
	assert.Equal(w.t, "nosniff", answer.Headers["X-Content-Type-Options"], path)
	assert.Contains(w.t, answer.Headers["Content-Security-Policy"], "frame-ancestors 'none'", path)
}
