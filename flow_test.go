package csoauth_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
)

// login is one whole login at the emulated Contentstack.
func login(t *testing.T, server *csoauthtest.Server, c *csoauth.Config, o *csoauth.AuthOptions) (*csoauth.Token, error) {
	r, err := c.NewAuthRequest(o)
	require.NoError(t, err)
	return c.Exchange(t.Context(), r, server.Callback(server.Browser(), c.AuthorizeURL(r)))
}

func TestWholeLogins(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*csoauth.Config)
		o      *csoauth.AuthOptions
	}{
		"S256":                     {nil, nil},
		"S256, path route":         {func(c *csoauth.Config) { c.AuthorizeRoute = csoauth.RoutePath }, nil},
		"plain":                    {func(c *csoauth.Config) { c.ChallengeMethod = csoauth.Plain }, nil},
		"plain by absence":         {func(c *csoauth.Config) { c.ChallengeMethod = csoauth.Plain }, &csoauth.AuthOptions{OmitMethod: true}},
		"with the secret":          {func(c *csoauth.Config) { c.ClientSecret = "s3cr3t &+:" }, nil},
		"with scopes":              {func(c *csoauth.Config) { c.Scopes = []string{"user:read", "cm.stack:share"} }, nil},
		"with further parameters":  {nil, &csoauth.AuthOptions{Params: map[string]string{"auto_select_organization": "true"}}},
		"for one organization":     {nil, &csoauth.AuthOptions{OrganizationUID: "blt1a2b3c4d5e6f7081"}},
		"by another token path":    {func(c *csoauth.Config) { setToken(c, "/token") }, nil},
		"by the documented alias":  {func(c *csoauth.Config) { setToken(c, "/apps-api/token") }, nil},
		"by Developer Hub's older": {func(c *csoauth.Config) { setToken(c, "/apps/token") }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			server := csoauthtest.NewServer(t, &csoauthtest.Options{Apps: []csoauthtest.App{{
				UID: "64e0f1a2b3c4d5e6f7a8b9c0", ClientID: "emulated-Client1", ClientSecret: "s3cr3t &+:", AllowPKCE: true,
				Scopes: []string{"user:read", "cm.stack:share"},
			}}, Allow: []string{"plain-challenge"}})
			c := server.Config("http://localhost:8184/callback?tenant=1")
			if row.change != nil {
				row.change(c)
			}
			token, err := login(t, server, c, row.o)
			require.NoError(t, err)
			require.Equal(t, "user", token.AuthorizationType)
			for range 3 {
				renewed, err := c.Refresh(t.Context(), token)
				require.NoError(t, err)
				require.NotEqual(t, token.RefreshToken, renewed.RefreshToken)
				require.NotEqual(t, token.AccessToken, renewed.AccessToken)
				token = renewed
			}
			hosts, err := c.EndpointsFor(token)
			require.NoError(t, err)
			api := &http.Client{Transport: bearer(token)}
			resp, err := api.Get(hosts.ContentManagement + "/v3/user")
			require.NoError(t, err)
			defer resp.Body.Close()
			defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
			require.Equal(t, 200, resp.StatusCode)
		})
	}
}

func setToken(c *csoauth.Config, path string) {
	for region, row := range c.Endpoints {
		row.Token = row.App + path
		c.Endpoints[region] = row
	}
}

// bearer puts the access token on every request.
func bearer(token *csoauth.Token) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+token.AccessToken)
		return http.DefaultTransport.RoundTrip(r)
	})
}

// Law: P5
func TestCodeOfAnotherRegionIsRedeemedThere(t *testing.T) {
	na := csoauthtest.NewServer(t, nil)
	eu := csoauthtest.NewServer(t, &csoauthtest.Options{Region: csoauth.EU})
	c, inEU := na.Config("http://localhost:8184"), eu.Config("http://localhost:8184")
	c.Endpoints[csoauth.EU] = inEU.Endpoints[csoauth.EU]

	r, err := c.NewAuthRequest(nil)
	require.NoError(t, err)
	token, err := c.Exchange(t.Context(), r, eu.Callback(eu.Browser(), inEU.AuthorizeURL(r)))
	require.NoError(t, err)
	require.Equal(t, "EU", token.Location)
	hosts, err := c.EndpointsFor(token)
	require.NoError(t, err)
	require.Equal(t, eu.URL, hosts.ContentManagement)

	_, err = c.Refresh(t.Context(), token)
	require.NoError(t, err)
	require.Empty(t, na.Requests(), "nothing of the login reached the other region")
}

func TestReplayedRefreshTokenEndsTheLogin(t *testing.T) {
	server := csoauthtest.NewServer(t, &csoauthtest.Options{Allow: []string{"refresh-token-reused"}})
	c := server.Config("http://localhost:8184")
	first := server.Login(c)
	second, err := c.Refresh(t.Context(), first)
	require.NoError(t, err)
	_, err = c.Refresh(t.Context(), first)
	require.ErrorIs(t, err, csoauth.ErrLoginRequired)
	_, err = c.Refresh(t.Context(), second)
	require.ErrorIs(t, err, csoauth.ErrLoginRequired, "the newest token died with it")
}

