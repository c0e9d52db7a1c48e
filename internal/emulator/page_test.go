package emulator_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

func TestPagesCannotBeFramedCachedOrScripted(t *testing.T) {
	s := start(t, emulator.Options{})
	for name, row := range map[string]struct {
		url    string
		status int
		title  string
	}{
		"index":   {s.url + "/", 200, "Emulated Contentstack"},
		"login":   {s.url + "/login", 200, "Log in – Emulated Contentstack"},
		"consent": {s.byPath("app1", authorization()), 200, "Allow First? – Emulated Contentstack"},
		"error":   {s.byPath("app0", authorization()), 400, "This authorize URL does not work – Emulated Contentstack"},
	} {
		t.Run(name, func(t *testing.T) {
			page := s.do(s.client, s.request(http.MethodGet, row.url, ""))
			require.Equal(t, row.status, page.status)
			require.Contains(t, page.body, `data-page="`+name+`"`)
			require.Contains(t, page.body, "<title>"+row.title+"</title>")
			require.NotContains(t, page.body, " style=")
			require.Equal(t, "text/html; charset=utf-8", page.header.Get("Content-Type"))
			require.Equal(t, "no-store", page.header.Get("Cache-Control"))
			require.Equal(t, "no-referrer", page.header.Get("Referrer-Policy"))
			require.Equal(t, "nosniff", page.header.Get("X-Content-Type-Options"))
			require.Contains(t, page.header.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'")
			require.Contains(t, page.header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
		})
	}
}

func TestIndexTellsHowToConfigureAClient(t *testing.T) {
	s := start(t, emulator.Options{})
	page := s.do(s.client, s.request(http.MethodGet, s.url+"/", ""))
	for _, app := range testApps() {
		require.Contains(t, page.body, app.UID)
		require.Contains(t, page.body, app.ClientID)
	}
	require.Contains(t, page.body, callbackURI)
	require.NotContains(t, page.body, "s3cr3t", "the secret is for the person who started it")
}

func TestIndexShowsTheLatestRequestsNewestFirst(t *testing.T) {
	s := start(t, emulator.Options{})
	for i := range 301 {
		s.do(s.client, s.request(http.MethodPost, s.url+"/token", fmt.Sprintf("grant_type=number-%03d-", i)))
	}
	page := s.open(s.client, "/").body
	shown := regexp.MustCompile(`number-\d+-`).FindAllString(page, -1)
	require.Len(t, shown, 300)
	require.Equal(t, "number-300-", shown[0])
	require.Equal(t, "number-001-", shown[299])
	require.Contains(t, page, "301 requests, the latest 300 here")
}

// findingsOf returns the finding IDs of a page, in the order of the page.
func findingsOf(page answer) (ids []string) {
	for _, found := range regexp.MustCompile(`<li data-key="([^" ]+)`).FindAllStringSubmatch(page.body, -1) {
		ids = append(ids, found[1])
	}
	return ids
}

func TestFindingsComeFirstAndTheRefusedOnesOnTop(t *testing.T) {
	now := newClock()
	s := start(t, emulator.Options{Now: now.Now})
	page := s.open(s.client, "/")
	require.Empty(t, findingsOf(page))
	require.Contains(t, page.body, "No client has sent anything")
	s.user("")
	s.user("")
	page = s.open(s.client, "/")
	require.Empty(t, findingsOf(page))
	require.Contains(t, page.body, "Nothing wrong so far, in 2 requests.")
	require.NotContains(t, page.body, "No client has sent anything")

	authorize := func(changes url.Values) {
		s.do(s.client, s.request(http.MethodGet, s.byPath("app1", authorization(changes)), ""))
		now.pass(time.Second)
	}
	authorize(url.Values{"response_type": {"token"}})
	authorize(url.Values{"state": nil})
	authorize(url.Values{"scope": {"all"}})
	authorize(url.Values{"state": nil})
	s.do(s.client, s.request(http.MethodGet, s.url+"/apps/<script>alert(1)/authorize", ""))
	page = s.open(s.client, "/")
	require.Equal(t, []string{"wrong-client", "scope-not-configured", "wrong-response-type", "no-state"}, findingsOf(page))
	require.Less(t, strings.Index(page.body, `data-key="no-state`), strings.Index(page.body, `id="log"`))
	require.NotContains(t, page.body, "Nothing wrong")
	require.NotContains(t, page.body, "<script>alert")
	require.Contains(t, page.body, "GET /apps/&lt;script&gt;alert(1)/authorize")
	require.Contains(t, page.body, "4 (3 refused)")

	noState := page.body[strings.Index(page.body, `data-key="no-state client1"`):]
	noState, _, _ = strings.Cut(noState, "</li>")
	for _, text := range []string{"<strong>not refused</strong>", "First, 2 times", "The authorize URL has no state.", "RFC 6749, section 10.12", "03:04:08", "GET /apps/app1/authorize"} {
		require.Contains(t, noState, text)
	}
}

func TestLineOfTheLogSaysWhoAndWhat(t *testing.T) {
	s := start(t, emulator.Options{Apps: append(testApps(), emulator.App{UID: "app5", ClientID: "client5", Name: "Public", AllowPKCE: true})})
	tokens := s.login()
	api := func(path string) {
		r := s.request(http.MethodGet, s.url+path, "")
		r.Header.Set("Authorization", "Bearer "+tokens.Access)
		s.do(s.client, r)
	}
	post := func(path string, form string) func() {
		return func() { s.do(s.client, s.request(http.MethodPost, s.url+path, form)) }
	}
	consent := strings.TrimPrefix(s.byPath("app1", authorization()), s.url)
	for name, row := range map[string]struct {
		send      func()
		who, what string
	}{
		"authorize":     {func() { s.do(s.client, s.request(http.MethodGet, s.url+consent, "")) }, "First, Ada Lovelace", "authorize"},
		"allow":         {post(consent, "decision=allow"), "First, Ada Lovelace", "consent: allow"},
		"deny":          {post(consent, "decision=deny"), "First, Ada Lovelace", "consent: deny"},
		"neither":       {post(consent, "decision=later"), "First, Ada Lovelace", "consent"},
		"code":          {post("/apps-api/token", "grant_type=authorization_code&client_id=client2"), "Confidential", "redeem code"},
		"refresh":       {post("/token", "grant_type=refresh_token&client_id=client0"), "unknown client", "refresh"},
		"shared name":   {post("/token", "client_id=client3"), "client3", "token request"},
		"introspection": {post("/apps-api/introspect", "token=x"), "unknown client", "introspect token"},
		"user":          {func() { api("/v3/user") }, "First, Ada Lovelace", "GET /v3/user"},
		"long uid":      {func() { api("/v3/organizations/" + press + "/stacks") }, "First, Ada Lovelace", "GET /v3/organizations/…/stacks"},
	} {
		t.Run(name, func(t *testing.T) {
			row.send()
			page := s.open(s.client, "/").body
			first, _, _ := strings.Cut(page[strings.Index(page, "<summary>"):], "</summary>")
			text := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(first, "")
			require.Contains(t, text, "\n"+row.who+"\n")
			require.Contains(t, text, "\n"+row.what+"\n")
		})
	}
}

func TestLongPathIsCutInItsLine(t *testing.T) {
	s := start(t, emulator.Options{})
	s.API("/long/", http.NotFoundHandler())
	s.do(s.client, s.request(http.MethodGet, s.url+"/long/"+strings.Repeat("ä/", 60), ""))
	require.Contains(t, s.open(s.client, "/").body, `<span class="what">GET /long/`+strings.Repeat("ä/", 27)+"…</span>")
}

// TestIndexGoesOnWhereItWas is what pages/log.js does every second.
func TestIndexGoesOnWhereItWas(t *testing.T) {
	s := start(t, emulator.Options{})
	entered, release := make(chan struct{}), make(chan struct{})
	s.API("GET /slow", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(entered)
		<-release
	}))
	access := s.login().Access
	update := func(since string) (numbers []string, next, body string) {
		page := s.open(s.client, "/_emulator/requests?as=html&since="+since)
		require.Equal(t, http.StatusOK, page.status)
		require.Contains(t, page.header.Get("Content-Type"), "text/html")
		for _, row := range regexp.MustCompile(`data-number="(\d+)"`).FindAllStringSubmatch(page.body, -1) {
			numbers = append(numbers, row[1])
		}
		return numbers, regexp.MustCompile(`data-next="(\d+)"`).FindStringSubmatch(page.body)[1], page.body
	}
	numbers, next, _ := update("0")
	require.Equal(t, []string{"2", "1", "0"}, numbers)
	require.Equal(t, "3", next)

	done := make(chan struct{})
	go func() {
		defer close(done)
		r, _ := http.NewRequest(http.MethodGet, s.url+"/slow", http.NoBody)
		r.Header.Set("Authorization", "Bearer "+access)
		if resp, err := s.client.Do(r); err == nil {
			resp.Body.Close()
		}
	}()
	<-entered
	s.user("")
	numbers, next, body := update(next)
	require.Equal(t, []string{"4", "3"}, numbers)
	require.Equal(t, "3", next, "that one is not decided yet")
	require.Contains(t, body, "not decided yet")
	close(release)
	<-done
	numbers, next, body = update(next)
	require.Equal(t, []string{"4", "3"}, numbers)
	require.Equal(t, "5", next)
	require.Contains(t, body, "let through to GET /slow")
	numbers, next, _ = update(next)
	require.Empty(t, numbers)
	require.Equal(t, "5", next)
}

