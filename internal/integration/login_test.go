package integration_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

// challenges are all the ways to send a code challenge.
var challenges = []struct {
	name   string
	method csoauth.ChallengeMethod
	omit   bool
}{
	{"S256", csoauth.S256, false},
	{"the zero method", "", false},
	{"plain", csoauth.Plain, false},
	{"plain by omission", csoauth.Plain, true},
}

func TestLogin(t *testing.T) {
	withEachApp(t, func(t *testing.T, f *front, a app) {
		for _, challenge := range challenges {
			t.Run(challenge.name, func(t *testing.T) {
				c := f.config(a)
				c.ChallengeMethod = challenge.method
				request, callback := f.ask(t, c, &csoauth.AuthOptions{OmitMethod: challenge.omit})
				token, err := c.Exchange(t.Context(), request, callback)
				require.NoError(t, err)
				assertExchangeForm(t, f.lastPost(t), a, request, callback)
				assertToken(t, token, a)
				assertToken(t, refresh(t, c, token), a)
			})
		}
	})
}

// assertExchangeForm checks that the form has what the flow needs and nothing else, each value
// once.
func assertExchangeForm(t *testing.T, form url.Values, a app, request *csoauth.AuthRequest, callback url.Values) {
	t.Helper()
	want := url.Values{
		"grant_type":    {"authorization_code"},
		"client_id":     {a.clientID},
		"redirect_uri":  {a.redirectURI},
		"code":          {callback.Get("code")},
		"code_verifier": {string(request.Verifier)},
	}
	if a.clientSecret != "" {
		want.Set("client_secret", a.clientSecret)
	}
	assert.Equal(t, want, form)
}

// assertToken checks a token of an hour, on the terms of the app.
func assertToken(t *testing.T, token *csoauth.Token, a app) {
	t.Helper()
	assert.True(t, token.Valid())
	assert.NotEmpty(t, token.AccessToken)
	assert.NotEmpty(t, token.RefreshToken)
	assert.Equal(t, "Bearer", token.TokenType)
	assert.WithinDuration(t, time.Now().Add(time.Hour), token.Expiry, time.Minute)
	assert.Equal(t, a.clientID, token.ClientID)
	assert.Equal(t, a.redirectURI, token.RedirectURI)
}

func TestScopesAreThoseOfTheAnswer(t *testing.T) {
	withEachApp(t, func(t *testing.T, f *front, a app) {
		tests := []struct {
			name         string
			config, auth []string
			want         []string
		}{
			{"none, which is the app's", nil, nil, allowedScopes},
			{"the Config's", []string{"user:read", "organization:read"}, nil, []string{"user:read", "organization:read"}},
			{"the attempt's", []string{"user:read"}, []string{"openid", "organization:read"}, []string{"openid", "organization:read"}},
			{"explicitly none, which is the app's", []string{"user:read"}, []string{}, allowedScopes},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				c := f.config(a)
				c.Scopes = test.config
				token := f.logIn(t, c, &csoauth.AuthOptions{Scopes: test.auth})
				assert.ElementsMatch(t, test.want, token.Scopes)
				assert.ElementsMatch(t, test.want, refresh(t, c, token).Scopes)
			})
		}
	})
}

func TestAttemptSurvivesStorage(t *testing.T) {
	withEachApp(t, func(t *testing.T, f *front, a app) {
		c := f.config(a)
		request, callback := f.ask(t, c, nil)
		stored, err := request.MarshalBinary()
		require.NoError(t, err)
		restored := new(csoauth.AuthRequest)
		require.NoError(t, restored.UnmarshalBinary(stored))
		token, err := c.Exchange(t.Context(), restored, callback)
		require.NoError(t, err)
		assertToken(t, token, a)
	})
}

func TestExchangeCodeForCallersWhoCheckStateThemselves(t *testing.T) {
	withEachApp(t, func(t *testing.T, f *front, a app) {
		c := f.config(a)
		request, callback := f.ask(t, c, nil)
		token, err := c.ExchangeCode(t.Context(), callback.Get("code"), request.Verifier, nil)
		require.NoError(t, err)
		assertToken(t, token, a)
	})
}

func TestExchangeWithSecretAloneForAnAppWithoutPKCE(t *testing.T) {
	onEachServer(t, func(t *testing.T, f *front) {
		c := f.config(secretApp)
		request, err := c.NewAuthRequest(nil)
		require.NoError(t, err)
		callback := f.browse(t, withoutChallenge(t, c.AuthorizeURL(request)), request.RedirectURI)
		token, err := c.ExchangeCode(t.Context(), callback.Get("code"), "", nil)
		require.NoError(t, err)
		assert.NotContains(t, f.lastPost(t), "code_verifier")
		assertToken(t, refresh(t, c, token), secretApp)
	})
}

// withoutChallenge takes PKCE out of an authorize URL, which this library never leaves out by
// itself.
func withoutChallenge(t *testing.T, authorizeURL string) string {
	t.Helper()
	u, err := url.Parse(authorizeURL)
	require.NoError(t, err)
	query := u.Query()
	query.Del("code_challenge")
	query.Del("code_challenge_method")
	u.RawQuery = query.Encode()
	return u.String()
}
