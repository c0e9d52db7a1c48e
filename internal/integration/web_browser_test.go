package integration_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWebExample has a person's browser log in at examples/web, and so tests package httplogin
// where it will be used.
func TestWebExample(t *testing.T) {
	t.Parallel()
	program := buildProgram(t, "./examples/web")
	for _, test := range []struct {
		name string
		run  func(t *testing.T, program string)
	}{
		{"allow", webAllow},
		{"deny", webDeny},
		{"two tabs", webTwoTabs},
		{"more tabs than attempts fit", webManyTabs},
		{"back", webBack},
		{"callback again", webCallbackAgain},
		{"callback after log-out", webLogOut},
		{"forged callback", webForgedCallback},
		{"cookies blocked", webCookiesBlocked},
		{"cookie gone", webCookieGone},
		{"first click", webFirstClick},
		{"second click after back", webSecondClick},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, program)
		})
	}
}

func webAllow(t *testing.T, program string) {
	w, b := startWeb(t, program)
	b.open(w.url)
	b.awaitHeading(homePage)
	w.assertCookies(b, 0, false)
	begun := time.Now()
	w.begin(b, asLovelace, "/?from=menu")
	w.assertCookies(b, 1, false)
	attempts, _ := w.cookies(b)
	require.NotEmpty(t, attempts)
	assertGuarded(t, attempts[0])
	ends := time.Unix(int64(attempts[0].Expires), 0)
	assert.True(t, ends.After(begun.Add(9*time.Minute)) && ends.Before(begun.Add(time.Hour)), "begun at %v, it ends at %v", begun, ends)

	b.click(allow)
	w.assertUser(b, lovelace, "/?from=menu")
	w.assertCookies(b, 0, true)
	_, session := w.cookies(b)
	require.NotNil(t, session)
	assertGuarded(t, session)
	assert.Empty(t, evaluate[string](b, "document.cookie"))
	w.assertAnswer(b, "/login", http.StatusSeeOther)
	w.assertAnswer(b, "/callback", http.StatusSeeOther)

	secrets := w.callback(b).Query()
	require.True(t, secrets.Has("code") && secrets.Has("state"))
	entries, _ := b.history()
	for _, entry := range entries {
		assert.NotContains(t, entry.URL, "/callback", "the browser's history")
		assert.NotContains(t, entry.URL, secrets.Get("code"), "the browser's history")
	}
	assert.NotContains(t, w.log(), secrets.Get("code"))
	assert.NotContains(t, w.log(), secrets.Get("state"))
	b.reload()
	w.assertUser(b, lovelace, "/?from=menu")
}

// assertGuarded checks the attributes of a cookie, as the browser took them.
func assertGuarded(t *testing.T, c *network.Cookie) {
	t.Helper()
	assert.True(t, c.HTTPOnly, c.Name)
	assert.Equal(t, network.CookieSameSiteLax, c.SameSite, c.Name)
	assert.Equal(t, "/", c.Path, c.Name)
	assert.Equal(t, "localhost", c.Domain, "%s: one for other hosts too begins with a dot", c.Name)
}

func webDeny(t *testing.T, program string) {
	w, b := startWeb(t, program)
	b.mayRefuse(w.url + "/callback")
	w.begin(b, asTuring, "/?from=menu")
	b.click(deny)
	b.await("denied")
	w.assertAnswer(b, "/callback", http.StatusForbidden)
	assert.Equal(t, "Access was denied", b.text("h1"))
	assert.NotContains(t, b.text("body"), cookieHint)
	w.assertCookies(b, 0, false)

	assert.Equal(t, "Try again", b.text(toLogIn))
	b.click(toLogIn)
	b.await("consent")
	b.click(allow)
	w.assertUser(b, turing, "/?from=menu")
	w.assertCookies(b, 0, true)
}

func webTwoTabs(t *testing.T, program string) {
	w, first := startWeb(t, program)
	second := w.chrome.tab()
	w.begin(first, asLovelace, "/?tab=1")
	w.begin(second, asLovelace, "/?tab=2")
	w.assertCookies(first, 2, false)

	first.click(allow)
	w.assertUser(first, lovelace, "/?tab=1")
	assert.Contains(t, first.text("main"), "Emulated Press")
	w.assertCookies(first, 1, true)
	second.choose("select[name=organization]", "shop")
	second.click(allow)
	w.assertUser(second, lovelace, "/?tab=2")
	assert.Contains(t, second.text("main"), "Emulated Shop")
	w.assertCookies(second, 0, true)
	first.reload() // a browser has one session, and that is the last
	w.assertUser(first, lovelace, "/?tab=1")
	assert.Contains(t, first.text("main"), "Emulated Shop")
}

