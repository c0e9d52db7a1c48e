package csoauthtest_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
)

func TestExpireAndRevoke(t *testing.T) {
	for name, row := range map[string]struct {
		do        func(*csoauthtest.Server, *csoauth.Token)
		all       bool
		refreshes bool
	}{
		"expire one": {func(s *csoauthtest.Server, t *csoauth.Token) { s.Expire(t) }, false, true},
		"expire all": {func(s *csoauthtest.Server, _ *csoauth.Token) { s.Expire(nil) }, true, true},
		"revoke one": {func(s *csoauthtest.Server, t *csoauth.Token) { s.Revoke(t) }, false, false},
		"revoke all": {func(s *csoauthtest.Server, _ *csoauth.Token) { s.Revoke(nil) }, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := csoauthtest.NewServer(t, nil)
			c := server.Config(callbackURI)
			one, another := server.Login(c), loginOf(t, server, c, "blt0000000000alan02")
			row.do(server, one)
			require.Equal(t, http.StatusUnauthorized, userStatus(t, c, one))
			require.Equal(t, row.all, userStatus(t, c, another) == http.StatusUnauthorized)
			renewed, err := c.Refresh(t.Context(), one)
			if !row.refreshes {
				require.ErrorIs(t, err, csoauth.ErrLoginRequired)
				return
			}
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, userStatus(t, c, renewed))
		})
	}
}

// loginOf logs in another user than the first.
func loginOf(t *testing.T, server *csoauthtest.Server, c *csoauth.Config, userUID string) *csoauth.Token {
	request, err := c.NewAuthRequest(nil)
	require.NoError(t, err)
	token, err := c.Exchange(t.Context(), request, server.Callback(server.BrowserOf(csoauthtest.Visitor{UserUID: userUID}), c.AuthorizeURL(request)))
	require.NoError(t, err)
	return token
}

func TestExpireAndRevokeOfNoTokenFailTheTest(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	c := server.Config(callbackURI)
	want := []string{"csoauthtest: Expire: there is no such access token", "csoauthtest: Revoke: there is no such access token"}
	both := func(token *csoauth.Token) []string {
		return failures(t, func(tb testing.TB) {
			on(tb, server).Expire(token)
			on(tb, server).Revoke(token)
		})
	}
	require.Equal(t, want, both(nil), "there is none yet")
	old := server.Login(c)
	current, err := c.Refresh(t.Context(), old)
	require.NoError(t, err)
	require.Equal(t, want, both(old), "it was replaced")
	require.Equal(t, want, both(&csoauth.Token{AccessToken: "unknown"}))
	require.Equal(t, want, both(&csoauth.Token{}), "a Token that was never filled in is not every token")
	require.Equal(t, http.StatusOK, userStatus(t, c, current))
}

func TestAPIIsBehindTheTokens(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	server.API("GET /v3/stacks/{uid}", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "stack "+r.PathValue("uid")) })
	token := server.Login(server.Config(callbackURI))
	for header, want := range map[string]string{
		"Bearer " + token.AccessToken: "200 stack one",
		"Bearer wrong":                `401 {"error_code":105,"error_message":"The provided access token is invalid or expired or revoked","errors":{}}`,
		"":                            `401 {"error_code":105,"error_message":"You're not allowed in here unless you're logged in.","errors":{}}`,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/v3/stacks/one", nil)
		require.NoError(t, err)
		r.Header.Set("Authorization", header)
		resp, err := server.Browser().Do(r)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, want, fmt.Sprintf("%d %s", resp.StatusCode, body))
	}
}

func TestRequestsTellALoginWithoutItsSecrets(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	require.Empty(t, server.Requests())
	c := server.Config(callbackURI)
	r, authorizeURL := begin(t, c)
	callback := server.Callback(server.Browser(), authorizeURL)
	token, err := c.Exchange(t.Context(), r, callback)
	require.NoError(t, err)
	userStatus(t, c, token)

	var told []string
	for _, request := range server.Requests() {
		require.False(t, request.Time.IsZero())
		told = append(told, fmt.Sprintf("%s %s %d", request.Method, request.Path, request.Status))
		for _, secret := range []string{r.State, string(r.Verifier), callback.Get("code"), token.AccessToken, token.RefreshToken} {
			require.NotContains(t, fmt.Sprintf("%+v", request), secret)
		}
	}
	require.Equal(t, []string{
		"GET /apps/64e0f1a2b3c4d5e6f7a8b9c0/authorize 200", "POST /apps/64e0f1a2b3c4d5e6f7a8b9c0/authorize 302",
		"POST /apps-api/apps/token 200", "GET /v3/user 200",
	}, told)
	redirect, exchange := server.Requests()[1], server.Requests()[2]
	require.Regexp(t, `^\*\*\*[0-9a-f]{8}$`, exchange.Params["code"])
	require.Equal(t, redirect.Answer["code"], exchange.Params["code"], "the same secret has the same mark")
	require.Equal(t, "granted: tokens for Ada Lovelace in Emulated Press", exchange.Decision)
}
