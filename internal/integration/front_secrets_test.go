package integration_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLeaksWouldBeFound shows that the search for secrets in errors has something to search for.
func TestLeaksWouldBeFound(t *testing.T) {
	withEachApp(t, func(t *testing.T, f *front, a app) {
		c := f.config(a)
		request, callback := f.ask(t, c, nil)
		token, err := c.Exchange(t.Context(), request, callback)
		require.NoError(t, err)
		renewed := refresh(t, c, token)

		planted := map[string]string{
			"state":             request.State,
			"verifier":          string(request.Verifier),
			"code":              callback.Get("code"),
			"access token":      token.AccessToken,
			"refresh token":     token.RefreshToken,
			"new access token":  renewed.AccessToken,
			"new refresh token": renewed.RefreshToken,
		}
		if a.clientSecret != "" {
			planted["client secret"] = a.clientSecret
		}
		for name, secret := range planted {
			assert.Equal(t, 1, f.secretsIn("it says "+secret+"."), name)
			assert.Equal(t, 1, f.secretsIn("it says "+url.QueryEscape(secret)+"."), name)
		}
		assert.Zero(t, f.secretsIn("it says nothing of "+a.clientID+" and "+a.redirectURI))
	})
}
