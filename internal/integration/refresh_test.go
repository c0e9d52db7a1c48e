package integration_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/contentstack/csoauth"
)

// dead is how both servers refuse a refresh token that is spent, revoked or unknown.
var dead = refusal{"refresh", http.StatusBadRequest, "invalid_grant"}

// assertDead checks that a token's login has ended, and that the caller is told what to do.
func (f *front) assertDead(t *testing.T, c *csoauth.Config, token *csoauth.Token) {
	t.Helper()
	renewed, err := c.Refresh(t.Context(), token)
	assert.Nil(t, renewed)
	f.assertRefused(t, err, dead)
	assert.ErrorIs(t, err, csoauth.ErrLoginRequired)
}

func TestRefreshRepeatsTheTermsAndRotates(t *testing.T) {
	withEachApp(t, func(t *testing.T, f *front, a app) {
		c := f.config(a)
		token := f.logIn(t, c, nil)
		for range 3 {
			renewed := refresh(t, c, token)
			want := url.Values{
				"grant_type":    {"refresh_token"},
				"client_id":     {a.clientID},
				"redirect_uri":  {a.redirectURI},
				"refresh_token": {token.RefreshToken},
			}
			if a.clientSecret != "" {
				want.Set("client_secret", a.clientSecret)
			}
			assert.Equal(t, want, f.lastPost(t))
			assert.NotEqual(t, token.RefreshToken, renewed.RefreshToken)
			assert.NotEqual(t, token.AccessToken, renewed.AccessToken)
			assertToken(t, renewed, a)
			token = renewed
		}
	})
}

func TestReplayedRefreshTokenEndsTheWholeLogin(t *testing.T) {
	withEachApp(t, func(t *testing.T, f *front, a app) {
		c := f.config(a)
		first := f.logIn(t, c, nil)
		newest := refresh(t, c, refresh(t, c, first))
		other := f.logIn(t, c, nil)

		f.assertDead(t, c, first)
		f.assertDead(t, c, newest)
		refresh(t, c, other) // another login of the same user goes on
	})
}

func TestRevokedRefreshTokenEndsTheLogin(t *testing.T) {
	withEachApp(t, func(t *testing.T, f *front, a app) {
		c := f.config(a)
		token := f.logIn(t, c, nil)
		form := url.Values{"token": {token.RefreshToken}, "client_id": {a.clientID}}
		if a.clientSecret != "" {
			form.Set("client_secret", a.clientSecret)
		}
		resp, err := f.Client().PostForm(f.URL+tokenPath+"/revoke", form)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, http.StatusOK, resp.StatusCode)
		f.assertDead(t, c, token)
	})
}

func TestInventedRefreshTokenNeedsALogin(t *testing.T) {
	withEachApp(t, func(t *testing.T, f *front, a app) {
		f.assertDead(t, f.config(a), &csoauth.Token{RefreshToken: "a refresh&token=from+nowhere%2B"})
	})
}

// A server that names the client ID blames the operator, who mixed up two apps; one that does not
// ends the login.
func TestRefreshTokenOfAnotherAppIsRefused(t *testing.T) {
	onEachServer(t, func(t *testing.T, f *front) {
		token := f.logIn(t, f.config(secretApp), nil)
		before := f.countPosts()
		_, err := f.config(publicApp).Refresh(t.Context(), token)
		require.Error(t, err, "the token knows whose it is")
		f.assertNoSecret(t, err)
		assert.Equal(t, before, f.countPosts())

		_, err = f.config(publicApp).Refresh(t.Context(), &csoauth.Token{RefreshToken: token.RefreshToken})
		f.assertRefused(t, err, dead)
		blamesOperator := strings.Contains(err.Error(), "Client ID")
		assert.Equal(t, blamesOperator, errors.Is(err, csoauth.ErrConfig), "%v", err)
		assert.Equal(t, !blamesOperator, errors.Is(err, csoauth.ErrLoginRequired), "%v", err)
	})
}

func TestWrongSecretAtRefreshIsNoLogout(t *testing.T) {
	onEachServer(t, func(t *testing.T, f *front) {
		c := f.config(secretApp)
		token := f.logIn(t, c, nil)
		wrong := f.config(secretApp)
		wrong.ClientSecret = "quite-another-s3cr3t:&+"

		_, err := wrong.Refresh(t.Context(), token)
		f.assertRefused(t, err, refusal{"refresh", http.StatusUnauthorized, "invalid_client"})
		assert.NotErrorIs(t, err, csoauth.ErrLoginRequired, "the operator must fix the secret; no user can")
		refresh(t, c, token) // and the login is as good as before
	})
}

func TestMissingSecretAtRefreshIsNoLogout(t *testing.T) {
	onEachServer(t, func(t *testing.T, f *front) {
		c := f.config(secretApp)
		token := f.logIn(t, c, nil)
		without := f.config(secretApp)
		without.ClientSecret = ""

		before := f.countPosts()
		_, err := without.Refresh(t.Context(), token)
		require.Error(t, err)
		f.assertNoSecret(t, err)
		assert.NotErrorIs(t, err, csoauth.ErrLoginRequired)
		assert.Equal(t, before, f.countPosts(), "the token knows that it needs the secret")

		unknown := &csoauth.Token{RefreshToken: token.RefreshToken}
		_, err = without.Refresh(t.Context(), unknown)
		f.assertRefused(t, err, refusal{"refresh", http.StatusUnauthorized, "invalid_client"})
		assert.NotErrorIs(t, err, csoauth.ErrLoginRequired)
		refresh(t, c, unknown)
	})
}

func TestRefreshOfTokensThatWereElsewhere(t *testing.T) {
	ways := []struct {
		name string
		way  func(*testing.T, *csoauth.Token) *csoauth.Token
	}{
		{"stored", func(t *testing.T, token *csoauth.Token) *csoauth.Token {
			stored, err := token.MarshalBinary()
			require.NoError(t, err)
			restored := new(csoauth.Token)
			require.NoError(t, restored.UnmarshalBinary(stored))
			return restored
		}},
		{"through x/oauth2", func(_ *testing.T, token *csoauth.Token) *csoauth.Token {
			return csoauth.FromOAuth2(token.OAuth2())
		}},
		{"a bare token of x/oauth2", func(_ *testing.T, token *csoauth.Token) *csoauth.Token {
			return csoauth.FromOAuth2(&oauth2.Token{RefreshToken: token.RefreshToken})
		}},
	}
	withEachApp(t, func(t *testing.T, f *front, a app) {
		for _, test := range ways {
			t.Run(test.name, func(t *testing.T) {
				c := f.config(a)
				renewed := refresh(t, c, test.way(t, f.logIn(t, c, nil)))
				assertToken(t, renewed, a)
				assertToken(t, refresh(t, c, renewed), a)
			})
		}
	})
}
