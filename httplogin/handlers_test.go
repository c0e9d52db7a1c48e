package httplogin_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/httplogin"
	_ "github.com/contentstack/csoauth/internal/offline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var keys = [][]byte{[]byte("0123456789abcdef0123456789abcdef")}

// A site is a web server with Handlers, and what came of it.
type site struct {
	*httptest.Server
	handlers *httplogin.Handlers
	cs       *csoauthtest.Server
	tokens   []*csoauth.Token
	errs     []error
}

func newSite(t *testing.T) *site {
	s := &site{cs: csoauthtest.NewServer(t, nil)}
	mux := http.NewServeMux()
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	s.handlers = &httplogin.Handlers{
		Config: s.cs.Config(s.URL + "/callback"),
		Keys:   keys,
		OnToken: func(_ http.ResponseWriter, _ *http.Request, t *csoauth.Token) error {
			s.tokens = append(s.tokens, t)
			return nil
		},
		OnError: func(w http.ResponseWriter, _ *http.Request, err error) {
			s.errs = append(s.errs, err)
			http.Error(w, "failed", http.StatusBadRequest)
		},
	}
	require.NoError(t, s.handlers.Validate())
	mux.HandleFunc("/login", s.handlers.Start)
	mux.HandleFunc("/callback", s.handlers.Callback)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.URL.String())) })
	return s
}

// err is the one error so far.
func (s *site) err(t *testing.T) error {
	t.Helper()
	require.Len(t, s.errs, 1)
	return s.errs[0]
}

// begin starts an attempt in a browser that follows no redirect, and returns the authorize URL.
func (s *site) begin(t *testing.T, browser *http.Client) string {
	t.Helper()
	resp, err := browser.Get(s.URL + "/login?return_to=/here")
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusSeeOther, resp.StatusCode)
	return resp.Header.Get("Location")
}

// answer lets a user allow, and returns the callback's address.
func (s *site) answer(authorizeURL string) string {
	return s.URL + "/callback?" + s.cs.Callback(s.cs.Browser(), authorizeURL).Encode()
}

func newBrowser(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func visit(t *testing.T, browser *http.Client, address string) *http.Response {
	t.Helper()
	resp, err := browser.Get(address)
	require.NoError(t, err)
	resp.Body.Close()
	return resp
}

func TestLogin(t *testing.T) {
	s := newSite(t)
	resp, err := s.cs.Browser().Get(s.URL + "/login?return_to=/entries%3Fpage%3D2")
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, "/entries?page=2", resp.Request.URL.RequestURI())
	require.Len(t, s.tokens, 1)
	assert.True(t, s.tokens[0].Valid())
	assert.Empty(t, s.errs)
}

func TestTabsDoNotEndEachOther(t *testing.T) {
	s, browser := newSite(t), newBrowser(t)
	first := s.begin(t, browser)
	second := s.begin(t, browser)
	for _, attempt := range []string{first, second} {
		resp := visit(t, browser, s.answer(attempt))
		assert.Equal(t, http.StatusSeeOther, resp.StatusCode)
		assert.Equal(t, "/here", resp.Header.Get("Location"))
	}
	assert.Len(t, s.tokens, 2)
}

func TestForgedCallbackEndsNothing(t *testing.T) {
	s, browser := newSite(t), newBrowser(t)
	attempt := s.begin(t, browser)
	visit(t, browser, s.URL+"/callback?state=forged&code=stolen")
	require.ErrorIs(t, s.err(t), csoauth.ErrState)
	visit(t, browser, s.answer(attempt))
	assert.Len(t, s.tokens, 1)
}

// Login CSRF: an attacker's own callback, with a good code, in the victim's browser.
func TestAttackersCallbackIsRefused(t *testing.T) {
	s := newSite(t)
	attackers := s.answer(s.begin(t, newBrowser(t)))
	visit(t, newBrowser(t), attackers)
	require.ErrorIs(t, s.err(t), httplogin.ErrNoCookie)
	assert.Empty(t, s.tokens)
}

