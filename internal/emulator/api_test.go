package emulator_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

const (
	notLoggedIn = `{"error_code":105,"error_message":"You're not allowed in here unless you're logged in.","errors":{}}`
	badToken    = `{"error_code":105,"error_message":"The provided access token is invalid or expired or revoked","errors":{}}`
)

func TestAPINeedsAGoodToken(t *testing.T) {
	now := newClock()
	s := start(t, emulator.Options{Now: now.Now, AccessTokenLifetime: time.Minute})
	for name, row := range map[string]struct {
		header func(tokenAnswer) string
		age    time.Duration
		want   string // the body of a 401; empty: 200
	}{
		"good":              {func(t tokenAnswer) string { return "Bearer " + t.Access }, 0, ""},
		"scheme in small":   {func(t tokenAnswer) string { return "bearer " + t.Access }, 0, ""},
		"about to expire":   {func(t tokenAnswer) string { return "Bearer " + t.Access }, time.Minute - 1, ""},
		"expired":           {func(t tokenAnswer) string { return "Bearer " + t.Access }, time.Minute, badToken},
		"none":              {func(tokenAnswer) string { return "" }, 0, notLoggedIn},
		"no scheme":         {func(t tokenAnswer) string { return t.Access }, 0, notLoggedIn},
		"another scheme":    {func(t tokenAnswer) string { return "Basic " + t.Access }, 0, notLoggedIn},
		"no token":          {func(tokenAnswer) string { return "Bearer" }, 0, notLoggedIn},
		"a wrong token":     {func(t tokenAnswer) string { return "Bearer " + t.Access + "0" }, 0, badToken},
		"the refresh token": {func(t tokenAnswer) string { return "Bearer " + t.Refresh }, 0, badToken},
	} {
		t.Run(name, func(t *testing.T) {
			header := row.header(s.login())
			now.pass(row.age)
			said := s.user(header)
			require.Equal(t, row.want == "", said.status == http.StatusOK)
			require.Equal(t, "no-store", said.header.Get("Cache-Control"))
			if row.want != "" {
				require.Equal(t, http.StatusUnauthorized, said.status)
				require.JSONEq(t, row.want, said.body)
				require.Equal(t, "refused: no good bearer token", s.last().Decision)
			}
		})
	}
}

// TestAPIRefusesTwoAuthorizationHeaders: a proxy or an API may read either of them.
func TestAPIRefusesTwoAuthorizationHeaders(t *testing.T) {
	s := start(t, emulator.Options{})
	good := "Bearer " + s.login().Access
	for _, values := range [][]string{{good, good}, {good, ""}, {good, "Basic eDp5"}, {"", good}, {good, good, good}} {
		r := s.request(http.MethodGet, s.url+"/v3/user", "")
		r.Header["Authorization"] = values
		said := s.do(s.client, r)
		require.Equal(t, http.StatusUnauthorized, said.status)
		require.JSONEq(t, notLoggedIn, said.body)
		require.Equal(t, fmt.Sprintf("refused: there are %d Authorization headers", len(values)), s.last().Decision)
	}
	require.Equal(t, http.StatusOK, s.user(good).status)
}

func TestExpireAndRevoke(t *testing.T) {
	for name, row := range map[string]struct {
		do        func(s *site, access string) bool
		all       bool
		refreshes string // what a refresh says afterwards
	}{
		"expire one": {func(s *site, access string) bool { return s.Expire(access) }, false, ""},
		"expire all": {func(s *site, _ string) bool { return s.Expire("") }, true, ""},
		"revoke one": {func(s *site, access string) bool { return s.Revoke(access) }, false, "400 invalid_grant: the refresh_token was revoked with its login"},
		"revoke all": {func(s *site, _ string) bool { return s.Revoke("") }, true, "400 invalid_grant: the refresh_token was revoked with its login"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, emulator.Options{})
			require.False(t, row.do(s, "unknown"), "there is none yet")
			first, second := s.login(), s.loginOf(alan)
			require.True(t, row.do(s, first.Access))
			require.False(t, s.works(first.Access))
			require.Equal(t, !row.all, s.works(second.Access))
			require.Equal(t, row.refreshes, s.token(renewal(first.Refresh)).reason())
		})
	}
}

