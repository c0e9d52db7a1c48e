package integration_test

import (
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
)

// The users and organizations of a csoauthtest.Server, and where they stand on its pages.
const (
	ada   = "blt00000000000ada01"
	alan  = "blt0000000000alan02"
	press = "blt1a2b3c4d5e6f7081"
	shop  = "blt2b3c4d5e6f708192"

	asAda  = `button[name=user][value="` + ada + `"]`
	asAlan = `button[name=user][value="` + alan + `"]`
	allow  = `button[name=decision][value=allow]`
	deny   = `button[name=decision][value=deny]`
)

// The shapes of an authorize URL that are about. The third is what Contentstack's JavaScript client
// makes.
const (
	pathShape       = "path"
	hashShape       = "hash"
	beforeHashShape = "before the hash"
)

// A webApp is a small web application with a login: /login leads to the emulator, and /callback
// shows who logged in, or why not. It is another site than the emulator: that one is 127.0.0.1 to
// the browser, and this one localhost.
type webApp struct {
	t        *testing.T
	url      string
	emulator *csoauthtest.Server

	arrived, release chan struct{} // of a callback, which tells the one and waits for the other; nil: it does neither

	mu       sync.Mutex
	attempts map[string]*csoauth.AuthRequest // by state; successful ones go
}

