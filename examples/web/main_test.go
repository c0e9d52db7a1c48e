package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
	_ "github.com/contentstack/csoauth/internal/offline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLogInSeeLogOut(t *testing.T) {
	s := newSite(t)
	browser := s.contentstack.Browser()
	require.Contains(t, s.get(t, browser, "/").body, "Log in with Contentstack")

	page := s.get(t, browser, "/login")
	require.Equal(t, "/", page.url.Path)
	for _, shown := range []string{"Hello, Ada Lovelace", "ada@example.com", "Emulated Press", "Of blt1a2b3c4d5e6f7081", "&lt;b&gt;bold&lt;/b&gt;"} {
		require.Contains(t, page.body, shown)
	}
	require.NotContains(t, page.body, "<b>bold")
	require.Equal(t, "no-store", page.header.Get("Cache-Control"))
	require.Contains(t, page.header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'self'")

	page = s.post(t, browser, "/logout", "same-origin")
	require.Equal(t, "/", page.url.Path)
	require.Contains(t, page.body, "Log in with Contentstack")
	_, err := s.app.tokens.Token(t.Context(), ada)
	require.ErrorIs(t, err, csoauth.ErrLoginRequired, "the tokens are deleted too")
	require.Contains(t, s.get(t, browser, "/").body, "Log in with Contentstack")
}

func TestAnotherSiteCannotLogOut(t *testing.T) {
	s := newSite(t)
	browser := s.contentstack.Browser()
	s.get(t, browser, "/login")
	for _, from := range []string{"cross-site", "same-site"} {
		require.Equal(t, http.StatusForbidden, s.post(t, browser, "/logout", from).status, from)
	}
	require.Equal(t, http.StatusMethodNotAllowed, s.get(t, browser, "/logout").status)
	require.Contains(t, s.get(t, browser, "/").body, "Hello, Ada")
}

func TestRevokedLoginIsReportedOnce(t *testing.T) {
	s := newSite(t)
	browser := s.contentstack.Browser()
	s.get(t, browser, "/login")
	s.contentstack.Revoke(nil)
	require.Contains(t, s.get(t, browser, "/").body, "Your login at Contentstack has ended")
	require.NotContains(t, s.get(t, browser, "/").body, "has ended")
	require.Contains(t, s.get(t, browser, "/login").body, "Hello, Ada")
}

func TestAPIFailureDoesNotLogOut(t *testing.T) {
	s := newSite(t)
	browser := s.contentstack.Browser()
	s.get(t, browser, "/login")
	s.down.Store(true)
	page := s.get(t, browser, "/")
	require.Equal(t, http.StatusBadGateway, page.status)
	require.Contains(t, page.body, "Try again")
	require.Contains(t, page.body, "Log out")
	require.Equal(t, "no-store", page.header.Get("Cache-Control"))
	s.down.Store(false)
	require.Contains(t, s.get(t, browser, "/").body, "Hello, Ada")
}

func TestDenialBeginsNoSession(t *testing.T) {
	s := newSite(t)
	browser := s.contentstack.BrowserOf(csoauthtest.Visitor{Deny: true})
	page := s.get(t, browser, "/login")
	require.Equal(t, http.StatusForbidden, page.status)
	require.Contains(t, page.body, "Access was denied")
	require.Contains(t, s.get(t, browser, "/").body, "Log in with Contentstack")
}

func TestTokenWithoutUserBeginsNoSession(t *testing.T) {
	s := newSite(t)
	w := httptest.NewRecorder()
	require.Error(t, s.app.loggedIn(w, httptest.NewRequest(http.MethodGet, "/", nil), &csoauth.Token{AccessToken: "a", OrganizationUID: "press"}))
	require.Empty(t, w.Header())
}