func TestUserNeedsTheScope(t *testing.T) {
	s := start(t, emulator.Options{})
	without := s.token(redemption(s.code(url.Values{"scope": {"cm.stack:share"}})))
	said := s.user("Bearer " + without.Access)
	require.Equal(t, http.StatusForbidden, said.status)
	require.JSONEq(t, `{"error_message":"The provided access token has insufficient scopes","errors":{}}`, said.body)
	require.Equal(t, "refused: the token lacks user:read", s.last().Decision)

	said = s.user("Bearer " + s.login().Access)
	require.JSONEq(t, fmt.Sprintf(`{"user":{"uid":%q,"email":"ada@example.com","username":"ada@example.com","first_name":"Ada",
		"last_name":"Lovelace","company":null,"active":true,"authtoken":"blt4355ac15770af953","org_uid":[%q,%q],"shared_org_uid":[],
		"organizations":[{"uid":%q,"name":"Emulated Press","is_owner":true},{"uid":%q,"name":"Emulated Shop","is_owner":false}]}}`,
		ada, press, shop, press, shop), said.body)
	require.Equal(t, "told who Ada Lovelace is", s.last().Decision)
}

func TestAPIOfOnesOwn(t *testing.T) {
	s := start(t, emulator.Options{})
	s.API("POST /v3/stacks/{uid}", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprint(w, r.PathValue("uid"))
	}))
	access := s.login().Access
	call := func(method, path, header string) answer {
		r := s.request(method, s.url+path, "")
		r.Header.Set("Authorization", header)
		return s.do(s.client, r)
	}
	said := call(http.MethodPost, "/v3/stacks/one", "Bearer "+access)
	require.Equal(t, http.StatusTeapot, said.status)
	require.Equal(t, "one", said.body)
	require.Equal(t, "let through to POST /v3/stacks/{uid}", s.last().Decision)
	require.Equal(t, http.StatusUnauthorized, call(http.MethodPost, "/v3/stacks/one", "Bearer guess").status)

	for _, path := range []string{"/v3/stacks/one", "/v3", "/v3/user/x"} {
		said := call(http.MethodGet, path, "Bearer "+access)
		require.Equal(t, http.StatusNotFound, said.status, path)
		require.JSONEq(t, `{"error_code":141,"error_message":"The emulator serves nothing at this path","errors":{}}`, said.body)
		require.Equal(t, "refused: nothing is served at this path", s.last().Decision)
	}
	require.Equal(t, http.StatusNotFound, call(http.MethodPost, "/oauth/token", "").status)
	require.Equal(t, "refused: nothing is served at this path; the token endpoint is /apps-api/apps/token", s.last().Decision)
	require.Equal(t, http.StatusNotFound, call(http.MethodPost, "/v3/user", "Bearer "+access).status)
	require.Panics(t, func() { s.API("POST /v3/stacks/{uid}", http.NotFoundHandler()) })
}

func TestAPIOfOnesOwnReplacesTheUser(t *testing.T) {
	s := start(t, emulator.Options{})
	s.API("/v3/user", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "mine") }))
	require.Equal(t, "mine", s.user("Bearer "+s.login().Access).body)
}

func TestTokensAreEndedFromOutside(t *testing.T) {
	s := start(t, emulator.Options{})
	end := func(how, form string) int {
		return s.do(s.client, s.request(http.MethodPost, s.url+"/_emulator/"+how, form)).status
	}
	require.Equal(t, http.StatusNotFound, end("expire", ""), "there is none yet")
	first, second := s.login(), s.login()
	require.Equal(t, http.StatusNoContent, end("expire", "access_token="+first.Access))
	require.False(t, s.works(first.Access))
	require.True(t, s.works(second.Access))
	require.Empty(t, s.token(renewal(first.Refresh)).reason(), "only the access token expired")
	require.Equal(t, http.StatusNoContent, end("revoke", ""))
	require.Equal(t, "400 invalid_grant: the refresh_token was revoked with its login", s.token(renewal(second.Refresh)).reason())
	require.Equal(t, http.StatusNotFound, end("revoke", "access_token=guess"))
}