var webAppPage = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><title>App</title>
<body data-page="app">
<p id="user">{{with .Token}}{{.UserUID}}{{end}}</p>
<p id="organization">{{with .Token}}{{.OrganizationUID}}{{end}}</p>
<p id="error">{{with .Err}}{{.}}{{end}}</p>
`))

func newWebApp(t *testing.T, emulator *csoauthtest.Server) *webApp {
	a := &webApp{t: t, emulator: emulator, attempts: map[string]*csoauth.AuthRequest{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", a.logIn)
	mux.HandleFunc("GET /callback", a.callback)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	a.url = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	return a
}

func (a *webApp) config() *csoauth.Config { return a.emulator.Config(a.url + "/callback") }

// authorizeURL begins an attempt; scopes are separated by spaces, and none is the app's own.
func (a *webApp) authorizeURL(shape, scopes string) string {
	config := a.config()
	if shape == pathShape {
		config.AuthorizeRoute = csoauth.RoutePath
	}
	request, err := config.NewAuthRequest(&csoauth.AuthOptions{Scopes: strings.Fields(scopes)})
	if err != nil {
		return a.url + "/callback?error=" + url.QueryEscape(err.Error())
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.attempts[request.State] = request
	made := config.AuthorizeURL(request)
	if shape == beforeHashShape {
		base, rest, _ := strings.Cut(made, "/#")
		route, query, _ := strings.Cut(rest, "?")
		return base + "/?" + query + "#" + route
	}
	return made
}

func (a *webApp) logIn(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, a.authorizeURL(r.FormValue("shape"), r.FormValue("scope")), http.StatusFound)
}

// loginURL is where the app's login begins.
func (a *webApp) loginURL(shape, scopes string) string {
	return a.url + "/login?" + url.Values{"shape": {shape}, "scope": {scopes}}.Encode()
}

func (a *webApp) callback(w http.ResponseWriter, r *http.Request) {
	if a.arrived != nil {
		a.arrived <- struct{}{}
		<-a.release
	}
	token, err := a.exchange(r)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	webAppPage.Execute(w, map[string]any{"Token": token, "Err": err})
}

func (a *webApp) exchange(r *http.Request) (*csoauth.Token, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	callback, err := csoauth.ParseCallback(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	request := a.attempts[callback.Get("state")]
	if request == nil {
		return nil, fmt.Errorf("no such attempt")
	}
	token, err := a.config().Exchange(r.Context(), request, callback)
	if err == nil {
		delete(a.attempts, request.State)
	}
	return token, err
}

// assertUser checks who is logged in to the app, and for which organization.
func (b *tab) assertUser(user, organization string) {
	b.t.Helper()
	b.await("app")
	assert.Equal(b.t, []string{user, organization, ""}, []string{b.text("#user"), b.text("#organization"), b.text("#error")})
}

// assertNoUser checks that the app's login failed, and why.
func (b *tab) assertNoUser(why string) {
	b.t.Helper()
	b.await("app")
	assert.Empty(b.t, b.text("#user"))
	assert.Contains(b.t, b.text("#error"), why)
}

// logIn logs a user in to the emulator itself.
func (b *tab) logIn(server *csoauthtest.Server, as string) {
	b.t.Helper()
	b.logInAt(server.URL, as)
}

func (b *tab) logInAt(emulator, as string) {
	b.t.Helper()
	b.open(emulator + "/login")
	b.await("login")
	b.click(as)
	b.await("index")
}

// assertLast checks the last decision about an authorize page.
func assertLast(t *testing.T, server *csoauthtest.Server, decision string) {
	t.Helper()
	requests := server.Requests()
	for i := len(requests) - 1; i >= 0; i-- {
		if strings.HasSuffix(requests[i].Path, "/authorize") {
			assert.Contains(t, requests[i].Decision, decision)
			return
		}
	}
	assert.Fail(t, "no authorize page was requested")
}

// newPages starts a browser, an emulator and an app. The emulator may have the findings of allow.
func newPages(t *testing.T, allow ...string) (*tab, *webApp, *csoauthtest.Server) {
	t.Parallel()
	c := newChrome(t)
	server := csoauthtest.NewServer(t, &csoauthtest.Options{Allow: allow})
	return c.tab(), newWebApp(t, server), server
}

func TestPagesOfEveryShape(t *testing.T) {
	for _, shape := range []string{pathShape, hashShape, beforeHashShape} {
		t.Run(shape, func(t *testing.T) {
			b, app, server := newPages(t)
			b.logIn(server, asAda)
			assert.Zero(t, b.count("#lost"))

			b.open(app.loginURL(shape, ""))
			b.await("consent")
			assert.Contains(t, b.text("main"), "Ada Lovelace")
			assert.Contains(t, b.text("main"), "user:read")
			assert.Contains(t, b.text("main"), "View user details", "a known scope is shown in words")
			assert.Contains(t, b.text("main"), app.url+"/callback")
			b.click(deny)
			b.assertNoUser("access_denied")
			assertLast(t, server, "Ada Lovelace denied it")

			b.open(app.loginURL(shape, ""))
			b.await("consent")
			b.click(allow)
			b.assertUser(ada, press)
			assertLast(t, server, "Ada Lovelace allowed it for Emulated Press")
		})
	}
}

func TestLogInOnTheWay(t *testing.T) {
	t.Run("path", func(t *testing.T) {
		b, app, _ := newPages(t)
		b.open(app.loginURL(pathShape, ""))
		b.await("login")
		assert.Zero(t, b.count("#lost"))
		b.click(asAlan)
		b.await("consent")
		assert.Zero(t, b.count("select[name=organization]"), "there is nothing to choose")
		b.click(allow)
		b.assertUser(alan, press)
	})
	for _, shape := range []string{hashShape, beforeHashShape} {
		t.Run(shape, func(t *testing.T) {
			b, app, server := newPages(t)
			made := app.authorizeURL(shape, "")
			b.open(made)
			b.await("login")
			b.click(asAda)
			b.await("index")
			assert.Contains(t, b.text("#lost"), "RoutePath", "the page tells what happened, and what avoids it")
			assert.Empty(t, evaluate[string](b, "location.hash"))
			for _, r := range server.Requests() {
				assert.NotContains(t, r.Path, "/authorize", "the server never saw the authorize request")
			}

			b.open(made)
			b.await("consent")
			b.click(allow)
			b.assertUser(ada, press)
		})
	}
}

func TestChoiceOfOrganization(t *testing.T) {
	b, app, server := newPages(t)
	b.open(app.loginURL(pathShape, ""))
	b.await("login")
	b.click(asAda)
	b.await("consent")
	assert.Equal(t, []string{press, shop}, evaluate[[]string](b, `[...document.querySelectorAll("select[name=organization] option")].map(o => o.value)`))
	b.choose("select[name=organization]", shop)
	b.click(allow)
	b.assertUser(ada, shop)
	assertLast(t, server, "for Emulated Shop")

	b.open(app.loginURL(pathShape, "")) // nobody asks again
	b.assertUser(ada, shop)
}

func TestConsentIsRemembered(t *testing.T) {
	for _, shape := range []string{pathShape, hashShape, beforeHashShape} {
		t.Run(shape, func(t *testing.T) {
			b, app, server := newPages(t)
			b.logIn(server, asAda)
			b.open(app.loginURL(shape, "user:read organization:read"))
			b.await("consent")
			b.click(allow)
			b.assertUser(ada, press)
			for _, scopes := range []string{"user:read organization:read", "organization:read user:read", "user:read"} {
				b.open(app.loginURL(shape, scopes))
				b.assertUser(ada, press)
				assertLast(t, server, "Ada Lovelace allowed it before for Emulated Press; a code was issued")
			}

			b.open(app.loginURL(shape, "user:read cm.stacks.management:read")) // one of them is new
			b.await("consent")
			b.click(deny)
			b.assertNoUser("access_denied")
			b.open(app.loginURL(shape, "user:read")) // and saying no to more takes nothing back
			b.assertUser(ada, press)

			b.logIn(server, asAlan) // another user has not consented
			b.open(app.loginURL(shape, "user:read"))
			b.await("consent")
		})
	}
}

func TestTwoTabs(t *testing.T) {
	t.Parallel()
	c := newChrome(t)
	server := csoauthtest.NewServer(t, nil)
	app := newWebApp(t, server)
	first, second := c.tab(), c.tab()

	first.open(app.loginURL(pathShape, ""))
	first.await("login")
	second.open(app.loginURL(pathShape, ""))
	second.await("login")
	second.click(asAlan)
	second.await("consent")
	first.click(asAda) // from now on, Ada is logged in, in both tabs
	first.await("consent")
	second.click(allow) // but it was Alan who was asked here
	second.assertUser(alan, press)
	first.choose("select[name=organization]", shop)
	first.click(allow)
	first.assertUser(ada, shop)

	second.open(app.loginURL(pathShape, "")) // the browser is Ada's
	second.assertUser(ada, shop)
}

func TestTwoTabsOfOneUser(t *testing.T) {
	t.Parallel()
	c := newChrome(t)
	server := csoauthtest.NewServer(t, nil)
	app := newWebApp(t, server)
	first, second := c.tab(), c.tab()
	first.logIn(server, asAda)
	first.open(app.loginURL(hashShape, ""))
	first.await("consent")
	second.open(app.loginURL(beforeHashShape, ""))
	second.await("consent")
	second.click(allow)
	second.assertUser(ada, press)
	first.click(deny)
	first.assertNoUser("access_denied")
}

func TestBack(t *testing.T) {
	b, app, server := newPages(t)
	b.open(app.loginURL(pathShape, ""))
	b.await("login")
	b.click(asAda)
	b.await("consent")
	b.back() // no, as another user
	b.await("login")
	b.click(asAlan)
	b.await("consent")
	assert.Contains(t, b.text("main"), "Alan Turing")
	b.click(deny)
	b.assertNoUser("access_denied")
	b.back() // no, allow it: but the app has been told
	b.await("consent")
	b.click(allow)
	b.assertNoUser("access_denied")
	assertLast(t, server, "the form was sent twice; sent back as before")
}

func TestAllowAgainAfterBack(t *testing.T) {
	b, app, server := newPages(t, "state-reused")
	b.mayRefuse(server.URL + "/apps/")
	b.logIn(server, asAlan)
	b.open(app.loginURL(pathShape, ""))
	b.await("consent")
	b.click(allow)
	b.assertUser(alan, press)
	b.back()
	if b.await("consent", "error") == "error" {
		assert.Contains(t, b.text("main"), "state was used", "the browser did not keep the form")
		return
	}
	assert.Empty(t, b.text("#sent"), "the form can be sent again")
	b.click(allow)
	b.await("error")
	assert.Contains(t, b.text("main"), "You have already used this form")
	assertLast(t, server, "refused: the form was answered before")
}

// TestDoubleClickOnAllow clicks again while the app takes its time.
func TestDoubleClickOnAllow(t *testing.T) {
	for _, button := range []string{allow, deny} {
		t.Run(button, func(t *testing.T) {
			b, app, server := newPages(t)
			app.arrived, app.release = make(chan struct{}, 10), make(chan struct{})
			b.logIn(server, asAda)
			b.open(app.loginURL(pathShape, ""))
			b.await("consent")
			x, y := b.aim(button)
			b.leave()
			b.do(chromedp.MouseClickXY(x, y))
			<-app.arrived
			b.do(chromedp.MouseClickXY(x, y), chromedp.MouseClickXY(x, y))
			close(app.release)
			if button == allow {
				b.assertUser(ada, press)
			} else {
				b.assertNoUser("access_denied")
			}
			sent := 0
			for _, r := range server.Requests() {
				if r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/authorize") {
					sent++
				}
			}
			assert.Equal(t, 1, sent, "how often the form was sent")
		})
	}
}

func TestReload(t *testing.T) {
	b, app, server := newPages(t)
	b.open(app.loginURL(hashShape, "user:read"))
	b.await("login")
	b.reload()
	b.await("login")
	b.click(asAda)
	b.await("index")
	b.reload()
	b.await("index")
	b.open(app.loginURL(hashShape, "user:read"))
	b.await("consent")
	b.reload()
	b.await("consent")
	b.choose("select[name=organization]", shop)
	b.click(allow)
	b.assertUser(ada, shop)
	requests := server.Requests()
	b.reload()
	b.assertNoUser("no such attempt")
	assert.Len(t, server.Requests(), len(requests), "the app sends no code twice")
}

func TestSwitchOfUser(t *testing.T) {
	b, app, server := newPages(t)
	b.logIn(server, asAda)
	b.open(app.loginURL(pathShape, ""))
	b.await("consent")
	b.click(`a[href^="/login"]`)
	b.await("login")
	b.click(asAlan)
	b.await("consent")
	assert.Contains(t, b.text("main"), "Alan Turing")
	b.click(allow)
	b.assertUser(alan, press)

	b.open(server.URL)
	b.await("index")
	b.click(`form[action="/logout"] button`)
	b.await("index")
	assert.Contains(t, b.text("header"), "You are not logged in.")
	b.open(app.loginURL(pathShape, ""))
	b.await("login")
}

func TestSessionCookie(t *testing.T) {
	b, _, server := newPages(t)
	b.logIn(server, asAlan)
	assert.Equal(t, alan, b.cookie("emulator_session").Value)
	assert.True(t, b.cookie("emulator_session").HTTPOnly)
}

func TestErrorPages(t *testing.T) {
	b, app, server := newPages(t, "wrong-client", "unregistered-redirect-uri", "scope-not-configured", "malformed-challenge")
	b.mayRefuse(server.URL + "/apps/")
	config := app.config()
	for _, shape := range []string{pathShape, hashShape, beforeHashShape} {
		b.logIn(server, asAda)
		for _, test := range []struct {
			name, old, new string
			rule           []string
		}{
			{"unknown app", config.AppUID, "0123456789abcdef01234567", []string{"there is no app", "App UID", "Developer Hub"}},
			{"client ID in its place", config.AppUID, config.ClientID, []string{"there is no app", "not the Client ID", "Developer Hub"}},
			{"client ID", "client_id=" + config.ClientID, "client_id=another", []string{"client_id", config.ClientID, "Developer Hub"}},
			{"redirect URI", "%2Fcallback", "%2Fcallback%2F", []string{"not registered", "exactly", app.url + "/callback", "Developer Hub"}},
			{"scope", "user%3Aread", "user%3Awrite", []string{"user:write", "not configured", "Developer Hub"}},
			{"challenge", "code_challenge_method=S256", "code_challenge_method=S512", []string{"S256"}},
		} {
			made := app.authorizeURL(shape, "user:read")
			spoilt := strings.Replace(made, test.old, test.new, 1)
			require.NotEqual(t, made, spoilt, test.name)
			b.open(spoilt)
			b.await("error")
			for _, words := range test.rule {
				assert.Contains(t, b.text("main"), words, "%s, %s", shape, test.name)
			}
			assertLast(t, server, "refused: ")
		}
	}
}

func TestErrorPageComesBeforeTheLogIn(t *testing.T) {
	b, app, server := newPages(t, "unregistered-redirect-uri")
	b.mayRefuse(server.URL + "/apps/")
	b.open(strings.Replace(app.authorizeURL(pathShape, ""), "%2Fcallback", "%2Fother", 1))
	b.await("error")
}

// tabTo presses Tab until the element has the focus, and checks that each stop on the way shows it.
func (b *tab) tabTo(css string) {
	b.t.Helper()
	for range 40 {
		b.do(chromedp.KeyEvent(kb.Tab))
		stop := evaluate[struct{ There, Shown, Elsewhere bool }](b, fmt.Sprintf(`(() => {
			const e = document.activeElement, style = getComputedStyle(e);
			return {
				There: e.matches(%q),
				Shown: e.matches(":focus-visible") && (style.outlineStyle != "none" && parseFloat(style.outlineWidth) >= 2 || style.boxShadow != "none"),
				Elsewhere: e == document.body,
			};
		})()`, css))
		if stop.Elsewhere {
			continue // past the end, the focus is the browser's own
		}
		assert.True(b.t, stop.Shown, "one cannot see where the focus is")
		if stop.There {
			return
		}
	}
	require.Fail(b.t, "Tab does not reach "+css, b.where())
}

func TestKeyboardOnly(t *testing.T) {
	b, app, server := newPages(t)
	b.open(app.loginURL(pathShape, ""))
	b.await("login")
	b.tabTo(asAda)
	b.press(kb.Enter)
	b.await("consent")
	b.tabTo("select[name=organization]")
	b.do(chromedp.KeyEvent(kb.ArrowDown))
	b.tabTo(allow)
	b.press(kb.Enter)
	b.assertUser(ada, shop)

	b.open(server.URL)
	b.await("index")
	b.tabTo(`form[action="/logout"] button`)
	b.press(" ")
	b.await("index")
	b.tabTo(`a[href="/login"]`)
	b.press(kb.Enter)
	b.await("login")
	b.tabTo(asAlan)
	b.press(" ")
	b.await("index")
	b.open(app.loginURL(hashShape, ""))
	b.await("consent")
	b.tabTo(deny)
	b.press(kb.Enter)
	b.assertNoUser("access_denied")
}
