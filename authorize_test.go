package csoauth_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

// goldenRequest is a new attempt with known secrets in place of random ones.
func goldenRequest(t testing.TB, c *csoauth.Config, o *csoauth.AuthOptions) *csoauth.AuthRequest {
	r, err := c.NewAuthRequest(o)
	require.NoError(t, err)
	r.State, r.Verifier = "af0ifjsldkj", rfcVerifier
	return r
}

// Law: P1, P2
func TestAuthorizeURLIsTheDocumentedOne(t *testing.T) {
	const (
		hash  = "https://app.example.org/#!/apps/64e0f1a2b3c4d5e6f7a8b9c0/authorize?response_type=code&client_id=Ie0FEfTzlfAHL4xM&redirect_uri=https%3A%2F%2Fapp.example.com%2Foauth%2Fcallback"
		path  = "https://app.example.org/apps/64e0f1a2b3c4d5e6f7a8b9c0/authorize?response_type=code&client_id=Ie0FEfTzlfAHL4xM&redirect_uri=https%3A%2F%2Fapp.example.com%2Foauth%2Fcallback"
		state = "&state=af0ifjsldkj"
		s256  = "&code_challenge=" + rfcChallenge + "&code_challenge_method=S256"
		plain = "&code_challenge=" + string(rfcVerifier)
	)
	plainConfig := func(c *csoauth.Config) { c.ChallengeMethod = csoauth.Plain }
	for name, row := range map[string]struct {
		change func(*csoauth.Config)
		o      *csoauth.AuthOptions
		want   string
	}{
		"documented":       {nil, nil, hash + state + s256},
		"scopes":           {func(c *csoauth.Config) { c.Scopes = []string{"user:read", "cm.stack:share"} }, nil, hash + "&scope=user%3Aread%20cm.stack%3Ashare" + state + s256},
		"other scopes":     {func(c *csoauth.Config) { c.Scopes = []string{"a:read"} }, &csoauth.AuthOptions{Scopes: []string{"b:read"}}, hash + "&scope=b%3Aread" + state + s256},
		"no scopes":        {func(c *csoauth.Config) { c.Scopes = []string{"a:read"} }, &csoauth.AuthOptions{Scopes: []string{}}, hash + state + s256},
		"path route":       {func(c *csoauth.Config) { c.AuthorizeRoute = csoauth.RoutePath }, nil, path + state + s256},
		"plain":            {plainConfig, nil, hash + state + plain + "&code_challenge_method=plain"},
		"plain by absence": {plainConfig, &csoauth.AuthOptions{OmitMethod: true}, hash + state + plain},
		"parameters":       {nil, &csoauth.AuthOptions{Params: map[string]string{"z": "1 + 1 = 2&3", "a b": "é", "auto_select_organization": "true"}}, hash + state + s256 + "&a%20b=%C3%A9&auto_select_organization=true&z=1%20%2B%201%20%3D%202%263"},
		"published host": {func(c *csoauth.Config) { c.Endpoints = nil; c.Region = csoauth.AzureEU }, nil,
			strings.Replace(hash, "app.example.org", "azure-eu-app.contentstack.com", 1) + state + s256},
		"base URL with a bar": {endpoint(csoauth.Endpoints{App: "https://app.example.org/"}), nil, hash + state + s256},
		"another redirect URI": {nil, &csoauth.AuthOptions{RedirectURI: "http://localhost:8184"},
			strings.Replace(hash, "https%3A%2F%2Fapp.example.com%2Foauth%2Fcallback", "http%3A%2F%2Flocalhost%3A8184", 1) + state + s256},
	} {
		t.Run(name, func(t *testing.T) {
			c := testConfig()
			if row.change != nil {
				row.change(c)
			}
			require.Equal(t, row.want, c.AuthorizeURL(goldenRequest(t, c, row.o)))
		})
	}
}

