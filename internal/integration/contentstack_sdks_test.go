package integration_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

// sdkRedirectURI is the first of sdkApp: nobody listens there.
const sdkRedirectURI = "http://localhost:8184"

var sdkApp = emulator.App{
	UID:          "65a1b2c3d4e5f60718293a4b",
	ClientID:     "Sdk-Client_0001x",
	ClientSecret: "s3cr3t-of-the-sdk:&+",
	Name:         "Made with the SDK",
	RedirectURIs: []string{sdkRedirectURI, "http://localhost:8184/second"},
	AllowPKCE:    true,
	Scopes:       []string{"user:read", "organization:read"},
}

type sdkOptions struct {
	host        string // of the Content Management API; empty: that of North America
	redirectURI string // empty: sdkRedirectURI
	secret      bool   // the client is given its secret, so it does without PKCE
}

// An sdk are Contentstack's JavaScript clients in a process of their own: @contentstack/management,
// which logs in, and @contentstack/marketplace-sdk, which uses its token.
type sdk struct{ *nodeScript }

func startSDK(t *testing.T, c *contentstack, o sdkOptions) *sdk {
	t.Helper()
	s := &sdk{startNodeScript(t, "contentstack-sdks", "@contentstack/marketplace-sdk", "NODE_EXTRA_CA_CERTS="+c.authority)}
	oauth := map[string]any{"appId": sdkApp.UID, "clientId": sdkApp.ClientID, "redirectUri": sdkRedirectURI, "scope": []string{"user:read"}}
	if o.redirectURI != "" {
		oauth["redirectUri"] = o.redirectURI
	}
	if o.secret {
		oauth["clientSecret"] = sdkApp.ClientSecret
	}
	first := map[string]any{"oauth": oauth}
	if o.host != "" {
		first["host"] = o.host
	}
	s.send(first)
	return s
}

// try has a client do something.
func (s *sdk) try(order map[string]any) nodeAnswer {
	s.t.Helper()
	return s.ask(order)
}

// must has a client do something that succeeds.
func (s *sdk) must(result any, order map[string]any) {
	s.t.Helper()
	answer := s.try(order)
	require.Empty(s.t, answer.Error, "%v", order["do"])
	require.NoError(s.t, json.Unmarshal(answer.Result, result))
}

// authorizeURL returns the URL that the client made.
func (s *sdk) authorizeURL() (u string) {
	s.t.Helper()
	s.must(&u, map[string]any{"do": "authorize"})
	return u
}

// logIn approves the client's authorize URL and hands the code to the client.
func (s *sdk) logIn(c *contentstack, visitor emulator.Visitor) (tokens sdkTokens) {
	s.t.Helper()
	callback := c.callback(s.authorizeURL(), visitor)
	s.must(&tokens, map[string]any{"do": "exchange", "code": callback.Get("code")})
	return tokens
}

func (s *sdk) refresh() (tokens sdkTokens) {
	s.t.Helper()
	s.must(&tokens, map[string]any{"do": "refresh"})
	return tokens
}

func (s *sdk) logOut() {
	s.t.Helper()
	s.must(new(any), map[string]any{"do": "logout"})
}

// marketplace has the marketplace SDK make a call, with the token that the other client got.
func (s *sdk) marketplace(result any, call string) {
	s.t.Helper()
	s.must(result, map[string]any{"do": "marketplace", "call": call})
}

type sdkTokens struct {
	Access       string `json:"access_token"`
	Refresh      string `json:"refresh_token"`
	ExpiresIn    int    `json:"expires_in"`
	Location     string `json:"location"`
	Organization string `json:"organization_uid"`
	User         string `json:"user_uid"`
}

// assertUser asks the API who the client's token stands for.
func (s *sdk) assertUser() {
	s.t.Helper()
	var user struct{ UID, Email string }
	s.must(&user, map[string]any{"do": "user"})
	assert.Equal(s.t, alan, user.UID)
	assert.Equal(s.t, "alan@example.com", user.Email)
}

// assertLoggedOut asks the API who the client's token stands for, which is nobody any more.
func (s *sdk) assertLoggedOut() {
	s.t.Helper()
	assert.Contains(s.t, s.try(map[string]any{"do": "user"}).Error, "401")
}

