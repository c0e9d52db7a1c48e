package csoauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

func TestHostsForAreThoseThatTakeAToken(t *testing.T) {
	c := &csoauth.Config{}
	assert.Equal(t, []string{
		"app.contentstack.com", "api.contentstack.io", "developerhub-api.contentstack.com", "launch-api.contentstack.com",
		"auth-api.contentstack.com", "brand-kits-api.contentstack.com", "personalize-api.contentstack.com", "composable-studio-api.contentstack.com",
	}, c.HostsFor(&csoauth.Token{}))
	for _, region := range csoauth.Regions()[1:] {
		hosts := c.HostsFor(&csoauth.Token{Location: region.String()})
		require.Len(t, hosts, 8)
		for _, host := range hosts {
			assert.True(t, strings.HasPrefix(host, region.String()+"-"), host)
			for _, public := range []string{"cdn", "preview", "graphql", "images", "assets", "edge"} {
				assert.NotContains(t, host, public)
			}
		}
	}
	assert.Zero(t, testing.AllocsPerRun(10, func() { c.HostsFor(&csoauth.Token{Location: "EU"}) }), "the slice is shared")
}

func TestHostsForOfAConfigsOwnEndpoints(t *testing.T) {
	for name, row := range map[string]struct {
		row  csoauth.Endpoints
		want []string
	}{
		"one host":           {csoauth.OneHost("http://127.0.0.1:8484"), []string{"127.0.0.1:8484"}},
		"one host and path":  {csoauth.OneHost("https://gateway.example.org/contentstack/"), []string{"gateway.example.org"}},
		"default ports":      {csoauth.Endpoints{App: "https://app.example.org:443", Auth: "http://localhost:80"}, []string{"app.example.org", "localhost"}},
		"other ports":        {csoauth.Endpoints{App: "https://app.example.org:80", Auth: "http://localhost:443"}, []string{"app.example.org:80", "localhost:443"}},
		"capitals":           {csoauth.Endpoints{App: "https://App.Example.ORG"}, []string{"app.example.org"}},
		"IPv6":               {csoauth.Endpoints{App: "http://[::1]:8484"}, []string{"[::1]:8484"}},
		"not for the bearer": {csoauth.Endpoints{App: "https://a.example.org", Token: "https://t.example.org/token"}, []string{"a.example.org"}},
		"without TLS":        {csoauth.Endpoints{App: "https://a.example.org", Launch: "http://b.example.org"}, []string{"a.example.org"}},
		"not a URL":          {csoauth.Endpoints{App: "https://a.example.org", Launch: "b.example.org", Auth: "https://%"}, []string{"a.example.org"}},
	} {
		c := testConfig()
		endpoint(row.row)(c)
		assert.Equal(t, row.want, c.HostsFor(&csoauth.Token{}), name)
	}
}

func TestNoHostForATokenFromElsewhere(t *testing.T) {
	c := testConfig()
	assert.Nil(t, c.HostsFor(nil))
	assert.Nil(t, c.HostsFor(&csoauth.Token{Location: "AU"}), "a region without a row")
	assert.Nil(t, c.HostsFor(&csoauth.Token{Location: "MARS"}))
	mock(c, 200, recorded)
	token, err := exchange(t, c)
	require.NoError(t, err)
	require.Equal(t, []string{"app.example.org", "api.example.org"}, c.HostsFor(token))
	c.Endpoints = nil
	assert.Nil(t, c.HostsFor(token), "it was issued by another host")
}

