package httplogin_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/httplogin"
)

func TestStatusOfWhatFailed(t *testing.T) {
	tests := map[string]struct {
		fail   func(s *site)
		user   csoauthtest.Visitor
		status int
		level  string
	}{
		"the user says no": {func(*site) {}, csoauthtest.Visitor{Deny: true}, http.StatusForbidden, "INFO"},
		"Contentstack refuses": {func(s *site) {
			s.cs.FailNext(csoauthtest.Fault{Status: http.StatusBadRequest, Body: `{"error":"invalid_grant"}`})
		}, csoauthtest.Visitor{}, http.StatusBadGateway, "ERROR"},
		"the application cannot": {func(s *site) { s.login.OnToken = noToken }, csoauthtest.Visitor{}, http.StatusInternalServerError, "ERROR"},
		"nobody can be reached":  {func(s *site) { s.login.Config.HTTPClient = &http.Client{Transport: unreachable{}} }, csoauthtest.Visitor{}, http.StatusBadGateway, "ERROR"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, browser := newSite(t), newBrowser(t)
			var out bytes.Buffer
			s.login.OnError, s.login.Logger = nil, slog.New(slog.NewTextHandler(&out, nil))
			query := s.cs.Callback(s.cs.BrowserOf(tt.user), s.begin(t, browser))
			tt.fail(s)
			resp := visit(t, browser, s.URL+"/callback?"+query.Encode())
			assert.Equal(t, tt.status, resp.StatusCode)
			assert.Equal(t, "text/html; charset=utf-8", resp.Header.Get("Content-Type"))
			assert.Contains(t, out.String(), "level="+tt.level)
			for name, values := range query {
				if name == "state" || name == "code" {
					assert.NotContains(t, out.String(), values[0], "the log has the %s", name)
				}
			}
			assert.Empty(t, s.tokens)
		})
	}
}

func noToken(http.ResponseWriter, *http.Request, *csoauth.Token) error {
	return errors.New("the database is full")
}

type unreachable struct{}

func (unreachable) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no route")
}

func TestTryAgainLeadsToWhereTheAttemptBegan(t *testing.T) {
	s, browser := newSite(t), newBrowser(t)
	s.login.OnError, s.login.StartPath = nil, "/login"
	callback := s.URL + "/callback?" + s.cs.Callback(s.cs.BrowserOf(csoauthtest.Visitor{Deny: true}), s.begin(t, browser)).Encode()
	resp, err := browser.Get(callback)
	require.NoError(t, err)
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Contains(t, string(page), `<a href="/login?return_to=%2Fhere">Try again</a>`)
	assert.Contains(t, string(page), "Access was not allowed")
}

// What stands in a cookie is the browser's to change.
func TestCookieThatWasChangedIsRefused(t *testing.T) {
	login := httpsLogin()
	w := httptest.NewRecorder()
	login.Start(w, httptest.NewRequest(http.MethodGet, "/login", nil))
	cookie, state := w.Result().Cookies()[0], stateOf(t, w.Header().Get("Location"))
	for _, value := range []string{"", ".", "x", "x.!!", cookie.Value[1:], cookie.Value + "AAAA", "1" + cookie.Value, strings.Replace(cookie.Value, ".", ".A", 1)} {
		var got error
		login.OnError = func(_ http.ResponseWriter, _ *http.Request, err error) { got = err }
		r := httptest.NewRequest(http.MethodGet, "/callback?code=c&state="+state, nil)
		r.AddCookie(&http.Cookie{Name: cookie.Name, Value: value})
		w := httptest.NewRecorder()
		login.Callback(w, r)
		require.ErrorIs(t, got, csoauth.ErrState, "%q", value)
		assert.NotErrorIs(t, got, httplogin.ErrNoCookie)
		assert.Contains(t, w.Header().Get("Set-Cookie"), "Max-Age=0", "it is of no use any more")
	}
}