func webManyTabs(t *testing.T, program string) {
	w, first := startWeb(t, program)
	first.mayRefuse(w.url + "/callback")
	w.begin(first, asLovelace, "/?tab=1")
	last := w.chrome.tab()
	for n := 2; n <= 6; n++ {
		w.begin(last, asLovelace, "/?tab=2")
		w.assertCookies(last, min(n, 5), false)
	}
	first.click(allow) // the oldest has made room
	w.assertRefused(first)
	w.assertCookies(first, 5, false)
	last.click(allow)
	w.assertUser(last, lovelace, "/?tab=2")
	w.assertCookies(last, 4, true)
	first.click(toLogIn)
	w.assertUser(first, lovelace, "/")
}

func webBack(t *testing.T, program string) {
	w, b := startWeb(t, program)
	b.mayRefuse(w.contentstack + "/apps/")
	b.open(w.url)
	b.awaitHeading(homePage)
	w.begin(b, asLovelace, "/")
	b.click(allow)
	w.assertUser(b, lovelace, "/")

	b.back() // Allow is there again if the browser kept the page. The form was answered; if not, its state was used.
	if b.await("consent", "error") == "consent" {
		b.click(allow)
		b.await("error")
	}
	w.assertCookies(b, 0, true)
	b.open(w.url)
	w.assertUser(b, lovelace, "/")
}

func webCallbackAgain(t *testing.T, program string) {
	w, b := startWeb(t, program)
	b.mayRefuse(w.url + "/callback")
	w.begin(b, asLovelace, "/")
	b.click(allow)
	w.assertUser(b, lovelace, "/")
	_, before := w.cookies(b)
	require.NotNil(t, before)

	b.open(w.callback(b).String())
	w.assertRefused(b)
	b.reload()
	w.assertRefused(b)
	_, after := w.cookies(b)
	require.NotNil(t, after)
	assert.Equal(t, before.Value, after.Value)
	b.open(w.url)
	w.assertUser(b, lovelace, "/")

	b.back()
	w.assertRefused(b)
	b.click(toLogIn)
	w.assertUser(b, lovelace, "/") // without a question, for consent is remembered
	_, after = w.cookies(b)
	require.NotNil(t, after)
	assert.NotEqual(t, before.Value, after.Value, "each login has a session of its own")
}

func webLogOut(t *testing.T, program string) {
	w, b := startWeb(t, program)
	b.mayRefuse(w.url + "/callback")
	w.begin(b, asLovelace, "/")
	b.click(allow)
	w.assertUser(b, lovelace, "/")
	b.click(`form[action="/logout"] button`)
	b.awaitHeading(homePage)
	w.assertCookies(b, 0, false)

	b.open(w.callback(b).String())
	w.assertRefused(b)
	w.assertCookies(b, 0, false)
}

func webForgedCallback(t *testing.T, program string) {
	w, b := startWeb(t, program)
	forger := w.chrome.tab()
	forger.mayRefuse(w.url + "/callback")
	texts := map[string]bool{}
	forge := func(query string, attempts int) {
		t.Helper()
		forger.open(w.contentstack) // a forger's page is another site's, too
		forger.await("index")
		forger.leave()
		evaluate[bool](forger, `location.href = "`+w.url+`/callback?`+query+`", true`)
		texts[w.assertRefused(forger)] = true
		w.assertCookies(forger, attempts, false)
	}
	forge("code=forged&state=forged", 0)
	w.begin(b, asLovelace, "/")
	for _, query := range []string{
		"code=forged&state=forged",
		"code=forged&state=" + strings.Repeat("A", 43),
		"code=forged&state=",
		"code=forged",
		"code=forged&state=forged&state=again",
		"error=access_denied&state=forged",
		"",
	} {
		forge(query, 1)
	}
	assert.Len(t, texts, 1, "the page does not even tell whether a user is about to log in")
	b.click(allow)
	w.assertUser(b, lovelace, "/")
	w.assertCookies(b, 0, true)
}

