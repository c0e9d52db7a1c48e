package emulator_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/contentstack/csoauth/internal/emulator"
	_ "github.com/contentstack/csoauth/internal/offline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The pair of RFC 7636, appendix B.
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

const (
	callbackURI = "https://app.example.com/callback?tenant=1"
	otherURI    = "https://app.example.com/other"
	secret      = "s3cr3t &+:"
)

// testApps are one of each kind: with an optional secret, with a required one, with none, and one
// nobody finished.
func testApps() []emulator.App {
	uris, scopes := []string{callbackURI, otherURI}, []string{"user:read", "cm.stack:share"}
	return []emulator.App{
		{UID: "app1", ClientID: "client1", ClientSecret: secret, Name: "First", RedirectURIs: uris, AllowPKCE: true, Scopes: scopes},
		{UID: "app2", ClientID: "client2", ClientSecret: secret, Name: "Confidential", RedirectURIs: uris, Scopes: scopes},
		{UID: "app3", ClientID: "client3", Name: "Public", RedirectURIs: uris, AllowPKCE: true, Scopes: scopes},
		{UID: "app4", ClientID: "client4", Name: "Unfinished", AllowPKCE: true},
	}
}

// A site is an Emulator over HTTP, and a client that does nothing by itself.
type site struct {
	*emulator.Emulator
	t      testing.TB
	url    string
	client *http.Client
}

// start starts an Emulator that accepts one state and one pair of RFC 7636 again and again, unless
// o.Tolerate is not nil.
func start(t testing.TB, o emulator.Options) *site {
	if o.Apps == nil {
		o.Apps = testApps()
	}
	if o.Tolerate == nil {
		o.Tolerate = []string{"state-reused", "challenge-reused", "verifier-reused"}
	}
	e, err := emulator.New(o)
	require.NoError(t, err)
	server := httptest.NewServer(e)
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			server.Close()
		}()
		select {
		case <-closed:
		case <-time.After(time.Minute):
			t.Error("the emulator goes on with a request whose client has left")
		}
	})
	return &site{e, t, server.URL, &http.Client{Transport: transport, CheckRedirect: noRedirect, Timeout: time.Minute}}
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// An answer is a response that was read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

func (s *site) do(client *http.Client, r *http.Request) answer {
	resp, err := client.Do(r)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	return answer{resp.StatusCode, resp.Header, string(body)}
}

func (s *site) request(method, url, body string) *http.Request {
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	require.NoError(s.t, err)
	r.AddCookie(&http.Cookie{Name: emulator.SessionCookie, Value: emulator.FirstUser})
	if strings.HasSuffix(r.URL.Path, "token") {
		r.Header.Del("Cookie") // which the token endpoint refuses
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

// with returns a copy of params with the changes in it; a nil change takes the parameter away.
func with(params url.Values, changes ...url.Values) url.Values {
	changed := url.Values{}
	for _, each := range append([]url.Values{params}, changes...) {
		for name, values := range each {
			if changed[name] = values; values == nil {
				delete(changed, name)
			}
		}
	}
	return changed
}

// authorization are the parameters of a good authorize URL of app1.
func authorization(changes ...url.Values) url.Values {
	return with(url.Values{
		"client_id": {"client1"}, "response_type": {"code"}, "redirect_uri": {callbackURI}, "state": {"a state"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}, changes...)
}

// byPath is the authorize URL whose parameters reach the server at once.
func (s *site) byPath(appUID string, params url.Values) string {
	return s.url + "/apps/" + appUID + "/authorize?" + params.Encode()
}

// visit lets a visitor open a URL of the emulator, consent, and go no further than there.
func (s *site) visit(v emulator.Visitor, authorizeURL string) answer {
	browser := *s.client
	browser.Transport = &emulator.Browser{Emulator: s.url, Visitor: v, Transport: s.client.Transport}
	r := s.request(http.MethodGet, authorizeURL, "")
	r.Header.Del("Cookie") // the Browser knows who it is
	return s.do(&browser, r)
}

// callback returns the parameters of the redirect that a visit ended with.
func (a answer) callback(t testing.TB) url.Values {
	require.Equal(t, http.StatusFound, a.status, a.body)
	back, err := url.Parse(a.header.Get("Location"))
	require.NoError(t, err)
	return back.Query()
}

// code returns a code of app1 for the first user.
func (s *site) code(changes ...url.Values) string {
	return s.visit(emulator.Visitor{}, s.byPath("app1", authorization(changes...))).callback(s.t).Get("code")
}

// tokenAnswer is what the token endpoint said.
type tokenAnswer struct {
	status      int
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Access      string `json:"access_token"`
	Refresh     string `json:"refresh_token"`
}

// reason is the refusal as the tables below write it, and empty if there was none.
func (a tokenAnswer) reason() string {
	if a.status == http.StatusOK {
		return ""
	}
	return fmt.Sprintf("%d %s: %s", a.status, a.Error, a.Description)
}

func (s *site) token(form url.Values) tokenAnswer {
	said := s.do(s.client, s.request(http.MethodPost, s.url+"/apps-api/apps/token", form.Encode()))
	answer := tokenAnswer{status: said.status}
	require.NoError(s.t, json.Unmarshal([]byte(said.body), &answer), said.body)
	return answer
}

// redemption is the form that trades a code of [authorization] for tokens.
func redemption(code string, changes ...url.Values) url.Values {
	return with(url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"client1"}, "redirect_uri": {callbackURI},
		"code": {code}, "code_verifier": {verifier},
	}, changes...)
}

func renewal(refresh string, changes ...url.Values) url.Values {
	return with(url.Values{
		"grant_type": {"refresh_token"}, "client_id": {"client1"}, "redirect_uri": {callbackURI}, "refresh_token": {refresh},
	}, changes...)
}

func (s *site) login() tokenAnswer { return s.loginOf(ada) }

func (s *site) loginOf(user string) tokenAnswer {
	back := s.visit(emulator.Visitor{UserUID: user}, s.byPath("app1", authorization())).callback(s.t)
	tokens := s.token(redemption(back.Get("code")))
	require.Empty(s.t, tokens.reason())
	return tokens
}

// works tells whether an access token opens the API.
func (s *site) works(access string) bool { return s.user("Bearer "+access).status == http.StatusOK }

func (s *site) user(authorization string) answer {
	r := s.request(http.MethodGet, s.url+"/v3/user", "")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return s.do(s.client, r)
}

// last is the newest entry of the log.
func (s *site) last() emulator.Request {
	requests := s.Requests()
	require.NotEmpty(s.t, requests)
	return requests[len(requests)-1]
}

// A clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