func TestFindingsAreServedToTestsInAnyLanguage(t *testing.T) {
	s := start(t, emulator.Options{Now: newClock().Now})
	get := func() string {
		return s.do(s.client, s.request(http.MethodGet, s.url+"/_emulator/requests?since=9", "")).body
	}
	require.JSONEq(t, `{"next": 0, "requests": [], "findings": []}`, get())
	s.do(s.client, s.request(http.MethodGet, s.byPath("app1", authorization(url.Values{"scope": {"all"}})), ""))
	require.JSONEq(t, `{"next": 1, "requests": [], "findings": [{"id": "scope-not-configured", "client": "client1",
		"fault": "The scope is not configured for the app.", "source": "RFC 6749, section 3.3", "refused": true, "count": 1,
		"first": "2026-01-02T03:04:05Z", "last": "2026-01-02T03:04:05Z", "request": "GET /apps/app1/authorize"}]}`, get())
}

func TestUnknownPathIsAPageForABrowserOnly(t *testing.T) {
	s := start(t, emulator.Options{})
	for accept, isPage := range map[string]bool{
		"text/html,application/xhtml+xml,*/*;q=0.8": true,
		"application/json":                          false,
		"*/*":                                       false,
		"":                                          false,
	} {
		r := s.request(http.MethodGet, s.url+"/no/such", "")
		r.Header.Set("Accept", accept)
		said := s.do(s.client, r)
		require.Equal(t, http.StatusNotFound, said.status)
		require.Equal(t, isPage, strings.Contains(said.body, `data-page="error"`), accept)
		require.NotContains(t, said.body, "authorize URL")
		if !isPage {
			require.JSONEq(t, `{"error_code":141,"error_message":"The emulator serves nothing at this path","errors":{}}`, said.body)
		}
	}
}