// assertRefused has the client do something that the token endpoint refuses. The client's error
// repeats the form that it sent, with its secrets.
func (s *sdk) assertRefused(c *contentstack, order map[string]any) {
	s.t.Helper()
	assert.Contains(s.t, s.try(order).Error, `"data":"grant_type=`)
	requests := c.tokenRequests()
	require.NotEmpty(s.t, requests)
	assert.Contains(s.t, requests[len(requests)-1].Decision, "refused: ")
}

// What these tests find is the table of docs/emulator.md.
func TestManagementSDK(t *testing.T) {
	if !onHost(t, "") {
		return
	}
	t.Run("realistic", func(t *testing.T) {
		c := newContentstack(t, emulator.Realistic(), sdkApp)
		s := startSDK(t, c, sdkOptions{})

		made, err := url.Parse(s.authorizeURL())
		require.NoError(t, err)
		q := made.Query()
		made.RawQuery = ""
		assert.Equal(t, c.app+"/#!/apps/"+sdkApp.UID+"/authorize", made.String(), "the query stands before the fragment")
		assert.Len(t, q.Get("code_challenge"), 43)
		q.Del("code_challenge")
		assert.Equal(t, url.Values{ // it was given a redirect URI and a scope, and sends neither; and no state
			"response_type": {"code"}, "client_id": {sdkApp.ClientID}, "code_challenge_method": {"S256"},
		}, q)

		first := s.logIn(c, member)
		assert.Equal(t, []any{alan, press, "NA", 3600}, []any{first.User, first.Organization, first.Location, first.ExpiresIn})
		s.assertUser()
		second := s.refresh()
		assert.NotEqual(t, first.Access, second.Access)
		assert.NotEqual(t, first.Refresh, second.Refresh)
		s.assertUser()
		s.refresh() // with the second refresh token: the first is used up
		s.assertUser()
		s.logOut()
		s.assertLoggedOut()

		requested := c.requested()
		assert.Equal(t, []string{
			"POST developerhub-api.contentstack.com/token",
			"GET api.contentstack.io/v3/user",
			"POST developerhub-api.contentstack.com/token",
			"GET api.contentstack.io/v3/user",
			"POST developerhub-api.contentstack.com/token",
			"GET api.contentstack.io/v3/user",
			"GET developerhub-api.contentstack.com/manifests/" + sdkApp.UID + "/authorizations",
		}, requested[2:9], "after the consent")
		assert.Contains(t, requested[9], "DELETE developerhub-api.contentstack.com/manifests/"+sdkApp.UID+"/authorizations/")

		sent := c.tokenRequests()
		require.Len(t, sent, 3)
		exchange, refresh := sent[0], sent[1]
		assert.ElementsMatch(t, []string{"grant_type", "code", "redirect_uri", "client_id", "code_verifier"}, keysOf(exchange.Params))
		assert.Equal(t, sdkRedirectURI, exchange.Params["redirect_uri"])
		assert.ElementsMatch(t, []string{"grant_type", "refresh_token", "redirect_uri", "client_id"}, keysOf(refresh.Params))
		assert.Equal(t, exchange.Answer["refresh_token"], refresh.Params["refresh_token"])
		assert.Equal(t, refresh.Answer["refresh_token"], sent[2].Params["refresh_token"])
		c.assertFindings("bearer-at-token-endpoint", "no-redirect-uri", "no-state")
	})
	t.Run("strict", func(t *testing.T) {
		c := newContentstack(t, emulator.Strict(), sdkApp)
		s := startSDK(t, c, sdkOptions{})
		s.logIn(c, member)
		s.assertRefused(c, map[string]any{"do": "refresh"})
		s.assertUser() // the refused refresh spent nothing
		s.logOut()
		s.assertLoggedOut()
		c.assertFindings("no-redirect-uri", "no-state", "refused: bearer-at-token-endpoint")
	})
	t.Run("Europe", func(t *testing.T) {
		o := emulator.Realistic()
		o.Location = "EU"
		c := newContentstack(t, o, sdkApp)
		s := startSDK(t, c, sdkOptions{host: "eu-api.contentstack.com"})
		assert.Equal(t, "EU", s.logIn(c, member).Location)
		s.assertUser()
		s.refresh()
		s.logOut()
		for _, request := range c.requested() {
			assert.Contains(t, request, " eu-")
		}
	})
	t.Run("a second login, realistic", func(t *testing.T) {
		c := newContentstack(t, emulator.Realistic(), sdkApp)
		s := startSDK(t, c, sdkOptions{})
		s.logIn(c, member)
		s.logIn(c, member)
		s.assertUser()
		c.assertFindings("bearer-at-token-endpoint", "challenge-reused", "no-redirect-uri", "no-state", "verifier-reused")
	})
	t.Run("a second login, strict", func(t *testing.T) {
		c := newContentstack(t, emulator.Strict(), sdkApp)
		s := startSDK(t, c, sdkOptions{})
		s.logIn(c, member)
		_, stuck := c.open(s.authorizeURL(), member)
		assert.Equal(t, http.StatusBadRequest, stuck.StatusCode)
		c.assertFindings("no-redirect-uri", "no-state", "refused: challenge-reused")
	})
	t.Run("an owner logs out", func(t *testing.T) {
		c := newContentstack(t, emulator.Realistic(), sdkApp)
		s := startSDK(t, c, sdkOptions{})
		s.logIn(c, owner)
		c.requested()
		assert.Contains(t, s.try(map[string]any{"do": "logout"}).Error, "No authorizations found for the current user")
		assert.Len(t, c.requested(), 1, "it looks at the first page only, and revokes nothing")
	})
	t.Run("with a secret", func(t *testing.T) {
		c := newContentstack(t, emulator.Realistic(), sdkApp)
		s := startSDK(t, c, sdkOptions{secret: true})
		made, err := url.Parse(s.authorizeURL())
		require.NoError(t, err)
		assert.Equal(t, url.Values{"response_type": {"code"}, "client_id": {sdkApp.ClientID}}, made.Query())
		s.logIn(c, member)
		s.assertUser()
		s.refresh()
		s.assertUser()
		sent := c.tokenRequests()
		require.Len(t, sent, 2)
		assert.ElementsMatch(t, []string{"grant_type", "code", "redirect_uri", "client_id", "client_secret"}, keysOf(sent[0].Params))
		assert.NotContains(t, sent[1].Params, "client_secret")
		c.assertFindings("bearer-at-token-endpoint", "no-pkce", "no-redirect-uri", "no-state", "refresh-without-secret")
	})
	t.Run("with the second redirect URI", func(t *testing.T) {
		c := newContentstack(t, emulator.Realistic(), sdkApp)
		s := startSDK(t, c, sdkOptions{redirectURI: sdkApp.RedirectURIs[1]})
		callback := c.callback(s.authorizeURL(), member) // to the first one
		s.assertRefused(c, map[string]any{"do": "exchange", "code": callback.Get("code")})
		c.assertFindings("no-redirect-uri", "no-state", "refused: redirect-uri-mismatch")
	})
	t.Run("the redirect", func(t *testing.T) {
		c := newContentstack(t, emulator.Strict(), sdkApp)
		s := startSDK(t, c, sdkOptions{})
		callback := c.callback(s.authorizeURL(), member)
		s.must(new(any), map[string]any{"do": "redirected", "url": sdkRedirectURI + "/?" + callback.Encode()})
		s.assertUser()

		s = startSDK(t, c, sdkOptions{})
		denied := c.callback(s.authorizeURL(), emulator.Visitor{Deny: true})
		assert.Equal(t, "access_denied", denied.Get("error"))
		answer := s.try(map[string]any{"do": "redirected", "url": sdkRedirectURI + "/?" + denied.Encode()})
		assert.NotEmpty(t, answer.Error)
		assert.NotContains(t, answer.Error, "denied", "it ignores error and only misses the code")
		assert.Len(t, c.tokenRequests(), 1)
	})
	t.Run("the last minute", func(t *testing.T) {
		o := emulator.Realistic()
		o.AccessTokenLifetime = 30 * time.Second
		c := newContentstack(t, o, sdkApp)
		s := startSDK(t, c, sdkOptions{})
		s.logIn(c, member)
		var expiry int64
		s.must(&expiry, map[string]any{"do": "expiry"})
		// In the last minute of a token, each call of this client spins for ever and sends nothing.
		assert.Less(t, expiry, time.Now().UnixMilli(), "it takes a minute off, so this token is expired from the start")
	})
}