func webCookiesBlocked(t *testing.T, program string) {
	profile, err := os.MkdirTemp("", "profile-")
	require.NoError(t, err)
	t.Cleanup(func() { // not TempDir, which does not wait for what the browser writes at its end
		assert.Eventually(t, func() bool { return os.RemoveAll(profile) == nil }, pageWait, 20*time.Millisecond)
	})
	blocked := `{"profile": {"content_settings": {"exceptions": {"cookies": {"localhost,*": {"setting": 2}}}}}}`
	require.NoError(t, os.Mkdir(filepath.Join(profile, "Default"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(profile, "Default", "Preferences"), []byte(blocked), 0o600))

	w, b := startWeb(t, program, chromedp.UserDataDir(profile))
	b.mayRefuse(w.url + "/callback")
	w.begin(b, asLovelace, "/")
	w.assertCookies(b, 0, false)
	b.click(allow)
	w.assertRefused(b)
	b.click(toLogIn) // consent is remembered: nothing stops on the way, and yet it goes around no more than once
	w.assertRefused(b)
	w.assertCookies(b, 0, false)
}

func webCookieGone(t *testing.T, program string) {
	w, b := startWeb(t, program)
	b.mayRefuse(w.url + "/callback")
	w.begin(b, asLovelace, "/?from=menu")
	attempts, _ := w.cookies(b)
	require.Len(t, attempts, 1)
	b.forget(attempts[0].Name, w.url) // as the browser does when the time has come
	b.click(allow)
	w.assertRefused(b)
	w.assertCookies(b, 0, false)
	b.click(toLogIn)
	w.assertUser(b, lovelace, "/") // where the user had been, the cookie knew
	w.assertCookies(b, 0, true)
}

// TestWebExampleTooLate has the browser come back with the cookie of an attempt that is too old.
func TestWebExampleTooLate(t *testing.T) {
	t.Parallel()
	w, b := startWeb(t, buildProgram(t, "./examples/web", "-overlay", tooLate(t)))
	b.mayRefuse(w.url + "/callback")
	w.begin(b, asLovelace, "/?from=menu")
	w.assertCookies(b, 1, false)
	b.click(allow)
	w.assertRefused(b)
	w.assertCookies(b, 0, false)
	assert.Contains(t, w.log(), "expired")
	assert.Equal(t, "/login?return_to=%2F%3Ffrom%3Dmenu", evaluate[string](b, `document.querySelector("a").getAttribute("href")`))
}

// tooLate returns an overlay for go build: each attempt is too old at once, and its cookie stays.
func tooLate(t *testing.T) string {
	t.Helper()
	file, err := filepath.Abs(filepath.Join("..", "..", "httplogin", "attempt.go"))
	require.NoError(t, err)
	source, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, change := range []struct{ old, new string }{
		{`\battemptLifetime\s+= 10 \* time\.Minute\b`, "attemptLifetime = time.Nanosecond"},
		{`\bcookieLifetime\s+= 2 \* attemptLifetime\b`, "cookieLifetime = time.Hour"},
	} {
		old := regexp.MustCompile(change.old)
		require.Len(t, old.FindAllIndex(source, -1), 1, "%s in %s", old, file)
		source = old.ReplaceAll(source, []byte(change.new))
	}
	dir := t.TempDir()
	changed, overlay := filepath.Join(dir, "attempt.go"), filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(changed, source, 0o600))
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{file: changed}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(overlay, text, 0o600))
	return overlay
}

func webFirstClick(t *testing.T, program string) {
	w, b := startWeb(t, program)
	b.open(w.url)
	b.awaitHeading(homePage)
	b.click(toLogIn)
	b.await("login")
	assert.Zero(t, b.count("#lost"))
	b.click(asLovelace)
	b.await("consent")
	b.choose("select[name=organization]", "shop")
	b.click(allow)
	w.assertUser(b, lovelace, "/")
	assert.Contains(t, b.text("main"), "Shop <EU>")
	w.assertCookies(b, 0, true)
}

func webSecondClick(t *testing.T, program string) {
	w, b := startWeb(t, program)
	b.open(w.url)
	b.awaitHeading(homePage)
	b.click(toLogIn)
	b.await("login")
	w.assertCookies(b, 1, false)

	b.back()
	b.awaitHeading(homePage)
	b.click(toLogIn)
	b.await("login")
	w.assertCookies(b, 2, false)
	b.click(asTuring)
	b.await("consent")
	b.click(allow)
	w.assertUser(b, turing, "/")
	w.assertCookies(b, 1, true) // the cookie of the first attempt stays until it expires
}

func TestWebExampleIsAccessible(t *testing.T) {
	axe := axeSource(t)
	t.Parallel()
	w, b := startWeb(t, buildProgram(t, "./examples/web"))
	b.mayRefuse(w.url + "/callback")
	b.open(w.url)
	b.awaitHeading(homePage)
	b.assertAccessible(axe)
	w.begin(b, asLovelace, "/")
	b.click(deny)
	b.await("denied")
	b.assertAccessible(axe)
	b.reload()
	w.assertRefused(b)
	b.assertAccessible(axe)
	b.click(toLogIn)
	b.await("consent")
	b.click(allow)
	w.assertUser(b, lovelace, "/")
	b.assertAccessible(axe)
}
