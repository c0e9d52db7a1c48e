package csoauth_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

// recorded has the form of a response that was seen from Contentstack.
const recorded = `{"access_token":"0123456789abcdef0123456789abcdef","refresh_token":"fedcba9876543210fedcba9876543210",
	"token_type":"Bearer","expires_in":3600,"location":"NA","organization_uid":"blt0123456789abcdef",
	"authorization_type":"user","user_uid":"bltfedcba9876543210","stack_api_key":""}`

// endpointThatSays returns status and body for every token request, and keeps the requests and
// their forms.
type endpointThatSays struct {
	*httpmock.MockTransport
	contentType string
	requests    []*http.Request
	forms       []string
}

func mock(c *csoauth.Config, status int, body string) *endpointThatSays {
	m := &endpointThatSays{MockTransport: httpmock.NewMockTransport(), contentType: "application/json"}
	m.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
		form, _ := io.ReadAll(r.Body)
		m.requests, m.forms = append(m.requests, r), append(m.forms, string(form))
		resp := httpmock.NewStringResponse(status, body)
		resp.Header.Set("Content-Type", m.contentType)
		return resp, nil
	})
	c.HTTPClient = &http.Client{Transport: m}
	return m
}

func exchange(t testing.TB, c *csoauth.Config) (*csoauth.Token, error) {
	r := goldenRequest(t, c, nil)
	return c.Exchange(t.Context(), r, url.Values{"state": {r.State}, "code": {"c0de"}})
}

// Law: P1
func TestExchangeSendsTheDocumentedForm(t *testing.T) {
	c := testConfig()
	m := mock(c, 200, recorded)
	token, err := exchange(t, c)
	require.NoError(t, err)
	require.Equal(t, "grant_type=authorization_code&client_id=Ie0FEfTzlfAHL4xM"+
		"&redirect_uri=https%3A%2F%2Fapp.example.com%2Foauth%2Fcallback&code=c0de&code_verifier="+string(rfcVerifier), m.forms[0])

	r := m.requests[0]
	require.Equal(t, "POST https://app.example.org/apps-api/apps/token", r.Method+" "+r.URL.String())
	require.Equal(t, http.Header{
		"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"},
		"User-Agent": {"csoauth/devel (+github.com/contentstack/csoauth)"},
	}, r.Header, "no Authorization, no Cookie, no Idempotency-Key")

	require.Equal(t, "0123456789abcdef0123456789abcdef", token.AccessToken)
	require.Equal(t, "fedcba9876543210fedcba9876543210", token.RefreshToken)
	require.Equal(t, "Bearer", token.TokenType)
	require.WithinDuration(t, time.Now().Add(time.Hour), token.Expiry, time.Minute)
	require.Equal(t, "NA", token.Location)
	require.Equal(t, "blt0123456789abcdef", token.OrganizationUID)
	require.Equal(t, "bltfedcba9876543210", token.UserUID)
	require.Equal(t, "user", token.AuthorizationType)
	require.Equal(t, c.ClientID, token.ClientID)
	require.Equal(t, c.RedirectURI, token.RedirectURI)
	require.Nil(t, token.Scopes)
	require.True(t, token.Valid())
}

// Law: P1
func TestSecretIsInTheBodyOfBothGrants(t *testing.T) {
	c := testConfig()
	c.ClientSecret = "s3cr3t &+:é"
	m := mock(c, 200, recorded)
	token, err := exchange(t, c)
	require.NoError(t, err)
	_, err = c.Refresh(t.Context(), token)
	require.NoError(t, err)
	require.Contains(t, m.forms[0], "&client_secret=s3cr3t%20%26%2B%3A%C3%A9")
	require.Equal(t, "grant_type=refresh_token&client_id=Ie0FEfTzlfAHL4xM"+
		"&redirect_uri=https%3A%2F%2Fapp.example.com%2Foauth%2Fcallback&refresh_token=fedcba9876543210fedcba9876543210"+
		"&client_secret=s3cr3t%20%26%2B%3A%C3%A9", m.forms[1])
}