// A cookie that was stolen is good for nothing without the state in the callback.
func TestCookieOfAnotherAttemptIsRefused(t *testing.T) {
	s, browser := newSite(t), newBrowser(t)
	s.begin(t, browser)
	other := newBrowser(t)
	callback := s.answer(s.begin(t, other))
	site, _ := url.Parse(s.URL)
	stolen, target := browser.Jar.Cookies(site)[0], other.Jar.Cookies(site)[0]
	target.Value = stolen.Value
	other.Jar.SetCookies(site, []*http.Cookie{target})
	visit(t, other, callback)
	require.ErrorIs(t, s.err(t), csoauth.ErrState)
	assert.Empty(t, s.tokens)
}

func TestCallbackWorksOnce(t *testing.T) {
	s, browser := newSite(t), newBrowser(t)
	callback := s.answer(s.begin(t, browser))
	visit(t, browser, callback)
	visit(t, browser, callback)
	require.ErrorIs(t, s.err(t), httplogin.ErrNoCookie)
	assert.Len(t, s.tokens, 1)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestDenialEndsTheAttempt(t *testing.T) {
	s, browser := newSite(t), newBrowser(t)
	attempt := s.begin(t, browser)
	callback := s.URL + "/callback?" + s.cs.Callback(s.cs.BrowserOf(csoauthtest.Visitor{Deny: true}), attempt).Encode()
	resp := visit(t, browser, callback)
	require.ErrorIs(t, s.err(t), csoauth.ErrDenied)
	assert.Contains(t, resp.Header.Get("Set-Cookie"), "Max-Age=0")
}

func TestErrorOfOnTokenGoesToOnError(t *testing.T) {
	h, full := httpsHandlers(), errors.New("the database is full")
	h.Config.HTTPClient = &http.Client{Transport: roundTrip(tokenFor)}
	h.OnToken = func(http.ResponseWriter, *http.Request, *csoauth.Token) error { return full }
	cookie, state := start(t, h, "/login")
	w, err := comeBack(h, "code=c&state="+state, cookie)
	require.ErrorIs(t, err, full)
	assert.Empty(t, w.Header().Get("Location"), "the response is OnError's, although that wrote none")
}

// Neither a prefetcher nor a link preview uses up an attempt or pushes one out.
func TestNobodyButAVisitorIsAnswered(t *testing.T) {
	s, browser := newSite(t), newBrowser(t)
	s.handlers.OnError = nil
	callback := s.answer(s.begin(t, browser))
	for name, value := range map[string]string{
		"Sec-Purpose": "prefetch;prerender", "Purpose": "prefetch", "X-Moz": "prefetch", "X-Purpose": "preview", "Sec-Fetch-Dest": "iframe",
	} {
		for _, address := range []string{callback, s.URL + "/login"} {
			req, err := http.NewRequest(http.MethodGet, address, nil)
			require.NoError(t, err)
			req.Header.Set(name, value)
			resp, err := browser.Do(req)
			require.NoError(t, err)
			resp.Body.Close()
			assert.Equal(t, http.StatusForbidden, resp.StatusCode, name)
			assert.Empty(t, resp.Header.Values("Set-Cookie"), name)
		}
	}
	for _, method := range []string{http.MethodHead, http.MethodPost, http.MethodOptions} {
		req, err := http.NewRequest(method, callback, nil)
		require.NoError(t, err)
		resp, err := browser.Do(req)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode, method)
		assert.Equal(t, "GET", resp.Header.Get("Allow"))
	}
	visit(t, browser, callback)
	assert.Len(t, s.tokens, 1)
	assert.Empty(t, s.errs)
}

func httpsHandlers() *httplogin.Handlers {
	return &httplogin.Handlers{
		Config:  &csoauth.Config{AppUID: "app", ClientID: "client", RedirectURI: "https://example.com/callback"},
		Keys:    keys,
		OnToken: func(http.ResponseWriter, *http.Request, *csoauth.Token) error { return nil },
	}
}

func stateOf(t *testing.T, authorizeURL string) string {
	t.Helper()
	_, query, _ := strings.Cut(authorizeURL, "?")
	values, err := url.ParseQuery(query)
	require.NoError(t, err)
	return values.Get("state")
}

// start begins an attempt, and returns the browser's cookie and the state that Contentstack
// brings back.
func start(t *testing.T, h *httplogin.Handlers, address string) (*http.Cookie, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.Start(w, httptest.NewRequest(http.MethodGet, address, nil))
	require.Equal(t, http.StatusSeeOther, w.Code)
	return w.Result().Cookies()[0], stateOf(t, w.Header().Get("Location"))
}

