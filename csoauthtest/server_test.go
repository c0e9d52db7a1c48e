package csoauthtest_test

import (
	"net/http"
	"net/url"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
)

func TestOptionsThatCannotWorkEndTheTest(t *testing.T) {
	for name, row := range map[string]struct {
		o    csoauthtest.Options
		want string
	}{
		"an app without client": {csoauthtest.Options{Apps: []csoauthtest.App{{UID: "a"}}},
			"csoauthtest: emulator: app 1: UID or ClientID is empty"},
		"nothing proves the app": {csoauthtest.Options{Apps: []csoauthtest.App{{UID: "a", ClientID: "c"}}},
			"csoauthtest: emulator: app a: without AllowPKCE it needs a ClientSecret"},
		"a user of no organization": {csoauthtest.Options{Users: []csoauthtest.User{{UID: "u"}}},
			"csoauthtest: emulator: user 1: UID is empty, or there is no organization"},
		"tokens that live too short": {csoauthtest.Options{AccessTokenLifetime: time.Millisecond},
			"csoauthtest: emulator: lifetimes: an access token lives a second at least, a code more than nothing"},
		"a redirect URI with a fragment": {csoauthtest.Options{Apps: []csoauthtest.App{
			{UID: "a", ClientID: "c", AllowPKCE: true, RedirectURIs: []string{callbackURI + "#"}}}},
			`csoauthtest: emulator: app a: redirect URI "http://localhost:8184/callback#": ` +
				"has a fragment, which no redirect URI may have (RFC 6749, 3.1.2)"},
		"no region": {csoauthtest.Options{Region: csoauth.Region(7)}, "csoauthtest: Region(7) is not a region"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, []string{row.want}, failures(t, func(tb testing.TB) {
				csoauthtest.NewServer(tb, &row.o)
				tb.Errorf("the test went on")
			}))
		})
	}
}

func TestConfigIsOfTheFirstApp(t *testing.T) {
	server := csoauthtest.NewServer(t, twoApps())
	c := server.Config(callbackURI)
	require.NoError(t, c.Validate())
	require.Equal(t, "public-app", c.AppUID)
	require.Equal(t, "public-client", c.ClientID)
	require.Equal(t, callbackURI, c.RedirectURI)
	require.Equal(t, server.URL, c.Endpoints[csoauth.NA].App)
	require.Len(t, c.Endpoints, 1, "no test reaches another host")
	require.Equal(t, http.StatusOK, userStatus(t, c, server.Login(c)))
}

func TestConfigOfAnotherApp(t *testing.T) {
	o := twoApps()
	o.Allow = []string{"no-secret"}
	server := csoauthtest.NewServer(t, o)
	c := server.ConfigOf("secret-app", callbackURI)
	require.Equal(t, "secret-client", c.ClientID)
	require.Empty(t, c.ClientSecret, "it is the caller's to add")

	require.Equal(t, []string{"csoauthtest: csoauth: exchange: 401 Unauthorized: invalid_client: " +
		"client_secret is missing: it is optional only with Allow PKCE on (Developer Hub, OAuth)"},
		failures(t, func(tb testing.TB) { on(tb, server).Login(c) }))
	c.ClientSecret = "s3cr3t"
	server.Login(c)

	require.Equal(t, []string{"csoauthtest: emulator: there is no app no-app"},
		failures(t, func(tb testing.TB) { on(tb, server).ConfigOf("no-app", callbackURI) }))
}

func TestRedirectURIThatCannotBeRegisteredEndsTheTest(t *testing.T) {
	server := csoauthtest.NewServer(t, twoApps())
	for uri, rule := range map[string]string{
		callbackURI + "#a":    "has a fragment, which no redirect URI may have (RFC 6749, 3.1.2)",
		"javascript:alert(1)": "has the scheme javascript, which no app can receive",
		"data:text/html,x":    "has the scheme data, which no app can receive",
		"/callback":           "is relative: give the whole URI, with its scheme (RFC 6749, 3.1.2)",
	} {
		const prefix = "csoauthtest: emulator: app "
		require.Equal(t, []string{prefix + "public-app: redirect URI \"" + uri + "\": " + rule},
			failures(t, func(tb testing.TB) {
				on(tb, server).Config(uri)
				tb.Errorf("the test went on")
			}))
		require.Equal(t, []string{prefix + "secret-app: redirect URI \"" + uri + "\": " + rule},
			failures(t, func(tb testing.TB) {
				on(tb, server).ConfigOf("secret-app", uri)
				tb.Errorf("the test went on")
			}))
	}
}

func TestConfigsShareNothing(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	one, two := server.Config(callbackURI), server.Config(callbackURI)
	one.Endpoints[csoauth.EU] = csoauth.Endpoints{App: "https://eu.example.org"}
	one.AppUID = "changed"
	require.Len(t, two.Endpoints, 1)
	require.NotEqual(t, "changed", two.AppUID)
	server.Login(two)
}

func TestUsersOfOnesOwn(t *testing.T) {
	org := csoauthtest.Organization{UID: "org1", Name: "One"}
	server := csoauthtest.NewServer(t, &csoauthtest.Options{Users: []csoauthtest.User{
		{UID: "user1", Email: "u@example.com", FirstName: "U", LastName: "One", Organizations: []csoauthtest.Organization{org}},
	}})
	token := server.Login(server.Config(callbackURI))
	require.Equal(t, "user1", token.UserUID)
	require.Equal(t, "org1", token.OrganizationUID)
	require.Equal(t, "POST /apps-api/apps/token 200 granted: tokens for U One in One", newest(server).String())
}