// Law: P3
func TestRefreshRepeatsTheTermsOfTheGrant(t *testing.T) {
	for name, row := range map[string]struct {
		atLogin, atRefresh string // client secrets
		sent               bool
		want               string // error
	}{
		"public":                   {"", "", false, ""},
		"confidential":             {"one", "one", true, ""},
		"the secret was rotated":   {"one", "two", true, ""},
		"a secret came later":      {"", "one", false, ""},
		"the secret is gone":       {"one", "", false, "the token was issued with a client secret, and its refresh needs the secret again"},
		"the login knows its form": {"one", "one", true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := testConfig()
			c.ClientSecret = row.atLogin
			m := mock(c, 200, recorded)
			token, err := exchange(t, c)
			require.NoError(t, err)
			c.ClientSecret = row.atRefresh
			c.RedirectURI = "https://elsewhere.example.com"
			for range 2 {
				token, err = c.Refresh(t.Context(), token)
				if row.want != "" {
					require.ErrorContains(t, err, "csoauth: refresh: "+row.want)
					require.Len(t, m.forms, 1, "nothing was sent")
					return
				}
				require.NoError(t, err)
				form, err := url.ParseQuery(m.forms[len(m.forms)-1])
				require.NoError(t, err)
				require.Equal(t, row.sent, form.Has("client_secret"))
				require.Equal(t, callbackURI, form.Get("redirect_uri"), "the one of the login, not today's")
				require.False(t, form.Has("code_verifier"))
			}
		})
	}
}

// Law: P3
func TestRefreshOfATokenFromElsewhereUsesTheConfig(t *testing.T) {
	c := testConfig()
	c.ClientSecret = "one"
	m := mock(c, 200, recorded)
	renewed, err := c.Refresh(t.Context(), &csoauth.Token{RefreshToken: "r", Location: "EU"})
	require.NoError(t, err)
	require.Equal(t, "eu-app.example.org", m.requests[0].URL.Host, "the region that the token names")
	require.Contains(t, m.forms[0], "client_secret=one")
	require.Equal(t, callbackURI, renewed.RedirectURI)

	c.ClientSecret = ""
	_, err = c.Refresh(t.Context(), renewed)
	require.ErrorContains(t, err, "the token was issued with a client secret", "what was sent once is a term from then on")

	_, err = c.Refresh(t.Context(), &csoauth.Token{RefreshToken: "r", Location: "GCP_EU"})
	require.NoError(t, err)
	require.Equal(t, "app.example.org", m.requests[1].URL.Host, "a region this Config does not know is ignored")
}

// Law: P3
func TestRefreshRefusesOtherTermsBeforeItSends(t *testing.T) {
	c := testConfig()
	mock(c, 200, recorded)
	token, err := exchange(t, c)
	require.NoError(t, err)

	for name, row := range map[string]struct {
		change func(*csoauth.Config)
		want   string
	}{
		"another client": {func(c *csoauth.Config) { c.ClientID = "other" }, `the token belongs to client "Ie0FEfTzlfAHL4xM", but this Config has client "other"`},
		"another host": {endpoint(csoauth.Endpoints{App: "https://evil.example"}),
			"the token was issued by https://app.example.org, but this Config's host for na is https://evil.example"},
		"published hosts": {func(c *csoauth.Config) { c.Endpoints = nil },
			"the token was issued by https://app.example.org, but this Config's host for na is https://app.contentstack.com"},
		"the region is gone": {func(c *csoauth.Config) { delete(c.Endpoints, csoauth.NA); c.Region = csoauth.EU },
			"the token was issued by https://app.example.org: region na is not in the Config's Endpoints"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := testConfig()
			row.change(changed)
			_, err := changed.Refresh(t.Context(), token)
			require.ErrorContains(t, err, "csoauth: refresh: "+row.want)
			require.ErrorIs(t, err, csoauth.ErrConfig, "it is not a failure that passes")
			require.ErrorIs(t, err, csoauth.ErrNotSent)
			require.NotErrorIs(t, err, csoauth.ErrLoginRequired)
		})
	}

	noClient := testConfig()
	noClient.ClientID = ""
	_, err = noClient.Refresh(t.Context(), &csoauth.Token{RefreshToken: "r"})
	require.ErrorContains(t, err, "csoauth: refresh: ClientID: is empty")
	_, err = noClient.ExchangeCode(t.Context(), "c", rfcVerifier, nil)
	require.ErrorContains(t, err, "csoauth: exchange: ClientID: is empty")

	noRegion := testConfig()
	noRegion.Region = csoauth.AU
	_, err = noRegion.Refresh(t.Context(), &csoauth.Token{RefreshToken: "r"})
	require.EqualError(t, err, "csoauth: refresh: region au is not in the Config's Endpoints")
	_, err = noRegion.ExchangeCode(t.Context(), "c", rfcVerifier, nil)
	require.EqualError(t, err, "csoauth: exchange: region au is not in the Config's Endpoints")

	for name, none := range map[string]*csoauth.Token{"nil": nil, "no refresh token": {AccessToken: "a"}} {
		_, err := testConfig().Refresh(t.Context(), none)
		require.ErrorIs(t, err, csoauth.ErrLoginRequired, name)
	}
}