func TestStolenCodeIsWorthNothing(t *testing.T) {
	server := csoauthtest.NewServer(t, &csoauthtest.Options{Allow: []string{"wrong-verifier", "plain-challenge"}})
	c := server.Config("http://localhost:8184")
	for _, method := range []csoauth.ChallengeMethod{csoauth.S256, csoauth.Plain} {
		c.ChallengeMethod = method
		victim, err := c.NewAuthRequest(nil)
		require.NoError(t, err)
		stolen := server.Callback(server.Browser(), c.AuthorizeURL(victim)).Get("code")
		_, err = c.ExchangeCode(t.Context(), stolen, csoauth.NewVerifier(), nil)
		var said *csoauth.Error
		require.ErrorAs(t, err, &said)
		require.Equal(t, "invalid_grant", said.Code)
	}
}

// Law: P2
func TestS256NeverFallsBackToPlain(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	c := server.Config("http://localhost:8184")
	for range 3 {
		_, err := login(t, server, c, nil)
		require.NoError(t, err)
		server.FailNext(csoauthtest.Fault{Status: 400, Body: `{"error":"invalid_request","error_description":"S256 is not supported"}`})
		_, err = login(t, server, c, nil)
		require.Error(t, err)
	}
	for _, request := range server.Requests() {
		if request.Params["response_type"] == "code" {
			require.Equal(t, "S256", request.Params["code_challenge_method"])
		}
	}
}

func TestDenialThroughTheBrowser(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	c := server.Config("http://localhost:8184")
	r, err := c.NewAuthRequest(nil)
	require.NoError(t, err)
	callback := server.Callback(server.BrowserOf(csoauthtest.Visitor{Deny: true}), c.AuthorizeURL(r))
	_, err = c.Exchange(t.Context(), r, callback)
	require.ErrorIs(t, err, csoauth.ErrDenied)
}

func TestChosenOrganizationIsChecked(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	c := server.Config("http://localhost:8184")
	r, err := c.NewAuthRequest(&csoauth.AuthOptions{OrganizationUID: "blt1a2b3c4d5e6f7081"})
	require.NoError(t, err)
	other := csoauthtest.Visitor{OrganizationUID: "blt2b3c4d5e6f708192"}
	_, err = c.Exchange(t.Context(), r, server.Callback(server.BrowserOf(other), c.AuthorizeURL(r)))
	require.ErrorContains(t, err, `the token is for organization "blt2b3c4d5e6f708192", but the login requires "blt1a2b3c4d5e6f7081"`)
}

func TestFaultsOfTheTokenEndpoint(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	c := server.Config("http://localhost:8184")
	c.ClientSecret = "emulated-secret-of-the-default-app"
	for name, row := range map[string]struct {
		fault csoauthtest.Fault
		want  string
	}{
		"cut before":   {csoauthtest.Fault{Cut: csoauthtest.CutBefore}, "EOF"},
		"cut after":    {csoauthtest.Fault{Cut: csoauthtest.CutAfter}, "EOF"},
		"cut inside":   {csoauthtest.Fault{Cut: csoauthtest.CutInside, CutAt: 20}, "the response broke off: unexpected EOF"},
		"slow body":    {csoauthtest.Fault{Slow: 50 * time.Millisecond}, "context deadline exceeded"},
		"slow answer":  {csoauthtest.Fault{Delay: time.Minute}, "context deadline exceeded"},
		"endless body": {csoauthtest.Fault{Endless: true}, "the response is over 1048576 bytes"},
		"redirect":     {csoauthtest.Fault{RedirectTo: "https://evil.example/"}, "307 Temporary Redirect: the response is a redirect"},
		"HTML": {csoauthtest.Fault{Status: 502, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<h1>Bad gateway</h1>"},
			`502 Bad Gateway: the response (20 bytes) is "text/html", not JSON`},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := c.NewAuthRequest(nil)
			require.NoError(t, err)
			callback := server.Callback(server.Browser(), c.AuthorizeURL(r))
			server.FailNext(row.fault)
			ctx := t.Context()
			if row.fault.Slow != 0 || row.fault.Delay != 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 300*time.Millisecond)
				defer cancel()
			}
			_, err = c.Exchange(ctx, r, callback)
			require.ErrorContains(t, err, row.want)
			require.NotErrorIs(t, err, csoauth.ErrLoginRequired)
			secrets := &canary{t: t}
			for _, secret := range []string{c.ClientSecret, r.State, string(r.Verifier), callback.Get("code")} {
				secrets.plant(secret)
			}
			secrets.absentInError(err)
			_, err = c.Exchange(t.Context(), r, callback)
			require.ErrorIs(t, err, csoauth.ErrAttemptExpired, "the code is not sent twice")
		})
	}
	sent := map[string]int{}
	for _, request := range server.Requests() {
		if request.Method == http.MethodGet || request.Params["decision"] != "" {
			continue
		}
		sent[request.Params["code"]]++
	}
	require.Len(t, sent, 8, "a code for each fault")
	for code, times := range sent {
		require.Equal(t, 1, times, code)
	}
}

func TestLoopbackRedirectURIOfTheSameServer(t *testing.T) {
	server := csoauthtest.NewServer(t, &csoauthtest.Options{Allow: []string{"unregistered-redirect-uri"}})
	c := server.Config("http://localhost:8184")
	r, err := c.NewAuthRequest(&csoauth.AuthOptions{RedirectURI: "http://127.0.0.1:8184"})
	require.NoError(t, err)
	resp, err := server.Browser().Get(c.AuthorizeURL(r))
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusBadRequest, resp.StatusCode, "another spelling of a registered URI is not registered")

	var none url.Values
	_, err = c.Exchange(t.Context(), r, none)
	require.ErrorIs(t, err, csoauth.ErrState)
}
