package emulator_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

const reused = "400 invalid_grant: the refresh_token was used before, so all tokens of this login are revoked"

func TestRefreshRepeatsWhatTheLoginSent(t *testing.T) {
	s := start(t, emulator.Options{})
	withSecret := url.Values{"client_secret": {secret}}
	for name, row := range map[string]struct {
		login  url.Values
		change url.Values
		want   string
	}{
		"the same":             {nil, nil, ""},
		"with the secret":      {withSecret, withSecret, ""},
		"the secret left out":  {withSecret, url.Values{"client_secret": nil}, "401 invalid_client: client_secret was sent for the token, so it must be sent for its refresh"},
		"the secret added":     {nil, withSecret, "400 invalid_request: client_secret was not sent for the token, so it must not be sent for its refresh"},
		"a wrong secret":       {withSecret, url.Values{"client_secret": {"guess"}}, "401 invalid_client: client_secret is wrong"},
		"another redirect URI": {nil, url.Values{"redirect_uri": {otherURI}}, "400 invalid_request: redirect_uri is not the one of the login"},
		"no redirect URI":      {nil, url.Values{"redirect_uri": nil}, "400 invalid_request: redirect_uri is missing: the refresh repeats the one of the login"},
		"no refresh token":     {nil, url.Values{"refresh_token": nil}, "400 invalid_request: refresh_token is missing"},
		"a wrong one":          {nil, url.Values{"refresh_token": {"guess"}}, "400 invalid_grant: the refresh_token was not issued to this client: it is unknown"},
		"another app's":        {nil, url.Values{"client_id": {"client3"}}, "400 invalid_grant: the refresh_token was not issued to this client: it is unknown"},
		"an unknown client":    {nil, url.Values{"client_id": {"client0"}}, `401 invalid_client: client_id "client0" is not known`},
	} {
		t.Run(name, func(t *testing.T) {
			tokens := s.token(redemption(s.code(), row.login))
			require.Empty(t, tokens.reason())
			require.Equal(t, row.want, s.token(renewal(tokens.Refresh, row.login, row.change)).reason())
			if row.want != "" {
				require.True(t, s.works(tokens.Access))
				require.Empty(t, s.token(renewal(tokens.Refresh, row.login)).reason(), "what is refused spends nothing")
			}
		})
	}
}

func TestRefreshTokensRotate(t *testing.T) {
	s := start(t, emulator.Options{})
	tokens := s.login()
	seen := map[string]bool{tokens.Access: true, tokens.Refresh: true}
	for range 5 {
		renewed := s.token(renewal(tokens.Refresh))
		require.Empty(t, renewed.reason())
		require.False(t, seen[renewed.Access] || seen[renewed.Refresh], "both are new")
		seen[renewed.Access], seen[renewed.Refresh] = true, true
		require.True(t, s.works(renewed.Access))
		require.False(t, s.works(tokens.Access), "the access token before it dies")
		tokens = renewed
	}
}

func TestReuseRevokesTheFamily(t *testing.T) {
	s := start(t, emulator.Options{})
	another := s.login()
	first := s.login()
	second := s.token(renewal(first.Refresh))
	third := s.token(renewal(second.Refresh))

	require.Equal(t, reused, s.token(renewal(first.Refresh, url.Values{"redirect_uri": nil})).reason(), "however wrong it is otherwise")
	require.False(t, s.works(third.Access))
	require.Equal(t, "400 invalid_grant: the refresh_token was revoked with its login", s.token(renewal(third.Refresh)).reason())
	require.Equal(t, reused, s.token(renewal(second.Refresh)).reason())
	require.True(t, s.works(another.Access), "another login of the same user lives on")
	require.Empty(t, s.token(renewal(another.Refresh)).reason())
}

func TestStrangersReuseRevokesNothing(t *testing.T) {
	s := start(t, emulator.Options{})
	first := s.login()
	second := s.token(renewal(first.Refresh))
	require.Equal(t, "400 invalid_grant: the refresh_token was not issued to this client: it is unknown",
		s.token(renewal(first.Refresh, url.Values{"client_id": {"client3"}})).reason())
	require.Equal(t, "401 invalid_client: client_secret is wrong",
		s.token(renewal(first.Refresh, url.Values{"client_secret": {"guess"}})).reason())
	require.True(t, s.works(second.Access))
}

func TestRefreshTokenOutlivesItsAccessToken(t *testing.T) {
	now := newClock()
	s := start(t, emulator.Options{Now: now.Now})
	tokens := s.login()
	now.pass(365 * 24 * time.Hour)
	require.False(t, s.works(tokens.Access))
	renewed := s.token(renewal(tokens.Refresh))
	require.Empty(t, renewed.reason())
	require.True(t, s.works(renewed.Access))
}