func TestLifetimesOfOnesOwn(t *testing.T) {
	server := csoauthtest.NewServer(t, &csoauthtest.Options{AccessTokenLifetime: 90 * time.Second, CodeLifetime: time.Nanosecond})
	c := server.Config(callbackURI)
	r, authorizeURL := begin(t, c)
	callback := server.Callback(server.Browser(), authorizeURL)
	tick()
	_, err := c.Exchange(t.Context(), r, callback)
	require.ErrorContains(t, err, "the code has expired: it lives 1ns")

	server = csoauthtest.NewServer(t, &csoauthtest.Options{AccessTokenLifetime: 90 * time.Second})
	before := time.Now().Round(0)
	token := server.Login(server.Config(callbackURI))
	require.WithinRange(t, token.Expiry, before.Add(90*time.Second), time.Now().Add(90*time.Second))

	server = csoauthtest.NewServer(t, &csoauthtest.Options{RefreshTokenLifetime: time.Nanosecond})
	c = server.Config(callbackURI)
	token = server.Login(c)
	tick()
	_, err = c.Refresh(t.Context(), token)
	require.ErrorContains(t, err, "the refresh_token has expired: it lives 1ns")
}

// tick waits until the clock has moved, which on Windows it does in steps.
func tick() {
	for began := time.Now().Round(0); !time.Now().Round(0).After(began); {
		runtime.Gosched()
	}
}

func TestHostsThatMayReachTheServer(t *testing.T) {
	status := func(server *csoauthtest.Server, host string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/v3/user", nil)
		require.NoError(t, err)
		r.Host = host
		resp, err := server.Browser().Do(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
	closed := csoauthtest.NewServer(t, nil)
	require.Equal(t, http.StatusUnauthorized, status(closed, ""))
	require.Equal(t, http.StatusUnauthorized, status(closed, "app.localhost:1"))
	require.Equal(t, http.StatusMisdirectedRequest, status(closed, "host.docker.internal:1"))
	open := csoauthtest.NewServer(t, &csoauthtest.Options{AllowHosts: []string{"host.docker.internal"}})
	require.Equal(t, http.StatusUnauthorized, status(open, "host.docker.internal:1"))
	require.Equal(t, http.StatusMisdirectedRequest, status(open, "other.docker.internal"))
}

func TestUnknownsReachTheServer(t *testing.T) {
	server := csoauthtest.NewServer(t, &csoauthtest.Options{Region: csoauth.EU, Unknowns: csoauthtest.Unknowns{
		ErrorShape: "cma", DenialWithoutState: true, RegionNames: "both", OldAccessTokenLives: true,
		Reuse: "grace", ReuseGrace: time.Hour, Omit: []string{"token_type", "user_uid"},
	}, Allow: []string{"refresh-token-reused"}})
	c := server.Config(callbackURI)
	_, authorizeURL := begin(t, c)
	require.Equal(t, url.Values{"error": {"access_denied"}, "error_description": {"The user denied the request"}},
		server.Callback(server.BrowserOf(csoauthtest.Visitor{Deny: true}), authorizeURL))
	token := server.Login(c)
	told := newest(server).Answer
	require.Equal(t, []string{"EU", "EU", "", ""}, []string{told["location"], told["region"], told["token_type"], told["user_uid"]})
	for range 2 {
		_, err := c.Refresh(t.Context(), token)
		require.NoError(t, err, "within the grace")
	}
	require.Equal(t, http.StatusOK, userStatus(t, c, token), "the old access token")
	_, err := c.Refresh(t.Context(), &csoauth.Token{RefreshToken: "guess"})
	require.ErrorContains(t, err, "refresh_token was not issued to this client")
	require.NotContains(t, err.Error(), "invalid_grant", "which no member of this shape tells")
}

func TestServerOfEachRegion(t *testing.T) {
	for _, region := range csoauth.Regions() {
		t.Run(region.String(), func(t *testing.T) {
			server := csoauthtest.NewServer(t, &csoauthtest.Options{Region: region})
			c := server.Config(callbackURI)
			require.Equal(t, region, c.Region)
			token := server.Login(c)
			named, err := csoauth.ParseRegion(token.Location)
			require.NoError(t, err)
			require.Equal(t, region, named)
			require.Equal(t, http.StatusOK, userStatus(t, c, token))
		})
	}
}

func TestTwoServersKnowNothingOfEachOther(t *testing.T) {
	na := csoauthtest.NewServer(t, nil)
	eu := csoauthtest.NewServer(t, &csoauthtest.Options{Region: csoauth.EU})
	require.NotEqual(t, na.URL, eu.URL)
	inNA, inEU := na.Config(callbackURI), eu.Config(callbackURI)
	token := na.Login(inNA)
	stray := &csoauth.Token{AccessToken: token.AccessToken} // a token that does not say where it is from
	require.Equal(t, http.StatusOK, userStatus(t, inNA, stray))
	require.Equal(t, http.StatusUnauthorized, userStatus(t, inEU, stray))
	require.Equal(t, []string{"csoauthtest: Revoke: there is no such access token"},
		failures(t, func(tb testing.TB) { on(tb, eu).Revoke(token) }))
}
