package integration_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

// assertCallbackRefused hands an error redirect to Exchange, which must understand it and send
// nothing.
func (f *front) assertCallbackRefused(t *testing.T, c *csoauth.Config, request *csoauth.AuthRequest, callback url.Values, code string) error {
	t.Helper()
	before := f.countPosts()
	token, err := c.Exchange(t.Context(), request, callback)
	assert.Nil(t, token)
	f.assertRefused(t, err, refusal{"authorize", 0, code})
	assert.Equal(t, before, f.countPosts(), "a callback with an error has nothing to trade")
	return err
}

func TestDeniedConsent(t *testing.T) {
	withEachApp(t, func(t *testing.T, f *front, a app) {
		c := f.config(a)
		request, callback := f.ask(t, c, &csoauth.AuthOptions{Params: map[string]string{"login_hint": "deny"}})
		err := f.assertCallbackRefused(t, c, request, callback, "access_denied")
		assert.ErrorIs(t, err, csoauth.ErrDenied)
	})
}

func TestScopeThatTheAppMayNotAskFor(t *testing.T) {
	withEachApp(t, func(t *testing.T, f *front, a app) {
		c := f.config(a)
		request, callback := f.ask(t, c, &csoauth.AuthOptions{Scopes: []string{"user:read", refusedScope}})
		err := f.assertCallbackRefused(t, c, request, callback, "invalid_scope")
		assert.NotErrorIs(t, err, csoauth.ErrDenied, "nobody denied: the scopes need fixing")
	})
}

func TestPublicAppWithoutPKCEIsRefused(t *testing.T) {
	onEachServer(t, func(t *testing.T, f *front) {
		c := f.config(publicApp)
		request, err := c.NewAuthRequest(nil)
		require.NoError(t, err)
		callback := f.browse(t, withoutChallenge(t, c.AuthorizeURL(request)), request.RedirectURI)
		err = f.assertCallbackRefused(t, c, request, callback, "invalid_request")
		assert.NotErrorIs(t, err, csoauth.ErrDenied)
	})
}

func TestForgedCallbackSendsNothingAndLeavesTheAttempt(t *testing.T) {
	onEachServer(t, func(t *testing.T, f *front) {
		c := f.config(publicApp)
		request, callback := f.ask(t, c, nil)
		_, others := f.ask(t, c, nil) // a true code of another user, from another login

		token, err := c.Exchange(t.Context(), request, others)
		assert.Nil(t, token)
		assert.ErrorIs(t, err, csoauth.ErrState)
		f.assertNoSecret(t, err)
		assert.Zero(t, f.countPosts(), "a forged callback must not reach the server")

		_, err = c.Exchange(t.Context(), request, callback)
		assert.NoError(t, err, "the true callback still counts")
	})
}
