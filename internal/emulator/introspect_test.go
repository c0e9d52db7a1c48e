package emulator_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

func (s *site) introspect(form url.Values) answer {
	r := s.request(http.MethodPost, s.url+"/apps-api/introspect", form.Encode())
	r.Header.Del("Cookie")
	return s.do(s.client, r)
}

func TestIntrospection(t *testing.T) {
	now := newClock()
	s := start(t, emulator.Options{Now: now.Now, AccessTokenLifetime: time.Minute, RefreshTokenLifetime: time.Hour})
	first := s.login()
	tokens := s.token(renewal(first.Refresh))
	revoked := s.loginOf(alan)
	require.True(t, s.Revoke(revoked.Access))
	const active, inactive = `{"active":true,"scope":"user:read cm.stack:share"}`, `{"active":false}`
	ask := func(token, hint string) string {
		form := url.Values{"token": {token}, "token_type_hint": {hint}}
		if hint == "" {
			form.Del("token_type_hint")
		}
		said := s.introspect(form)
		require.Equal(t, http.StatusOK, said.status)
		return said.body
	}
	for name, row := range map[string]struct{ token, hint, want string }{
		"access token":                  {tokens.Access, "access_token", active},
		"access token without a hint":   {tokens.Access, "", active},
		"refresh token":                 {tokens.Refresh, "refresh_token", active},
		"refresh token without a hint":  {tokens.Refresh, "", inactive},
		"access token by the wrong one": {tokens.Access, "refresh_token", inactive},
		"replaced access token":         {first.Access, "access_token", inactive},
		"spent refresh token":           {first.Refresh, "refresh_token", inactive},
		"revoked access token":          {revoked.Access, "", inactive},
		"revoked refresh token":         {revoked.Refresh, "refresh_token", inactive},
		"unknown":                       {"guess", "", inactive},
	} {
		require.JSONEq(t, row.want, ask(row.token, row.hint), name)
	}
	now.pass(time.Minute)
	require.JSONEq(t, inactive, ask(tokens.Access, ""))
	require.JSONEq(t, active, ask(tokens.Refresh, "refresh_token"))
	now.pass(time.Hour - time.Minute)
	require.JSONEq(t, inactive, ask(tokens.Refresh, "refresh_token"))
	require.Empty(t, s.token(redemption("")).Access)
}

func TestIntrospectionRefuses(t *testing.T) {
	s := start(t, emulator.Options{})
	token := url.Values{"token": {s.login().Access}}
	require.JSONEq(t, `{"statusCode":400,"error":"Bad Request","message":"token is missing"}`, s.introspect(url.Values{"token": {""}}).body)
	require.Equal(t, []string{"missing-parameter"}, idsOf(s.Findings()))
	r := s.request(http.MethodPost, s.url+"/introspect?"+token.Encode(), token.Encode())
	require.Equal(t, http.StatusBadRequest, s.do(s.client, r).status)
	require.Contains(t, idsOf(s.Findings()), "secret-in-url")
	r = s.request(http.MethodPost, s.url+"/introspect", token.Encode())
	r.Header.Set("Content-Type", "application/json")
	said := s.do(s.client, r)
	require.JSONEq(t, `{"statusCode":400,"error":"Bad Request","message":"Content-Type is \"application/json\", want application/x-www-form-urlencoded"}`, said.body)
}

func TestWhatIsUnknownOfIntrospection(t *testing.T) {
	s := start(t, emulator.Options{Unknowns: emulator.Unknowns{IntrospectAuth: "client", IntrospectMembers: "full", IntrospectScope: "array"}})
	token := url.Values{"token": {s.login().Access}}
	said := s.introspect(token)
	require.Equal(t, http.StatusUnauthorized, said.status)
	require.JSONEq(t, `{"statusCode":401,"error":"Unauthorized","message":"client_id is missing"}`, said.body)
	require.Empty(t, s.Findings(), "the document shows a request without it")
	require.Equal(t, http.StatusUnauthorized, s.introspect(with(token, url.Values{"client_id": {"client1"}, "client_secret": {"guess"}})).status)
	said = s.introspect(with(token, url.Values{"client_id": {"client1"}, "client_secret": {secret}}))
	require.JSONEq(t, `{"active":true,"scope":["user:read","cm.stack:share"],"client_id":"client1","sub":"`+ada+`","token_type":"Bearer"}`, said.body)
}

// TestSecretsInTheURLOfAGetAreFound: not to be a POST is the smaller fault of a client that puts
// all into the URL.
func TestSecretsInTheURLOfAGetAreFound(t *testing.T) {
	for _, o := range []emulator.Options{emulator.Strict(), emulator.Realistic()} {
		s := startLogins(t, o)
		r := s.request(http.MethodGet, s.url+"/token?grant_type=refresh_token&refresh_token=x&client_secret=y", "")
		require.Equal(t, http.StatusMethodNotAllowed, s.do(s.client, r).status)
		require.ElementsMatch(t, []string{"not-post", "query-at-token-endpoint", "secret-in-url"}, idsOf(s.Findings()))
	}
}