// comeBack brings a callback with these cookies, and returns the response and what OnError got.
func comeBack(h *httplogin.Handlers, query string, cookies ...*http.Cookie) (*httptest.ResponseRecorder, error) {
	var got error
	h.OnError = func(_ http.ResponseWriter, _ *http.Request, err error) { got = err }
	r := httptest.NewRequest(http.MethodGet, "/callback?"+query, nil)
	for _, cookie := range cookies {
		r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
	}
	w := httptest.NewRecorder()
	h.Callback(w, r)
	return w, got
}

// tokenFor is what the token endpoint responds to any code.
func tokenFor(*http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	_, _ = w.WriteString(`{"access_token":"the-access-token","refresh_token":"the-refresh-token","expires_in":3600,"organization_uid":"blt1"}`)
	return w.Result(), nil
}

func TestCookieOverHTTPS(t *testing.T) {
	h := httpsHandlers()
	w := httptest.NewRecorder()
	h.Start(w, httptest.NewRequest(http.MethodGet, "/login", nil))
	cookie := w.Result().Cookies()[0]
	assert.True(t, strings.HasPrefix(cookie.Name, "__Host-csoauth-"))
	assert.True(t, cookie.Secure)
	assert.True(t, cookie.HttpOnly)
	assert.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
	assert.Equal(t, "/", cookie.Path)
	assert.Empty(t, cookie.Domain)
	assert.Equal(t, 1200, cookie.MaxAge, "twice the attempt, so that who comes late is told so")
	state := stateOf(t, w.Header().Get("Location"))
	assert.NotContains(t, cookie.String(), state)
	assert.Less(t, len(cookie.String()), 4096)
}

// Browsers take neither a __Host- nor a Secure cookie over http.
func TestCookieOverHTTP(t *testing.T) {
	h := httpsHandlers()
	h.Config.RedirectURI = "http://localhost:8080/callback"
	cookie, _ := start(t, h, "/login")
	assert.True(t, strings.HasPrefix(cookie.Name, "csoauth-"), cookie.Name)
	assert.False(t, cookie.Secure)
	assert.True(t, cookie.HttpOnly)
}

