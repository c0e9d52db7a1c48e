package csoauthtest_test

import (
	"net/http"
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
		"no region": {csoauthtest.Options{Region: csoauth.Region(7)}, "csoauthtest: Region(7) is no region"},
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
	server := csoauthtest.NewServer(t, twoApps())
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
}

func TestLifetimesOfOnesOwn(t *testing.T) {
	server := csoauthtest.NewServer(t, &csoauthtest.Options{AccessTokenLifetime: 90 * time.Second, CodeLifetime: time.Nanosecond})
	c := server.Config(callbackURI)
	r, authorizeURL := begin(t, c)
	_, err := c.Exchange(t.Context(), r, server.Callback(server.Browser(), authorizeURL))
	require.ErrorContains(t, err, "the code has expired: it lives 1ns")

	server = csoauthtest.NewServer(t, &csoauthtest.Options{AccessTokenLifetime: 90 * time.Second})
	token := server.Login(server.Config(callbackURI))
	require.WithinDuration(t, time.Now().Add(90*time.Second), token.Expiry, 10*time.Second)
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