func TestMarketplaceSDK(t *testing.T) {
	if !onHost(t, "") {
		return
	}
	for _, preset := range []struct {
		name    string
		options emulator.Options
		revoked string // what the SDK makes of a deletion that succeeded
	}{
		{"realistic", emulator.Realistic(), ""},
		{"strict", emulator.Strict(), "[object Object]"}, // which has no body there
	} {
		t.Run(preset.name, func(t *testing.T) {
			c := newContentstack(t, preset.options, sdkApp)
			s := startSDK(t, c, sdkOptions{})
			s.logIn(c, member)
			c.requested()
			var authorizations struct {
				Data []struct {
					UID  string `json:"authorization_uid"`
					User struct{ UID string }
				}
			}
			s.marketplace(&authorizations, "findAll")
			require.Len(t, authorizations.Data, 1)
			assert.Equal(t, alan, authorizations.Data[0].User.UID)
			var apps struct{ Data []struct{ UID string } }
			s.marketplace(&apps, "findAllAuthorizedApps")
			require.Len(t, apps.Data, 1)
			assert.Equal(t, sdkApp.UID, apps.Data[0].UID)
			var scopes struct{ Scopes []string }
			s.marketplace(&scopes, "getScopes")
			assert.Contains(t, scopes.Scopes, "user:read")
			revoked := s.try(map[string]any{"do": "marketplace", "call": "revoke", "uid": authorizations.Data[0].UID})
			assert.Equal(t, preset.revoked, revoked.Error)
			s.assertLoggedOut()
			manifest := " developerhub-api.contentstack.com/manifests/" + sdkApp.UID
			assert.Equal(t, []string{
				"GET" + manifest + "/authorizations",
				"GET developerhub-api.contentstack.com/authorized-apps",
				"GET developerhub-api.contentstack.com/manifests/oauth/scopes",
				"DELETE" + manifest + "/authorizations/" + authorizations.Data[0].UID,
				"GET api.contentstack.io/v3/user",
			}, c.requested())

			s = startSDK(t, c, sdkOptions{})
			s.logIn(c, member)
			assert.Equal(t, preset.revoked, s.try(map[string]any{"do": "marketplace", "call": "revokeAll"}).Error)
			s.assertLoggedOut()
			c.assertFindings("no-redirect-uri", "no-state") // of the management SDK
		})
	}
}

