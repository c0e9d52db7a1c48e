package emulator_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

// person is a browser with cookies that goes where it is sent, but not out of the emulator.
func (s *site) person() *http.Client {
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	return &http.Client{Jar: jar, Transport: s.client.Transport, CheckRedirect: func(next *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(next.URL.String(), s.url) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

// open gets a page without the session that s.request would bring.
func (s *site) open(client *http.Client, path string) answer {
	r := s.request(http.MethodGet, s.url+path, "")
	r.Header.Del("Cookie")
	return s.do(client, r)
}

func (s *site) logIn(client *http.Client, user, back string) answer {
	r := s.request(http.MethodPost, s.url+"/login", url.Values{"user": {user}, "return": {back}}.Encode())
	r.Header.Del("Cookie")
	return s.do(client, r)
}

func TestPathRouteSurvivesLoggingIn(t *testing.T) {
	s := start(t, emulator.Options{})
	person := s.person()
	authorize := strings.TrimPrefix(s.byPath("app1", authorization()), s.url)
	page := s.open(person, authorize)
	require.Contains(t, page.body, `data-page="login"`)
	require.Equal(t, "sent to log in first", s.last().Decision)

	page = s.logIn(person, alan, authorize)
	require.Contains(t, page.body, `data-page="consent"`)
	require.Contains(t, page.body, "Alan Turing")
	require.NotContains(t, page.body, "Ada Lovelace", "only who is logged in is asked")
}

func TestLogInLeadsNowhereElse(t *testing.T) {
	s := start(t, emulator.Options{})
	for back, want := range map[string]string{
		"":                                 "/",
		"/":                                "/",
		"/?lost=1":                         "/?lost=1",
		"/apps/app1/authorize?x=1":         "/apps/app1/authorize?x=1",
		"https://evil.example/apps/":       "/",
		"//evil.example/apps/":             "/",
		"/\\evil.example":                  "/",
		"javascript:alert(1)":              "/",
		"/_emulator/requests":              "/",
		"/apps/../\\evil.example":          "/",
		"/apps/..%2F%5Cevil.example":       "/",
		"/apps/..\\evil/authorize":         "/",
		"/apps/x/authorize?a=\\b":          "/",
		"/apps/../authorize":               "/",
		"/apps/%2e%2e/authorize":           "/",
		"/apps/x/../authorize":             "/",
		"/apps/app1":                       "/",
		"/apps/\r\nSet-Cookie: a=b/../../": "/",
	} {
		client := *s.client // follows nothing
		said := s.logIn(&client, ada, back)
		require.Equal(t, http.StatusSeeOther, said.status, back)
		require.Equal(t, want, said.header.Get("Location"), back)
		require.Contains(t, said.header.Get("Set-Cookie"), "emulator_session="+ada+"; Path=/; HttpOnly; SameSite=Lax")
	}
	for _, nobody := range []string{"", "nobody"} {
		said := s.logIn(s.person(), nobody, "/")
		require.Equal(t, http.StatusBadRequest, said.status)
		require.Contains(t, said.body, "there is no such user")
		require.Contains(t, said.body, "<h1>The login did not work</h1>")
	}
}

func TestConsentIsRememberedUntilItIsRevoked(t *testing.T) {
	s := start(t, emulator.Options{})
	person := s.person()
	s.logIn(person, ada, "/")
	authorize := func(scope string) string {
		return strings.TrimPrefix(s.byPath("app1", authorization(url.Values{"scope": {scope}})), s.url)
	}
	allow := func(scope string) string {
		r := s.request(http.MethodPost, s.url+authorize(scope), "decision=allow&organization=blt2b3c4d5e6f708192")
		r.Header.Del("Cookie")
		return s.do(person, r).callback(t).Get("code")
	}
	asked := func(scope string) bool {
		page := s.open(person, authorize(scope))
		return strings.Contains(page.body, `data-page="consent"`)
	}
	require.True(t, asked("user:read"))
	first := allow("user:read")
	require.False(t, asked("user:read"), "the same scopes")
	require.Contains(t, s.last().Decision, "Ada Lovelace allowed it before for Emulated Shop")
	require.True(t, asked("cm.stack:share"), "another scope")
	require.True(t, asked("user:read cm.stack:share"), "one more")
	require.True(t, asked("cm.stack:share user:read"), "one more, which stands first")
	alans := s.person()
	s.logIn(alans, alan, "/")
	require.Contains(t, s.open(alans, authorize("user:read")).body, `data-page="consent"`, "another user")
	code := allow("cm.stack:share")
	require.False(t, asked("user:read cm.stack:share"), "both were allowed, one after the other")
	require.NotEqual(t, first, code)

	code = allow("user:read")
	tokens := s.token(redemption(code))
	require.Empty(t, tokens.reason())
	require.True(t, s.Revoke(tokens.Access))
	require.True(t, asked("user:read"), "revoking a login takes the consent back")

	r := s.request(http.MethodPost, s.url+"/logout", "")
	require.Equal(t, "emulator_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax", s.do(s.client, r).header.Get("Set-Cookie"))
	r = s.request(http.MethodPost, s.url+"/logout", "")
	r.Header.Del("Cookie")
	require.Contains(t, s.do(person, r).body, `data-page="index"`)
	require.Contains(t, s.open(person, authorize("user:read")).body, `data-page="login"`)
}

func TestOtherSitesCannotLogAnybodyInOrOut(t *testing.T) {
	s := start(t, emulator.Options{})
	for _, path := range []string{"/login", "/logout"} {
		r := s.request(http.MethodPost, s.url+path, "user="+ada)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		require.Equal(t, http.StatusForbidden, s.do(s.client, r).status)
	}
}

func TestLostAuthorizeRequestIsExplained(t *testing.T) {
	s := start(t, emulator.Options{})
	person := s.person()
	require.NotContains(t, s.open(person, "/").body, `id="lost"`)
	page := s.open(person, "/login?lost=1")
	require.Contains(t, page.body, `name="return" value="/?lost=1"`)
	page = s.logIn(person, ada, "/?lost=1")
	require.Contains(t, page.body, `id="lost"`)
	require.Contains(t, page.body, "RoutePath")
	require.Contains(t, page.body, `data-user="`+ada+`"`)
}

func TestLogIsServedToTestsInAnyLanguage(t *testing.T) {
	s := start(t, emulator.Options{})
	s.login()
	said := s.do(s.client, s.request(http.MethodGet, s.url+"/_emulator/requests?since=1", ""))
	require.Equal(t, http.StatusOK, said.status)
	require.Contains(t, said.body, `"next":3`)
	require.Contains(t, said.body, `"decision":"granted: tokens for Ada Lovelace in Emulated Press"`)
	require.NotContains(t, said.body, verifier)
	for _, since := range []string{"-1", "x", ""} {
		all := s.do(s.client, s.request(http.MethodGet, s.url+"/_emulator/requests?since="+since, "")).body
		require.Equal(t, 3, strings.Count(all, `"time"`))
	}
	require.Contains(t, s.do(s.client, s.request(http.MethodGet, s.url+"/_emulator/requests?since=99", "")).body, `"requests":[]`)
}

func TestPageFiles(t *testing.T) {
	s := start(t, emulator.Options{})
	for path, status := range map[string]int{
		"/_emulator/route.js": 200, "/_emulator/consent.js": 200, "/_emulator/log.js": 200, "/_emulator/style.css": 200,
		"/_emulator/consent.html": 404, "/_emulator/none.js": 404, "/_emulator/..%2Fscopes.tsv": 404,
	} {
		require.Equal(t, status, s.open(s.client, path).status, path)
	}
}

// TestEmptySessionIsNone, and not that of the first user.
func TestEmptySessionIsNone(t *testing.T) {
	s := start(t, emulator.Options{})
	r := s.request(http.MethodGet, s.byPath("app1", authorization()), "")
	r.Header.Set("Cookie", emulator.SessionCookie+"=")
	said := s.do(s.client, r)
	require.Equal(t, http.StatusFound, said.status)
	require.Equal(t, "sent to log in first", s.last().Decision)
	to, err := url.Parse(said.header.Get("Location"))
	require.NoError(t, err)
	require.Equal(t, r.URL.RequestURI(), to.Query().Get("return"))
}
