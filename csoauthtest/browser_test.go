package csoauthtest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
)

// on returns server as the test tb would hold it.
func on(tb testing.TB, server *csoauthtest.Server) *csoauthtest.Server {
	return csoauthtest.On(tb, server)
}

func TestVisitorsDecide(t *testing.T) {
	const ada, alan, press, shop = "blt00000000000ada01", "blt0000000000alan02", "blt1a2b3c4d5e6f7081", "blt2b3c4d5e6f708192"
	for name, row := range map[string]struct {
		visitor   csoauthtest.Visitor
		user, org string // empty: denied
	}{
		"anybody":              {csoauthtest.Visitor{}, ada, press},
		"another organization": {csoauthtest.Visitor{OrganizationUID: shop}, ada, shop},
		"another user":         {csoauthtest.Visitor{UserUID: alan}, alan, press},
		"who denies":           {csoauthtest.Visitor{Deny: true}, "", ""},
	} {
		for _, route := range []csoauth.AuthorizeRoute{csoauth.RouteHash, csoauth.RoutePath} {
			t.Run(name, func(t *testing.T) {
				server := csoauthtest.NewServer(t, nil) // of its own: consent is remembered
				c := server.Config(callbackURI)
				c.AuthorizeRoute = route
				r, authorizeURL := begin(t, c)
				token, err := c.Exchange(t.Context(), r, server.Callback(server.BrowserOf(row.visitor), authorizeURL))
				if row.user == "" {
					require.ErrorIs(t, err, csoauth.ErrDenied)
					return
				}
				require.NoError(t, err)
				require.Equal(t, row.user, token.UserUID)
				require.Equal(t, row.org, token.OrganizationUID)
			})
		}
	}
}

func TestBrowserKeepsCookiesAndFollowsRedirects(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	var came []string
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/set" {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "one"})
			http.Redirect(w, r, "/show", http.StatusFound)
			return
		}
		came = append(came, r.Header.Get("Cookie"))
	}))
	t.Cleanup(web.Close)
	browser := server.Browser()
	for _, from := range []struct {
		browser *http.Client
		path    string
	}{{browser, "/set"}, {browser, "/show"}, {server.Browser(), "/show"}} {
		resp, err := from.browser.Get(web.URL + from.path)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	}
	require.Equal(t, []string{"session=one", "session=one", ""}, came, "each browser has cookies of its own")
}

func TestCallbackDoesNotOpenTheRedirectURI(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was opened") }))
	t.Cleanup(web.Close)
	_, authorizeURL := begin(t, server.Config(web.URL+"/callback"))
	browser := server.Browser()
	require.NotEmpty(t, server.Callback(browser, authorizeURL).Get("code"))
	require.Nil(t, browser.CheckRedirect, "the browser is as it was")
}

func TestCallbackFollowsTheApplicationToTheServer(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	web := httptest.NewServer(nil)
	t.Cleanup(web.Close)
	r, authorizeURL := begin(t, server.Config(web.URL+"/callback"))
	next := map[string]string{"/": "/login", "/login": authorizeURL}
	web.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, next[r.URL.Path], http.StatusFound) })
	require.Equal(t, r.State, server.Callback(server.Browser(), web.URL+"/").Get("state"))
}

func TestCallbackTellsWhyNobodyCameBack(t *testing.T) {
	server := csoauthtest.NewServer(t, &csoauthtest.Options{Allow: []string{"wrong-client"}})
	server.Login(server.Config(callbackURI)) // what was decided before must not be told
	const strange = "it is not this Server's, or was not opened with a Browser of this Server"
	_, authorizeURL := begin(t, server.Config(callbackURI))
	for name, row := range map[string]struct {
		url     string
		browser *http.Client
		want    string
	}{
		"wrong client": {strings.Replace(authorizeURL, "client_id=emulated-Client1", "client_id=other", 1), server.Browser(),
			`the authorize page responded with 400 Bad Request and did not redirect to the app: refused: client_id is "other", and this app's is "emulated-Client1" (Developer Hub, OAuth)`},
		"unknown user": {authorizeURL, server.BrowserOf(csoauthtest.Visitor{UserUID: "nobody"}),
			"the authorize page responded with 400 Bad Request and did not redirect to the app: refused: the session is of user \"nobody\", whom nobody knows: log in again"},
		"another page": {server.URL + "/apps", server.Browser(), "the authorize page responded with 404 Not Found and did not redirect to the app: " + "refused: nothing is served at this path"},
		"a client that is no browser": {authorizeURL, server.Config(callbackURI).HTTPClient,
			"the authorize page responded with 200 OK and did not redirect to the app: " + strange},
		"no URL": {"http://127.0.0.1:0/", server.Browser(), `Get "http://127.0.0.1:0/": dial tcp 127.0.0.1:0: `},
	} {
		t.Run(name, func(t *testing.T) {
			failed := failures(t, func(tb testing.TB) { on(tb, server).Callback(row.browser, row.url) })
			require.Len(t, failed, 1)
			require.Contains(t, failed[0], "csoauthtest: "+row.want)
		})
	}
}

func TestLoginTellsWhyItFailed(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	c := server.Config(callbackURI)
	c.ClientID = ""
	failed := failures(t, func(tb testing.TB) { on(tb, server).Login(c) })
	require.Len(t, failed, 1)
	require.Contains(t, failed[0], "csoauthtest: csoauth: config: ClientID")

	server.FailNext(csoauthtest.Fault{Status: http.StatusBadRequest, Body: `{"error":"invalid_grant"}`})
	require.Equal(t, []string{"csoauthtest: csoauth: exchange: 400 Bad Request: invalid_grant"},
		failures(t, func(tb testing.TB) { on(tb, server).Login(server.Config(callbackURI)) }))
}