// A person approves the client's own authorize URL in a browser.
func TestManagementSDKInChromium(t *testing.T) {
	if !onHost(t, "") {
		return
	}
	c := newContentstack(t, emulator.Realistic(), sdkApp)
	listener, err := net.Listen("tcp", "127.0.0.1:8184") // sdkRedirectURI
	require.NoError(t, err)
	callbacks := make(chan url.Values, 1)
	app := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("code") != "" {
			callbacks <- r.URL.Query()
		}
		fmt.Fprint(w, `<!doctype html><html lang="en"><title>App</title><body data-page="app">`)
	})}
	served := make(chan error)
	go func() { served <- app.Serve(listener) }()
	t.Cleanup(func() {
		app.Close()
		assert.ErrorIs(t, <-served, http.ErrServerClosed)
	})
	s := startSDK(t, c, sdkOptions{})

	// It does not know the authority, and takes every other host for another site's.
	b := newChrome(t, chromedp.Flag("host-resolver-rules", ""), chromedp.Flag("ignore-certificate-errors", true)).anyTab()
	b.open(s.authorizeURL())
	b.await("login") // and its parameters are lost behind the #: the client's shape has that from Contentstack's page
	b.click(asAlan)
	b.await("index")
	b.open(s.authorizeURL())
	b.await("consent")
	b.click(allow)
	b.await("app")

	var tokens sdkTokens
	s.must(&tokens, map[string]any{"do": "exchange", "code": (<-callbacks).Get("code")})
	assert.Equal(t, []string{alan, press}, []string{tokens.User, tokens.Organization})
	s.assertUser()
	s.refresh()
	s.assertUser()
}