func TestAuthorizeURLParsesBackToTheRequest(t *testing.T) {
	c := testConfig()
	c.AuthorizeRoute = csoauth.RoutePath
	r, err := c.NewAuthRequest(&csoauth.AuthOptions{Params: map[string]string{"p": "\x00 %41+&=#;?é\xff"}})
	require.NoError(t, err)
	u, err := url.Parse(c.AuthorizeURL(r))
	require.NoError(t, err)
	q, err := url.ParseQuery(u.RawQuery)
	require.NoError(t, err)
	require.Equal(t, url.Values{
		"response_type": {"code"}, "client_id": {c.ClientID}, "redirect_uri": {c.RedirectURI}, "state": {r.State},
		"code_challenge": {r.Verifier.Challenge(csoauth.S256)}, "code_challenge_method": {"S256"}, "p": {r.Params["p"]},
	}, q)
}

// Law: P4
func TestAuthRequestIsFreshAndTheCallersOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testConfig()
		c.Scopes = []string{"a:read"}
		o := &csoauth.AuthOptions{Params: map[string]string{"p": "1"}, OrganizationUID: "blt1"}
		r, err := c.NewAuthRequest(o)
		require.NoError(t, err)
		other, err := c.NewAuthRequest(&csoauth.AuthOptions{Lifetime: time.Minute})
		require.NoError(t, err)

		require.Len(t, r.State, 43)
		require.NotEqual(t, r.State, other.State)
		require.NotEqual(t, r.Verifier, other.Verifier)
		require.NotEqual(t, r.State, string(r.Verifier))
		require.Equal(t, "blt1", r.OrganizationUID)
		require.Equal(t, time.Now().Add(10*time.Minute), r.Expires)
		require.Equal(t, time.Now().Add(time.Minute), other.Expires)

		c.Scopes[0], o.Params["p"] = "changed", "changed"
		require.Equal(t, []string{"a:read"}, r.Scopes)
		require.Equal(t, map[string]string{"p": "1"}, r.Params)
	})
}

func TestAuthorizeRoutePrintsItsName(t *testing.T) {
	require.Equal(t, "hash path AuthorizeRoute(2)", fmt.Sprint(csoauth.RouteHash, csoauth.RoutePath, csoauth.AuthorizeRoute(2)))
}

// Law: P2
func TestAuthOptionsThatCannotWork(t *testing.T) {
	for name, row := range map[string]struct {
		o    csoauth.AuthOptions
		want string
	}{
		"bad scope":              {csoauth.AuthOptions{Scopes: []string{"a b"}}, `Scopes: "a b" has a space`},
		"bad redirect URI":       {csoauth.AuthOptions{RedirectURI: "http://app.example.com"}, "RedirectURI: \"http://app.example.com\" is http on a host"},
		"negative lifetime":      {csoauth.AuthOptions{Lifetime: -time.Second}, "Lifetime: -1s is negative"},
		"nameless parameter":     {csoauth.AuthOptions{Params: map[string]string{"": "x"}}, "Params: a parameter has no name"},
		"reserved parameter":     {csoauth.AuthOptions{Params: map[string]string{"state": "x"}}, `Params: "state" is set by csoauth itself`},
		"reserved, after a good": {csoauth.AuthOptions{Params: map[string]string{"a": "x", "state": "x"}}, `Params: "state" is set by csoauth itself`},
		"reserved, other case":   {csoauth.AuthOptions{Params: map[string]string{"Code_Challenge_Method": "plain"}}, `Params: "Code_Challenge_Method" is set by csoauth itself`},
		"S256 by absence":        {csoauth.AuthOptions{OmitMethod: true}, `OmitMethod: an authorize URL without code_challenge_method means "plain", and this Config uses "S256"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := testConfig().NewAuthRequest(&row.o)
			require.ErrorContains(t, err, "csoauth: auth options: "+row.want)
		})
	}
	for _, reserved := range []string{"response_type", "client_id", "redirect_uri", "scope", "code_challenge", "code_challenge_method"} {
		_, err := testConfig().NewAuthRequest(&csoauth.AuthOptions{Params: map[string]string{reserved: ""}})
		require.ErrorContains(t, err, "is set by csoauth itself")
	}
}