func TestTokenURLForIsWhereTheRefreshGoes(t *testing.T) {
	c := testConfig()
	m := mock(c, 200, recorded)
	c.Endpoints[csoauth.EU] = csoauth.Endpoints{App: "https://eu-app.example.org/", Token: "https://eu-hub.example.org/token"}
	for location, want := range map[string]string{
		"": "https://app.example.org/apps-api/apps/token", "NA": "https://app.example.org/apps-api/apps/token",
		"EU": "https://eu-hub.example.org/token", "MARS": "https://app.example.org/apps-api/apps/token",
	} {
		token := &csoauth.Token{RefreshToken: "r", Location: location}
		got, err := c.TokenURLFor(token)
		require.NoError(t, err)
		require.Equal(t, want, got)
		_, err = c.Refresh(t.Context(), token)
		require.NoError(t, err)
		require.Equal(t, want, m.requests[len(m.requests)-1].URL.String())
	}

	token, err := exchange(t, c)
	require.NoError(t, err)
	_, err = c.TokenURLFor(nil)
	require.ErrorContains(t, err, "csoauth: token endpoint: the token is nil")
	c.Endpoints = nil
	_, err = c.TokenURLFor(token)
	require.ErrorContains(t, err, "csoauth: token endpoint: the token was issued by https://app.example.org")
	endpoint(csoauth.Endpoints{App: "http://app.example.org"})(c)
	_, err = c.TokenURLFor(&csoauth.Token{})
	require.ErrorContains(t, err, "csoauth: token endpoint: ")
	c.Endpoints, c.Region = map[csoauth.Region]csoauth.Endpoints{}, csoauth.NA
	_, err = c.TokenURLFor(&csoauth.Token{})
	require.ErrorContains(t, err, "region na is not in the Config's Endpoints")
}

func TestOneHostHasEveryService(t *testing.T) {
	for _, base := range []string{"http://127.0.0.1:8484", "http://127.0.0.1:8484/"} {
		e := csoauth.OneHost(base)
		assert.Equal(t, "http://127.0.0.1:8484/apps-api/apps/token", e.Token)
		for _, service := range []string{e.App, e.ContentManagement, e.DeveloperHub, e.Launch, e.Auth, e.BrandKit, e.PersonalizeManagement, e.ComposableStudio} {
			assert.Equal(t, "http://127.0.0.1:8484", service)
		}
		c := testConfig()
		endpoint(e)(c)
		require.NoError(t, c.Validate())
	}
}

// TestOneRowServesEveryToken: an emulator, a gateway or a development stack names regions of its
// own.
//
// Law: P5
func TestOneRowServesEveryToken(t *testing.T) {
	for _, location := range []string{"", "NA", "EU", "DEV11", "dev-11", "AZURE_NA", "https://evil.example", strings.Repeat("x", 500)} {
		c := testConfig()
		endpoint(csoauth.OneHost("https://dev11.example.org"))(c)
		mock(c, 200, `{"access_token":"a","refresh_token":"r","location":"`+location+`"}`)
		token, err := exchange(t, c)
		require.NoError(t, err)
		e, err := c.EndpointsFor(token)
		require.NoError(t, err, location)
		require.Equal(t, "https://dev11.example.org", e.ContentManagement)
		require.Equal(t, []string{"dev11.example.org"}, c.HostsFor(token))
		_, err = c.Refresh(t.Context(), token)
		require.NoError(t, err)
		_, err = c.EndpointsFor(token.WithoutTerms())
		require.NoError(t, err)
	}
}

func TestUserAgentNamesTheApplicationFirst(t *testing.T) {
	c := testConfig()
	m := mock(c, 200, recorded)
	_, err := exchange(t, c)
	require.NoError(t, err)
	c.UserAgent = "mytool/1.2 (ops@example.com)"
	token, err := exchange(t, c)
	require.NoError(t, err)
	_, err = c.Refresh(t.Context(), token)
	require.NoError(t, err)
	require.Regexp(t, `^csoauth/[0-9A-Za-z.+-]+ \(\+github\.com/contentstack/csoauth\)$`, m.requests[0].UserAgent())
	for _, r := range m.requests[1:] {
		require.Equal(t, "mytool/1.2 (ops@example.com) "+m.requests[0].UserAgent(), r.UserAgent())
	}

	c.HTTPClient = &http.Client{Transport: refuseAll{}}
	c.UserAgent = "tool\nX-Evil: 1"
	_, err = c.Refresh(t.Context(), token)
	require.ErrorContains(t, err, "csoauth: refresh: UserAgent: has a character that a header cannot carry")
	require.ErrorIs(t, err, csoauth.ErrNotSent)
	require.ErrorIs(t, err, csoauth.ErrConfig)
}
