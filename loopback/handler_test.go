package loopback_test

import (
	"bufio"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/loopback"
)

func ask(a *loopback.Attempt, method, target string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	a.Handler().ServeHTTP(w, r)
	return w
}

func TestPrefetchDoesNotEndTheLogin(t *testing.T) {
	a := newAttempt(t, nil)
	w := ask(a, "GET", "http://localhost:8184/callback?error=access_denied&state="+a.State(), func(r *http.Request) {
		r.Header.Set("Sec-Purpose", "prefetch")
	})
	assert.Equal(t, http.StatusForbidden, w.Code)
	over, _ := a.Decided()
	assert.False(t, over)
}

// Law: L2
func TestRedirectURIIsMetToTheHostAndPath(t *testing.T) {
	for _, test := range []struct {
		redirectURI, target string
		here                bool
	}{
		{"http://localhost:8184/callback", "http://localhost:8184/callback", true},
		{"http://localhost:8184/callback", "http://LOCALHOST:8184/callback", true},
		{"http://localhost:8184/callback", "http://127.0.0.1:8184/callback", false},
		{"http://localhost:8184/callback", "http://localhost.evil.example:8184/callback", false},
		{"http://localhost:8184/callback", "http://localhost:8185/callback", false},
		{"http://localhost:8184/callback", "http://localhost/callback", false},
		{"http://localhost:8184/callback", "http://localhost:8184/callback/", false},
		{"http://localhost:8184/callback", "http://localhost:8184//callback", false},
		{"http://localhost:8184/a%2Fb", "http://localhost:8184/a%2Fb", true},
		{"http://localhost:8184/a%2Fb", "http://localhost:8184/a/b", false},
		{"http://localhost:8184", "http://localhost:8184/", true},
		{"http://localhost:8184", "http://localhost:8184", true},
		{"http://localhost/", "http://localhost/", true},
		{"http://localhost/", "http://localhost:80/", true},
		{"http://localhost:80/", "http://localhost/", true},
		{"http://LOCALHOST:8184/callback", "http://localhost:8184/callback", true},
		{"http://app.Localhost:8184/callback", "http://APP.localhost:8184/callback", true},
		{"http://app.localhost:8184/callback", "http://localhost:8184/callback", false},
		{"http://[::1]:8184/callback", "http://[::1]:8184/callback", true},
		{"http://[0:0:0:0:0:0:0:1]:8184/callback", "http://[::1]:8184/callback", true},
		{"http://127.0.0.1:8184/callback?app=1", "http://127.0.0.1:8184/callback?app=1", true},
	} {
		a := newAttempt(t, func(c *csoauth.Config, _ *loopback.Options) { c.RedirectURI = test.redirectURI })
		want := http.StatusNotFound
		if test.here {
			want = http.StatusBadRequest // there is no state in it
		}
		assert.Equal(t, want, ask(a, "GET", test.target, nil).Code, "%s asked for at %s", test.target, test.redirectURI)
	}
}

// A parser that drops what it cannot read would take an error for a success.
func TestCallbackThatDoesNotParseIsNotOurs(t *testing.T) {
	a := newAttempt(t, nil)
	for _, query := range []string{"error=a;b&code=c&state=", "code=c&error=%zz&state=", "x=" + strings.Repeat("x", 8<<10) + "&code=c&state="} {
		w := ask(a, "GET", "http://localhost:8184/callback?"+query+a.State(), nil)
		assert.Equal(t, http.StatusBadRequest, w.Code)
		over, _ := a.Decided()
		assert.False(t, over, "the true callback may still come")
	}
}

// The user may have opened an old tab, and must not take its page for the end of the login.
func TestVisitOfAnotherLoginGetsAPageThatSaysSo(t *testing.T) {
	a := newAttempt(t, func(_ *csoauth.Config, o *loopback.Options) { o.Program = "<b>tool" })
	assertPage := func(query, goesOn string) {
		t.Helper()
		w := ask(a, "GET", "http://localhost:8184/callback"+query, nil)
		assert.Equal(t, http.StatusBadRequest, w.Code, query)
		assert.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"), query)
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"), query)
		assert.Regexp(t, `^default-src 'none'; style-src 'sha256-[^']+'; `, w.Header().Get("Content-Security-Policy"))
		assert.Contains(t, w.Body.String(), `<body data-page="not-this-login">`, query)
		assert.Contains(t, w.Body.String(), "The address of this page does not belong to the login that &lt;b&gt;tool started", query)
		assert.Contains(t, w.Body.String(), goesOn, query)
		assert.NotContains(t, w.Body.String(), "stolen", query)
		assert.NotContains(t, w.Body.String(), "<a ", query)
	}
	others := []string{
		"?state=wrong&code=stolen", "?state=" + a.State() + "&state=stolen",
		"?state=" + a.State() + "&code=stolen;b", "?state=" + a.State() + "&code=%zz", "?state=" + strings.ToUpper(a.State()),
	}
	for _, query := range append(others, "", "?code=stolen", "?error=access_denied&error_description=stolen") {
		assertPage(query, "The login in the other tab goes on.")
	}
	over, _ := a.Decided()
	require.False(t, over)

	assert.Equal(t, http.StatusSeeOther, ask(a, "GET", "http://localhost:8184/callback?error=access_denied&state="+a.State(), nil).Code)
	for _, query := range others {
		assertPage(query, "That login is over.")
	}
	assert.Contains(t, ask(a, "GET", "http://localhost:8184/callback", nil).Body.String(), `data-page="denied"`)
}