func TestSessionCookie(t *testing.T) {
	for redirectURI, name := range map[string]string{"https://example.com/callback": "__Host-web-session", "http://localhost:8184/callback": "web-session"} {
		s := newSessions(redirectURI)
		begin := func(before *http.Cookie) *http.Cookie {
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
			r.AddCookie(before)
			s.begin(w, r, "ada/press")
			return w.Result().Cookies()[0]
		}
		first := begin(&http.Cookie{Name: name, Value: "planted"})
		require.Equal(t, name, first.Name)
		require.Len(t, first.Value, 43)
		require.Equal(t, strings.HasPrefix(redirectURI, "https:"), first.Secure)
		require.True(t, first.HttpOnly)
		require.Equal(t, http.SameSiteLaxMode, first.SameSite)
		require.NotEqual(t, first.Value, begin(first).Value)
		require.Len(t, s.keys, 1, "a new session replaces the browser's old one")
	}
}

func TestEmulatedLogsInAtTheFirstClick(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "localhost:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, &settings{emulator: true}, listener) }()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	s := &site{url: "http://localhost:" + port}
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar} // without a login at Contentstack

	page := s.get(t, browser, "/login")
	require.Contains(t, page.body, `data-page="login"`)
	page = submit(t, browser, page, url.Values{"user": {"ada"}, "return": {page.url.Query().Get("return")}})
	require.Contains(t, page.body, `data-page="consent"`, "Contentstack remembers why the user came")
	page = submit(t, browser, page, url.Values{"user": {"ada"}, "organization": {"shop"}, "decision": {"allow"}})
	require.Contains(t, page.body, "Hello, Ada Lovelace")
	require.Contains(t, page.body, "Shop &lt;EU&gt;")

	http.DefaultClient.CloseIdleConnections()
	stop()
	select {
	case err := <-ended:
		require.NoError(t, err)
	case <-time.After(time.Minute):
		require.Fail(t, "it goes on serving after Ctrl-C")
	}
}

// submit sends the form of a page to the page's own address.
func submit(t *testing.T, browser *http.Client, page answer, form url.Values) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, page.url.String(), strings.NewReader(form.Encode()))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return do(t, browser, req)
}

const ada = "blt00000000000ada01/blt1a2b3c4d5e6f7081"

// A site is the application on a server, with an emulated Contentstack.
type site struct {
	url          string
	app          *app
	contentstack *csoauthtest.Server
	down         atomic.Bool // the API fails
}

func newSite(t *testing.T) *site {
	s := &site{contentstack: csoauthtest.NewServer(t, nil)}
	s.contentstack.API("GET /v3/stacks", func(w http.ResponseWriter, r *http.Request) {
		if s.down.Load() {
			w.Header().Set("Retry-After", "600") // longer than the page waits
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, `{"stacks":[{"name":"Of `+r.Header.Get("organization_uid")+`","api_key":"blt1"},{"name":"<b>bold</b>","api_key":"blt2"}],"count":2}`)
	})
	server := httptest.NewUnstartedServer(nil)
	s.url = "http://" + server.Listener.Addr().String()
	var err error
	s.app, err = newApp(&settings{config: s.contentstack.Config(s.url + callbackPath), sealKeys: [][]byte{bytes.Repeat([]byte{1}, 32)}, dir: t.TempDir()})
	require.NoError(t, err)
	server.Config.Handler = s.app.handler()
	server.Start()
	t.Cleanup(func() {
		server.Close()
		require.NoError(t, s.app.tokens.Close())
	})
	return s
}

type answer struct {
	status int
	url    *url.URL
	body   string
	header http.Header
}

func (s *site) get(t *testing.T, browser *http.Client, path string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
	require.NoError(t, err)
	return do(t, browser, req)
}

// post sends a form as a browser does. from is the browser's Sec-Fetch-Site header: how the page
// with the form is related to the site.
func (s *site) post(t *testing.T, browser *http.Client, path, from string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+path, nil)
	require.NoError(t, err)
	req.Header.Set("Sec-Fetch-Site", from)
	return do(t, browser, req)
}

func do(t *testing.T, browser *http.Client, req *http.Request) answer {
	t.Helper()
	resp, err := browser.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp.StatusCode, resp.Request.URL, string(body), resp.Header}
}