// TestBaseURLMayEndWithASlash: with it and without, it is the same host, for the login and for
// each refresh.
func TestBaseURLMayEndWithASlash(t *testing.T) {
	const bare, slash = "https://app.example.org", "https://app.example.org/"
	for name, row := range map[string]struct{ atLogin, atRefresh string }{
		"always": {slash, slash}, "since the login": {bare, slash}, "until the login": {slash, bare},
	} {
		t.Run(name, func(t *testing.T) {
			c := testConfig()
			endpoint(csoauth.Endpoints{App: row.atLogin})(c)
			m := mock(c, 200, recorded)
			token, err := exchange(t, c)
			require.NoError(t, err)
			endpoint(csoauth.Endpoints{App: row.atRefresh})(c)
			for range 2 { // the second repeats the terms of the first
				token, err = c.Refresh(t.Context(), token)
				require.NoError(t, err)
			}
			_, err = c.EndpointsFor(token)
			require.NoError(t, err)
			for _, r := range m.requests {
				require.Equal(t, "https://app.example.org/apps-api/apps/token", r.URL.String())
			}
			require.Len(t, m.requests, 3)
		})
	}
}

// Law: P5
func TestRefreshGoesWhereTheTokenWasIssued(t *testing.T) {
	c := testConfig()
	m := mock(c, 200, `{"access_token":"a","refresh_token":"r","location":"EU"}`)
	r := goldenRequest(t, c, nil)
	token, err := c.Exchange(t.Context(), r, url.Values{"state": {r.State}, "code": {"c"}, "location": {"EU"}})
	require.NoError(t, err)
	c.Region = csoauth.NA
	token.Location = "NA" // where the token is good, and not where it is renewed
	_, err = c.Refresh(t.Context(), token)
	require.NoError(t, err)
	require.Equal(t, "eu-app.example.org", m.requests[0].URL.Host)
	require.Equal(t, "eu-app.example.org", m.requests[1].URL.Host)
}

