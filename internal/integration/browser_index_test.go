package integration_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/csoauthtest"
)

// faultyFindings are what sendFaulty does wrong.
var faultyFindings = []string{
	"no-state", "no-pkce", "plain-challenge", "wrong-response-type", "unregistered-redirect-uri", "scope-not-configured",
	"wrong-client", "not-form-encoded", "query-at-token-endpoint", "secret-in-url", "bearer-at-token-endpoint",
	"cookie-at-token-endpoint", "wrong-secret", "wrong-grant-type", "missing-parameter", "refresh-without-redirect-uri",
}

// sendFaulty sends the emulator n requests of a client that does nearly everything wrong.
func sendFaulty(t *testing.T, server *csoauthtest.Server, n int) {
	t.Helper()
	config := server.Config("http://localhost:3000/callback")
	authorize := "/apps/" + config.AppUID + "/authorize?"
	good := url.Values{
		"client_id": {config.ClientID}, "response_type": {"code"}, "redirect_uri": {config.RedirectURI}, "state": {"some-state"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
	with := func(params url.Values, change string) string {
		changed := url.Values{}
		for name, values := range params {
			changed[name] = values
		}
		changes, err := url.ParseQuery(change)
		require.NoError(t, err)
		for name, values := range changes {
			if changed[name] = values; values[0] == "" {
				delete(changed, name)
			}
		}
		return changed.Encode()
	}
	redemption := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {config.ClientID}, "redirect_uri": {config.RedirectURI}, "code": {"guess"}, "code_verifier": {"v"},
	}
	requests := []struct{ method, path, body, header string }{
		{"GET", authorize + with(good, "state=&code_challenge=&code_challenge_method="), "", ""},
		{"GET", authorize + with(good, "code_challenge_method="), "", ""},
		{"GET", authorize + with(good, "response_type=token"), "", ""},
		{"GET", authorize + with(good, "redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fa%2Fquite%2Flong%2Fpath%2Fto%2Fthe%2Fcallback"), "", ""},
		{"GET", authorize + with(good, "scope=cm.everything:write"), "", ""},
		{"GET", strings.Replace(authorize, config.AppUID, config.ClientID, 1) + good.Encode(), "", ""},
		{"GET", authorize + good.Encode(), "", ""},
		{"POST", "/apps-api/apps/token", `{"grant_type":"authorization_code"}`, "Content-Type: application/json"},
		{"POST", "/apps-api/apps/token?grant_type=refresh_token&refresh_token=guess", redemption.Encode(), ""},
		{"POST", "/apps-api/apps/token", redemption.Encode(), "Authorization: Bearer guess"},
		{"POST", "/apps-api/apps/token", redemption.Encode(), "Cookie: a=b"},
		{"POST", "/apps-api/token", with(redemption, "client_secret=wrong"), ""},
		{"POST", "/apps-api/apps/token", with(redemption, "grant_type=password"), ""},
		{"POST", "/apps-api/apps/token", with(redemption, "code="), ""},
		{"POST", "/apps-api/apps/token", with(redemption, "grant_type=refresh_token&refresh_token=guess&redirect_uri=&code=&code_verifier="), ""},
		{"POST", "/token", with(redemption, "client_id=<img src=x onerror=alert(1)>"), ""},
		{"GET", "/v3/organizations/blt1a2b3c4d5e6f7081/stacks", "", ""},
		{"GET", "/apps-api/manifests/" + config.AppUID + "/authorizations", "", "Authorization: Bearer guess"},
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for i := range n {
		r := requests[i%len(requests)]
		request, err := http.NewRequestWithContext(t.Context(), r.method, server.URL+r.path, strings.NewReader(r.body))
		require.NoError(t, err)
		request.Header.Set("Cookie", "emulator_session=first")
		if r.method == http.MethodPost {
			request.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		}
		if name, value, ok := strings.Cut(r.header, ": "); ok {
			request.Header.Set(name, value)
		}
		resp, err := transport.RoundTrip(request)
		require.NoError(t, err)
		resp.Body.Close()
	}
}

func TestLiveLog(t *testing.T) {
	t.Parallel()
	c := newChrome(t)
	server := csoauthtest.NewServer(t, &csoauthtest.Options{Allow: []string{"wrong-client", "no-state", "no-pkce"}})
	app := newWebApp(t, server)
	b, watcher := c.tab(), c.tab()
	watcher.open(server.URL)
	watcher.await("index")
	assert.Contains(t, watcher.text("#findings-list"), "No client has sent anything")
	b.logIn(server, asAda)
	b.open(app.loginURL(hashShape, ""))
	b.await("consent")
	watcher.awaitTrue(`document.querySelector("#log").innerText.includes("asked for consent to user:read")`)
	assert.Equal(t, "Nothing wrong so far, in one request.", watcher.text("#findings-list"))
	watcher.do(chromedp.MouseClickXY(watcher.aim("#log summary")))
	watcher.awaitTrue(`document.querySelector("#log").innerText.includes("code_challenge_method S256")`)

	b.click(allow)
	b.assertUser(ada, press)
	watcher.awaitTrue(`document.querySelector("#log").innerText.includes("granted: tokens for Ada Lovelace in Emulated Press")`)
	shown := watcher.text("#log")
	assert.Contains(t, shown, "Ada Lovelace allowed it for Emulated Press")
	assert.Contains(t, shown, "code_challenge_method S256", "what was unfolded stays so")
	assert.Contains(t, shown, "***", "secrets are masked")
	assert.Equal(t, 1, watcher.count("#log [open]"))

	sendFaulty(t, server, 1)
	watcher.awaitTrue(`document.querySelector("#findings-list").innerText.includes("The authorize URL has no state.")`)
	assert.Equal(t, "2", watcher.text("#findings-count"))
	assert.Equal(t, 1, watcher.count("#log [open]"))
	assert.Equal(t, "New finding: no-state, no-pkce", evaluate[string](watcher, `document.querySelector("#news").textContent`))

	// What clients send is text, never markup.
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	resp, err := client.PostForm(server.URL+"/token", url.Values{"client_id": {`<img src=x onerror=alert(1)>`}})
	require.NoError(t, err)
	resp.Body.Close()
	watcher.awaitTrue(`document.querySelector("#log").innerText.includes("<img src=x onerror=alert(1)>")`)
	assert.Zero(t, watcher.count("main img"))
	watcher.reload()
	watcher.await("index")
	assert.Contains(t, watcher.text("#log"), "<img src=x onerror=alert(1)>")
	assert.Zero(t, watcher.count("main img"))
}

func TestOpenRequestIsDecidedInItsPlace(t *testing.T) {
	b, _, server := newPages(t)
	release := make(chan struct{})
	server.API("GET /slow", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	token := server.Login(server.Config("http://localhost:8184"))
	b.open(server.URL)
	b.await("index")
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	done := make(chan struct{})
	go func() {
		defer close(done)
		request, _ := http.NewRequest(http.MethodGet, server.URL+"/slow", http.NoBody)
		request.Header.Set("Authorization", "Bearer "+token.AccessToken)
		if resp, err := transport.RoundTrip(request); err == nil {
			resp.Body.Close()
		}
	}()
	b.awaitTrue(`document.querySelector("#log .text").innerText == "not decided yet"`)
	evaluate[bool](b, `document.querySelector("#log summary").focus(), document.querySelector("#log details").open = true`)
	close(release)
	<-done
	b.awaitTrue(`document.querySelector("#log .text").innerText == "let through to GET /slow"`)
	assert.Equal(t, 4, b.count("#log li"))
	assert.True(t, evaluate[bool](b, `document.querySelector("#log details").open`))
	assert.True(t, evaluate[bool](b, `document.activeElement == document.querySelector("#log summary")`))
}

// TestBusyIndexFitsTheWindow has sixteen findings and 300 requests.
func TestBusyIndexFitsTheWindow(t *testing.T) {
	b, _, server := newPages(t, faultyFindings...)
	sendFaulty(t, server, 300)
	b.open(server.URL)
	b.await("index")
	require.GreaterOrEqual(t, b.count("#findings-list [data-key]"), 10)
	require.Equal(t, 300, b.count("#log li"))
	for i, window := range []struct{ width, height int64 }{{1280, 800}, {320, 640}} {
		b.do(chromedp.EmulateViewport(window.width, window.height))
		sendFaulty(t, server, 1)
		b.awaitTrue(fmt.Sprintf(`document.querySelector("#log li").dataset.number == %d`, 300+i))
		at := evaluate[struct {
			Finding, Row struct{ Top, Bottom float64 }
			Hit          bool
			Height       int64
			Width        int64
		}](b, `(() => {
			const box = css => document.querySelector(css).getBoundingClientRect().toJSON();
			const row = box("#log summary"), first = box("#findings-list .fault");
			const under = document.elementFromPoint(row.x + row.width / 2, (row.top + row.bottom) / 2);
			return {
				Finding: {Top: first.top, Bottom: first.bottom}, Row: {Top: row.top, Bottom: row.bottom},
				Hit: document.querySelector("#log summary").contains(under),
				Height: document.documentElement.scrollHeight, Width: document.documentElement.scrollWidth,
			};
		})()`)
		where := fmt.Sprintf("%d × %d: %+v", window.width, window.height, at)
		t.Log(where)
		assert.Less(t, at.Finding.Bottom, at.Row.Top, "the findings come first: %s", where)
		assert.Positive(t, at.Finding.Top, where)
		assert.LessOrEqual(t, at.Row.Bottom, float64(window.height), "the newest request is out of sight: %s", where)
		assert.True(t, at.Hit, "something hides the newest request: %s", where)
		assert.LessOrEqual(t, at.Height, int64(4000), where)
		assert.LessOrEqual(t, at.Width, window.width, where)
		assert.Equal(t, 300, b.count("#log li"), "the oldest go")
	}
}

func TestLogByKeyboard(t *testing.T) {
	b, _, server := newPages(t, faultyFindings...)
	sendFaulty(t, server, 60)
	b.open(server.URL)
	b.await("index")
	b.tabTo("#findings-area")
	scrolled := false
	for end := time.Now().Add(pageWait); !scrolled && time.Now().Before(end); { // there may not be more than fits yet
		b.do(chromedp.KeyEvent(kb.End))
		scrolled = evaluate[bool](b, `document.querySelector("#findings-area").scrollTop > 0`)
	}
	require.True(t, scrolled)
	b.tabTo(".skip")
	b.tabTo("#log-area")
	b.tabTo("#log summary")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.awaitTrue(`document.querySelector("#log details").open`)
	b.open(server.URL)
	b.await("index")
	b.tabTo(".skip")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.awaitTrue(`location.hash == "#apps"`)
	b.tabTo("#endpoints + .card summary") // and not through each request
}

func TestIndexOfAnotherEmulatorBeginsAnew(t *testing.T) {
	b, _, server := newPages(t)
	server.Login(server.Config("http://localhost:8184"))
	b.open(server.URL)
	b.await("index")
	b.leave()
	evaluate[bool](b, `document.querySelector("#log").dataset.total = 99, true`)
	b.await("index")
	assert.Equal(t, 3, b.count("#log li"))
}
