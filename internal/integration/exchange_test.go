package integration_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

var (
	invalidGrant  = refusal{"exchange", http.StatusBadRequest, "invalid_grant"}
	invalidClient = refusal{"exchange", http.StatusUnauthorized, "invalid_client"}
)

func TestWrongVerifierIsRefused(t *testing.T) {
	withEachApp(t, func(t *testing.T, f *front, a app) {
		for _, challenge := range challenges {
			t.Run(challenge.name, func(t *testing.T) {
				c := f.config(a)
				c.ChallengeMethod = challenge.method
				_, callback := f.ask(t, c, &csoauth.AuthOptions{OmitMethod: challenge.omit})
				token, err := c.ExchangeCode(t.Context(), callback.Get("code"), csoauth.NewVerifier(), nil)
				assert.Nil(t, token)
				f.assertRefused(t, err, invalidGrant)
				assert.NotErrorIs(t, err, csoauth.ErrLoginRequired, "that one is about refresh tokens")
			})
		}
	})
}

func TestAnotherRedirectURIIsRefused(t *testing.T) {
	withEachApp(t, func(t *testing.T, f *front, a app) {
		c := f.config(a)
		request, callback := f.ask(t, c, nil)
		_, err := c.ExchangeCode(t.Context(), callback.Get("code"), request.Verifier, &csoauth.ExchangeOptions{RedirectURI: a.redirectURI + "/"})
		f.assertRefused(t, err, invalidGrant)
	})
}

func TestCodeUsedTwiceIsRefusedAndEndsTheLogin(t *testing.T) {
	withEachApp(t, func(t *testing.T, f *front, a app) {
		c := f.config(a)
		request, callback := f.ask(t, c, nil)
		token, err := c.Exchange(t.Context(), request, callback)
		require.NoError(t, err)

		_, err = c.ExchangeCode(t.Context(), callback.Get("code"), request.Verifier, nil)
		f.assertRefused(t, err, invalidGrant)

		_, err = c.Refresh(t.Context(), token)
		f.assertRefused(t, err, refusal{"refresh", http.StatusBadRequest, "invalid_grant"})
		assert.ErrorIs(t, err, csoauth.ErrLoginRequired, "RFC 6749, 4.1.2: what the code gave is revoked")
	})
}

func TestOneOfManyCallbacksAtOnceIsExchanged(t *testing.T) {
	onEachServer(t, func(t *testing.T, f *front) {
		c := f.config(publicApp)
		request, callback := f.ask(t, c, nil)
		const many = 8 // a user who reloads the page, or a proxy that sends it again
		tokens := make(chan *csoauth.Token, many)
		var all sync.WaitGroup
		for range many {
			all.Go(func() {
				token, err := c.Exchange(t.Context(), request, callback)
				if err == nil {
					tokens <- token
					return
				}
				assert.ErrorIs(t, err, csoauth.ErrAttemptExpired)
			})
		}
		all.Wait()
		require.Len(t, tokens, 1)
		assert.Equal(t, 1, f.countPosts(), "the code must not go out again: that would end the login")
		refresh(t, c, <-tokens)
	})
}

func TestWrongClientSecretIsRefused(t *testing.T) {
	tests := []struct{ name, secret string }{
		{"another", "quite-another-s3cr3t:&+"},
		{"its special characters lost", "s3cr3t-with-special:& chars"},
		{"none", ""},
	}
	onEachServer(t, func(t *testing.T, f *front) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				c := f.config(secretApp)
				c.ClientSecret = test.secret
				request, callback := f.ask(t, c, nil)
				_, err := c.Exchange(t.Context(), request, callback)
				f.assertRefused(t, err, invalidClient)
			})
		}
	})
}

func TestUnknownClientIsRefused(t *testing.T) {
	onEachServer(t, func(t *testing.T, f *front) {
		c := f.config(app{clientID: "nobodys-app", redirectURI: publicApp.redirectURI})
		_, err := c.ExchangeCode(t.Context(), "a-code-from-nowhere", csoauth.NewVerifier(), nil)
		f.assertRefused(t, err, invalidClient)
	})
}

func TestInventedCodeIsRefused(t *testing.T) {
	withEachApp(t, func(t *testing.T, f *front, a app) {
		for _, code := range []string{"a-code-from-nowhere", "a code&with=special+characters.%2B<b>", "pré-émis\n"} {
			_, err := f.config(a).ExchangeCode(t.Context(), code, csoauth.NewVerifier(), nil)
			f.assertRefused(t, err, invalidGrant)
		}
	})
}