func TestIndexListsTheEndpoints(t *testing.T) {
	s := start(t, emulator.Options{})
	parameter := regexp.MustCompile(`\{\w+\}`)
	listed := map[string]bool{}
	page := s.open(s.client, "/").body
	for _, row := range regexp.MustCompile(`<dd>([A-Z]+) <code>`+s.url+`([^<]+)</code></dd>`).FindAllStringSubmatch(page, -1) {
		method, path := row[1], row[2]
		listed[method+" "+parameter.ReplaceAllString(path, "{}")] = true
		if strings.HasPrefix(path, "/#") {
			continue
		}
		path = strings.NewReplacer("{app_uid}", "app1", "{organization_uid}", press, "{authorization_uid}", "none").Replace(path)
		r := s.request(method, s.url+path, "")
		r.Header.Set("Authorization", "Bearer "+s.login().Access)
		said := s.do(s.client, r)
		require.NotContains(t, said.body, "serves nothing at this path", row)
		require.NotEqual(t, http.StatusMethodNotAllowed, said.status, row)
	}
	for _, path := range emulator.TokenPaths() {
		require.Contains(t, listed, "POST "+path)
	}
	for file, prefix := range map[string]string{"content.go": "", "hub.go": "/apps-api"} {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		routes := regexp.MustCompile(`handle\("([A-Z]+)(?: |", ")(/[^"]+)"`).FindAllStringSubmatch(string(source), -1)
		require.NotEmpty(t, routes, file)
		for _, route := range routes {
			if !strings.HasSuffix(route[2], "{$}") {
				require.Contains(t, listed, route[1]+" "+prefix+parameter.ReplaceAllString(route[2], "{}"))
			}
		}
	}
}

func TestConsentTellsWhoAndWhatFor(t *testing.T) {
	s := start(t, emulator.Options{})
	page := s.do(s.client, s.request(http.MethodGet, s.byPath("app1", authorization()), ""))
	for _, name := range []string{"Ada Lovelace", "Emulated Press", "Emulated Shop", "user:read", "View user details", "cm.stack:share", callbackURI} {
		require.Contains(t, page.body, name)
	}
}

// TestConsentFormCountsOnce sends the form as a browser does, with its hidden fields.
func TestConsentFormCountsOnce(t *testing.T) {
	s := start(t, emulator.Options{})
	target := s.byPath("app1", authorization())
	page := s.do(s.client, s.request(http.MethodGet, target, ""))
	form := url.Values{"decision": {"allow"}}
	for _, field := range regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)">`).FindAllStringSubmatch(page.body, -1) {
		form.Set(field[1], field[2])
	}
	require.NotEmpty(t, form.Get("consent"))
	send := func() answer { return s.do(s.client, s.request(http.MethodPost, target, form.Encode())) }
	first, second := send(), send()
	require.Equal(t, first.callback(t), second.callback(t), "a second click leads where the first did")
	require.Empty(t, s.token(redemption(first.callback(t).Get("code"))).reason())
	late := send()
	require.Equal(t, http.StatusConflict, late.status)
	require.Contains(t, late.body, "You have already used this form")
	require.NotContains(t, late.body, "authorize URL")
}