func TestHeaders(t *testing.T) {
	for _, address := range []string{"/login", "/login?return_to=//evil.example", "/callback?state=forged"} {
		h, w := httpsHandlers(), httptest.NewRecorder()
		handle := h.Start
		if strings.HasPrefix(address, "/callback") {
			handle = h.Callback
		}
		handle(w, httptest.NewRequest(http.MethodGet, address, nil))
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		assert.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"))
		assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
		assert.Contains(t, w.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'")
	}
}

func TestPageNamesNoCauseAndOffersAnotherTry(t *testing.T) {
	w := httptest.NewRecorder()
	httpsHandlers().Callback(w, httptest.NewRequest(http.MethodGet, "/callback?state=<b>&code=secret", nil))
	assert.Equal(t, http.StatusBadRequest, w.Code)
	assert.Contains(t, w.Body.String(), "Try again")
	assert.Contains(t, w.Body.String(), "you were not logged in there")
	for _, told := range []string{"<b>", "secret", "state=", "attempt", "not logged in."} {
		assert.NotContains(t, w.Body.String(), told)
	}
}

func TestHandlersThatCannotWork(t *testing.T) {
	for name, spoil := range map[string]func(*httplogin.Handlers){
		"Config":      func(h *httplogin.Handlers) { h.Config = nil },
		"RedirectURI": func(h *httplogin.Handlers) { h.Config.RedirectURI = "" },
		"Config.RedirectURI is not https or http": func(h *httplogin.Handlers) { h.Config.RedirectURI = "com.example.app:/callback" },
		"StartPath":              func(h *httplogin.Handlers) { h.StartPath = "https://example.com/login" },
		"StartPath: \"/#login\"": func(h *httplogin.Handlers) { h.StartPath = "/#login" }, // would swallow return_to
		"Keys":                   func(h *httplogin.Handlers) { h.Keys = nil },
		"key 1":                  func(h *httplogin.Handlers) { h.Keys = [][]byte{make([]byte, 16)} },
		"key 2":                  func(h *httplogin.Handlers) { h.Keys = [][]byte{keys[0], keys[0][:31]} },
		"OnToken":                func(h *httplogin.Handlers) { h.OnToken = nil },
		"AuthOptions.Redi": func(h *httplogin.Handlers) {
			h.AuthOptions = &csoauth.AuthOptions{RedirectURI: "https://example.com/other"}
		},
		"AuthOptions.Life": func(h *httplogin.Handlers) { h.AuthOptions = &csoauth.AuthOptions{Lifetime: time.Hour} },
		"AuthOptions":      func(h *httplogin.Handlers) { h.AuthOptions = &csoauth.AuthOptions{OmitMethod: true} },
	} {
		t.Run(name, func(t *testing.T) {
			h := httpsHandlers()
			spoil(h)
			require.ErrorContains(t, h.Validate(), name)
			for _, handle := range []http.HandlerFunc{h.Start, h.Callback} {
				w := httptest.NewRecorder()
				handle(w, httptest.NewRequest(http.MethodGet, "/", nil))
				assert.Equal(t, http.StatusInternalServerError, w.Code)
			}
		})
	}
}

func TestHandlersPrintWithoutTheirKeys(t *testing.T) {
	h := httpsHandlers()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		assert.Equal(t, "httplogin.Handlers", fmt.Sprintf(verb, h), verb)
		held := &struct{ Handlers httplogin.Handlers }{}
		held.Handlers.Keys = keys
		assert.NotContains(t, fmt.Sprintf(verb, held), fmt.Sprintf(verb, keys), "%s, by value in a field", verb)
		assert.Equal(t, "1 keys", fmt.Sprintf(verb, h.Keys), verb)
	}
	_, err := json.Marshal(h.Keys)
	assert.ErrorContains(t, err, "Keys are secret and do not marshal")
}

func TestKeysRotate(t *testing.T) {
	old, rotated, other := httpsHandlers(), httpsHandlers(), httpsHandlers()
	another := []byte("fedcba9876543210fedcba9876543210")
	rotated.Keys = [][]byte{another, keys[0]}
	other.Keys = [][]byte{another}
	cookie, state := start(t, old, "/login")
	for h, opens := range map[*httplogin.Handlers]bool{rotated: true, other: false} {
		_, err := comeBack(h, "error=access_denied&state="+state, cookie)
		assert.Equal(t, opens, errors.Is(err, csoauth.ErrDenied), "%v", err)
	}
}

// What the Config says is not in the cookie, so it must be the same when the user comes back.
func TestCookieOpensForTheSameConfigOnly(t *testing.T) {
	cookie, state := start(t, httpsHandlers(), "/login")
	for name, change := range map[string]func(*httplogin.Handlers){
		"nothing":      func(*httplogin.Handlers) {},
		"scopes":       func(h *httplogin.Handlers) { h.Config.Scopes = []string{"user:read"} },
		"organization": func(h *httplogin.Handlers) { h.AuthOptions = &csoauth.AuthOptions{OrganizationUID: "blt1"} },
		"client":       func(h *httplogin.Handlers) { h.Config.ClientID = "other" },
		"redirect URI": func(h *httplogin.Handlers) { h.Config.RedirectURI += "/" },
	} {
		h := httpsHandlers()
		change(h)
		_, err := comeBack(h, "error=access_denied&state="+state, cookie)
		assert.Equal(t, name == "nothing", errors.Is(err, csoauth.ErrDenied), "%s: %v", name, err)
	}
}

// Servers take 8 KB of headers, and the application has cookies, too.
func TestFiveCookiesFitIntoAHeader(t *testing.T) {
	h := httpsHandlers()
	h.Config.Scopes = strings.Split(strings.Repeat("cm.stacks.management:read ", 60)+"user:read", " ")
	w := httptest.NewRecorder()
	h.Start(w, httptest.NewRequest(http.MethodGet, "/login?return_to=/"+strings.Repeat("a", 511), nil))
	cookie := w.Result().Cookies()[0]
	assert.Less(t, 5*len(cookie.Name+cookie.Value), 5000)
}