func TestProgramIsNamedAfterItsFileByDefault(t *testing.T) {
	path, err := os.Executable()
	require.NoError(t, err)
	w := ask(newAttempt(t, nil), "GET", "http://localhost:8184/callback", nil)
	assert.Contains(t, w.Body.String(), "the login that "+strings.TrimSuffix(filepath.Base(path), ".exe")+" started")
}

// Law: L3
func TestPageComesWhenTheOutcomeIsKnown(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	a := newAttempt(t, func(c *csoauth.Config, o *loopback.Options) {
		o.Program = "tool"
		c.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			close(asked) // a second exchange would close it again
			<-answer
			return nil, errors.New("no route")
		})}
	})
	callback := "http://localhost:8184/callback?code=c&state=" + a.State()
	var both sync.WaitGroup
	both.Go(func() {
		w := ask(a, "GET", callback, nil)
		assert.Equal(t, http.StatusSeeOther, w.Code)
		assert.Equal(t, "http://localhost:8184/callback", w.Header().Get("Location"), "the code leaves the address bar")
	})
	<-asked
	assert.Equal(t, http.StatusBadRequest, ask(a, "GET", "http://localhost:8184/callback", nil).Code, "nothing is known yet")
	both.Go(func() { assert.Equal(t, http.StatusSeeOther, ask(a, "GET", callback, nil).Code) })
	close(answer)
	both.Wait()

	_, err := a.Decided()
	require.ErrorContains(t, err, "no route")
	for _, query := range []string{"?state=wrong", "?state=", "?state=" + a.State() + "&state=" + a.State()} {
		assert.Equal(t, http.StatusBadRequest, ask(a, "GET", "http://localhost:8184/callback"+query, nil).Code, query)
	}
	w := ask(a, "GET", "http://localhost:8184/callback", nil)
	assert.Equal(t, http.StatusBadGateway, w.Code)
	assert.Contains(t, w.Body.String(), "The login did not work")
	assert.Contains(t, w.Body.String(), ">tool says why. Start the login again there.<")
	assert.NotContains(t, w.Body.String(), "no route")
	assert.Regexp(t, `^default-src 'none'; style-src 'sha256-[^']+'; `, w.Header().Get("Content-Security-Policy"))
}

// The page of a login that failed says what to do next, and where.
func TestPageOfALoginThatFailed(t *testing.T) {
	for query, want := range map[string]string{
		"error=access_denied": "<h1>Access was denied</h1>\n" +
			"<p>tool did not get access to Contentstack. If that was a mistake, start the login there again.</p>\n",
		"code=c": "<h1>The login did not work</h1>\n<p>tool says why. Start the login again there.</p>\n",
	} {
		a := newAttempt(t, func(_ *csoauth.Config, o *loopback.Options) { o.Program = "tool" })
		ask(a, "GET", "http://localhost:8184/callback?"+query+"&state="+a.State(), nil)
		w := ask(a, "GET", "http://localhost:8184/callback", nil)
		assert.Contains(t, w.Body.String(), want+"<p>You can close this page.</p>\n</main>", query)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Whatever a program on this machine or a web page sends: only a GET of the redirect URI with the
// state ends the login, and no response has a secret.
func FuzzHandler(f *testing.F) {
	for _, request := range []string{
		"GET /callback?code=c&state=STATE HTTP/1.1\r\nHost: localhost:8184\r\n\r\n",
		"GET /callback?error=access_denied&state=STATE HTTP/1.1\r\nHost: localhost:8184\r\n\r\n",
		"GET http://localhost:8184/callback?state=STATE HTTP/1.1\r\nHost: evil\r\n\r\n",
		"GET /callback?state=STATE&state=STATE HTTP/1.1\r\nHost: localhost:8184\r\n\r\n",
		"GET /callback?state=STATE HTTP/1.0\r\n\r\n",
		"GET /callback HTTP/1.1\r\nHost: localhost:8184\r\nSec-Purpose: prefetch\r\n\r\n",
		"POST /callback?state=STATE HTTP/1.1\r\nHost: localhost:8184\r\nContent-Length: 0\r\n\r\n",
		"GET /favicon.ico HTTP/1.1\r\nHost: localhost:8184\r\n\r\n",
	} {
		f.Add(request)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a := newAttempt(t, nil)
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(text, "STATE", a.State()))))
		if err != nil {
			return
		}
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, r)
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		assert.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"))
		answer := w.Body.String() + w.Header().Get("Location")
		assert.NotContains(t, answer, a.State())
		assert.NotContains(t, answer, a.Verifier())
		if over, _ := a.Decided(); over {
			assert.Equal(t, http.MethodGet, r.Method)
			assert.Equal(t, "localhost:8184", strings.ToLower(r.Host))
			assert.Equal(t, "/callback", r.URL.Path)
			assert.Equal(t, []string{a.State()}, r.URL.Query()["state"])
		} else {
			assert.GreaterOrEqual(t, w.Code, 400)
		}
	})
}