func TestConsentWarnsOfPKCEThatIsOff(t *testing.T) {
	s := start(t, emulator.Options{})
	const warning = "Allow PKCE is off for this app (Developer Hub, OAuth)"
	app2 := url.Values{"client_id": {"client2"}}
	for name, row := range map[string]struct {
		url  string
		want bool
	}{
		"on":              {s.byPath("app1", authorization()), false},
		"off":             {s.byPath("app2", authorization(app2)), true},
		"off, and unused": {s.byPath("app2", authorization(app2, url.Values{"code_challenge": nil, "code_challenge_method": nil})), false},
	} {
		page := s.do(s.client, s.request(http.MethodGet, row.url, ""))
		require.Equal(t, row.want, strings.Contains(page.body, warning), name)
	}
}

func TestWhatAPageSaysIsEscaped(t *testing.T) {
	s := start(t, emulator.Options{})
	page := s.do(s.client, s.request(http.MethodGet, s.url+"/apps/app1/authorize?client_id=<script>alert(1)</script>", ""))
	require.Equal(t, http.StatusBadRequest, page.status)
	require.NotContains(t, page.body, "<script>alert")
}

// TestNothingFromOutsideIsMarkup: the names of apps, users and organizations, and what clients
// send,
// stay text and values of attributes.
func TestNothingFromOutsideIsMarkup(t *testing.T) {
	const text, escaped = `"'><script>alert(1)</script>&lt;`, `&#34;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;lt;`
	app := emulator.App{UID: "app1", ClientID: text, Name: "name" + text, RedirectURIs: []string{callbackURI + text}, AllowPKCE: true, Scopes: []string{text}}
	orgs := []emulator.Organization{{UID: text, Name: "org" + text}, {UID: "2" + text, Name: text}}
	users := []emulator.User{{UID: "1" + text, Email: text, FirstName: text, Organizations: orgs}, {UID: "user2", Organizations: orgs[:1]}}
	s := start(t, emulator.Options{Apps: []emulator.App{app}, Users: users})
	authorize := s.byPath("app1", authorization(url.Values{"client_id": {text}, "scope": {text}, "redirect_uri": {callbackURI + text}}))
	s.do(s.client, s.request(http.MethodPost, s.url+"/token", url.Values{"client_id": {text}, "grant_type": {text}, text: {text}}.Encode()))
	s.do(s.client, s.request(http.MethodGet, s.url+"/apps/"+url.PathEscape(text)+"/authorize", ""))
	s.do(s.client, s.request(http.MethodGet, s.url+"/"+url.PathEscape(`<b>"'`), ""))
	s.do(s.client, s.request(http.MethodGet, authorize, ""))

	for name, row := range map[string]struct{ url, user string }{
		"index":                       {s.url + "/", emulator.FirstUser},
		"activity":                    {s.url + "/_emulator/requests?as=html", ""},
		"login":                       {s.url + "/login?return=" + url.QueryEscape(text), ""},
		"consent":                     {authorize, emulator.FirstUser},
		"consent of one organization": {authorize, "user2"},
		"error":                       {s.url + "/apps/app1/authorize?" + strings.Repeat("&"+url.QueryEscape(text)+"=", 2), ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.request(http.MethodGet, row.url, "")
			r.Header.Set("Cookie", emulator.SessionCookie+"="+row.user)
			page := s.do(s.client, r).body
			require.Contains(t, page, escaped, "what this test sends is on the page")
			require.NotContains(t, page, "<script>")
			require.NotContains(t, page, "<b>\"")
			for _, tag := range regexp.MustCompile(`<[^>]*>`).FindAllString(page, -1) {
				require.Regexp(t, `^<(!doctype html|/[a-z0-9]+|[a-z0-9]+( [a-z-]+(="[^"<>']*")?)*)>$`, tag)
			}
		})
	}
}

func TestRouteScript(t *testing.T) {
	s := start(t, emulator.Options{})
	script := s.do(s.client, s.request(http.MethodGet, s.url+"/_emulator/route.js", ""))
	require.Equal(t, http.StatusOK, script.status)
	require.Contains(t, script.header.Get("Content-Type"), "javascript")
	require.Equal(t, "no-store", script.header.Get("Cache-Control"))
	require.Contains(t, script.body, "location.hash")
}