// Law: P5
func TestEndpointsForFollowsTheAnswer(t *testing.T) {
	c := testConfig()
	for _, row := range []struct{ location, want, err string }{
		{"", "https://api.example.org", ""},
		{"NA", "https://api.example.org", ""},
		{"EU", "https://eu-api.example.org", ""},
		{"AZURE_EU", "", "the token's location: region azure-eu is not in the Config's Endpoints"},
		{"MARS", "", `the token's location: csoauth: unknown region "MARS"`},
	} {
		mock(c, 200, `{"access_token":"a","location":"`+row.location+`"}`)
		token, err := exchange(t, c)
		require.NoError(t, err)
		e, err := c.EndpointsFor(token)
		if row.err != "" {
			require.ErrorContains(t, err, "csoauth: endpoints: "+row.err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, row.want, e.ContentManagement)
	}
	_, err := c.EndpointsFor(nil)
	require.ErrorContains(t, err, "csoauth: endpoints: the token is nil")
	token, err := exchange(t, c)
	require.NoError(t, err)
	c.Endpoints = nil
	_, err = c.EndpointsFor(token)
	require.ErrorContains(t, err, "the token was issued by https://app.example.org")
}

func TestTokenForAnotherOrganizationIsRefused(t *testing.T) {
	for answer, want := range map[string]string{
		recorded:               "",
		`{"access_token":"a"}`: `the token is for organization "", but the login requires "blt0123456789abcdef"`,
		`{"access_token":"a","organization_uid":"bltother"}`: `the token is for organization "bltother", but the login requires "blt0123456789abcdef": log in again and choose it`,
	} {
		c := testConfig()
		mock(c, 200, answer)
		r := goldenRequest(t, c, &csoauth.AuthOptions{OrganizationUID: "blt0123456789abcdef"})
		_, err := c.Exchange(t.Context(), r, url.Values{"state": {r.State}, "code": {"c"}})
		_, errCode := c.ExchangeCode(t.Context(), "c", rfcVerifier, &csoauth.ExchangeOptions{OrganizationUID: "blt0123456789abcdef"})
		if want == "" {
			require.NoError(t, err)
			require.NoError(t, errCode)
			continue
		}
		require.ErrorContains(t, err, "csoauth: exchange: "+want)
		require.ErrorContains(t, errCode, "csoauth: exchange: "+want)
	}
}

func TestExchangeCode(t *testing.T) {
	c := testConfig()
	m := mock(c, 200, recorded)
	token, err := c.ExchangeCode(t.Context(), "c0de", rfcVerifier, &csoauth.ExchangeOptions{RedirectURI: "http://localhost:8184", Location: "EU"})
	require.NoError(t, err)
	require.Equal(t, "grant_type=authorization_code&client_id=Ie0FEfTzlfAHL4xM&redirect_uri=http%3A%2F%2Flocalhost%3A8184&code=c0de&code_verifier="+string(rfcVerifier), m.forms[0])
	require.Equal(t, "eu-app.example.org", m.requests[0].URL.Host)
	require.Equal(t, "http://localhost:8184", token.RedirectURI)

	_, err = c.ExchangeCode(t.Context(), "", rfcVerifier, nil)
	require.ErrorContains(t, err, "csoauth: exchange: the code is empty")
	_, err = c.ExchangeCode(t.Context(), "c0de", "", nil)
	require.ErrorContains(t, err, "there is neither a verifier nor a client secret")
	_, err = c.ExchangeCode(t.Context(), "c0de", "hunter2", nil)
	require.ErrorContains(t, err, "csoauth: exchange: verifier: 7 characters, want 43 to 128")
	require.NotContains(t, err.Error(), "hunter2")

	c.ClientSecret = "one"
	_, err = c.ExchangeCode(t.Context(), "c0de", "", nil)
	require.NoError(t, err)
	require.NotContains(t, m.forms[1], "code_verifier")
	require.Contains(t, m.forms[1], "redirect_uri=https%3A%2F%2Fapp.example.com")
}

// Law: P7
func TestCodeIsNotSentAgainWhenItIsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testConfig()
		tries := 0
		c.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			tries++
			return answered(503, "2", ""), nil
		})}
		for age, want := range map[time.Duration]int{0: 3, 42 * time.Second: 2, 43*time.Second + 1: 1, time.Hour: 1} {
			tries = 0
			_, err := c.ExchangeCode(context.Background(), "c0de", rfcVerifier, &csoauth.ExchangeOptions{Received: time.Now().Add(-age)})
			require.Error(t, err)
			require.Equal(t, want, tries, "a code that came %v ago", age)
		}
	})
}

// answered returns a response with a Retry-After.
func answered(status int, retryAfter, body string) *http.Response {
	resp := httpmock.NewStringResponse(status, body)
	resp.Header.Set("Retry-After", retryAfter)
	return resp
}
