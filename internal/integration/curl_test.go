package integration_test

import (
	"errors"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/csoauthtest"
)

// curlLogin runs docs/emulator/login.sh against an emulator. It returns what the script printed,
// and its exit code.
func curlLogin(t *testing.T, arguments ...string) (stdout, stderr string, code int) {
	t.Helper()
	for _, program := range []string{"bash", "curl", "openssl"} {
		if _, err := exec.LookPath(program); err != nil {
			skipSuite(t, "curl: run `make setup` or install bash, curl and openssl")
		}
	}
	script := filepath.Join("..", "..", "docs", "emulator", "login.sh")
	cmd := exec.CommandContext(t.Context(), "bash", append([]string{script}, arguments...)...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	assert.NotRegexp(t, `[0-9a-f]{32}|[A-Za-z0-9_-]{43}`, out.String()+errs.String(), "no token, code, state or verifier")
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func decisions(server *csoauthtest.Server) (all []string) {
	for _, r := range server.Requests() {
		all = append(all, r.Method+" "+r.Path+": "+r.Decision)
	}
	return all
}

func TestCurlLogin(t *testing.T) {
	t.Parallel()
	for _, redirectURI := range []string{"http://localhost:8184", "http://localhost:8184/oauth%20path/callback?x=1&y=%C3%BC+z"} {
		server := csoauthtest.NewServer(t, &csoauthtest.Options{Allow: []string{"refresh-token-reused"}})
		config := server.Config(redirectURI)
		stdout, stderr, code := curlLogin(t, server.URL, config.AppUID, config.ClientID, redirectURI)
		assert.Zero(t, code)
		assert.Empty(t, stderr)
		assert.Contains(t, stdout, "4. got tokens of user "+ada+" in organization "+press+", for 3600 seconds\n")
		assert.Contains(t, stdout, "7. the used refresh token is refused with 400\n8. and with it the login has ended: the API refuses the access token\n")
		assert.Equal(t, []string{
			"POST /apps/" + config.AppUID + "/authorize: Ada Lovelace allowed it for Emulated Press; a code was issued",
			"POST /apps-api/apps/token: granted: tokens for Ada Lovelace in Emulated Press",
			"GET /v3/user: told who Ada Lovelace is",
			"POST /apps-api/apps/token: granted: tokens for Ada Lovelace in Emulated Press",
			"GET /v3/user: told who Ada Lovelace is",
			"POST /apps-api/apps/token: refused: invalid_grant: the refresh_token was used before, so all tokens of this login are revoked",
			"GET /v3/user: refused: no good bearer token",
		}, decisions(server))

		requests := server.Requests()
		require.Len(t, requests, 7)
		authorize, exchange := requests[0], requests[1]
		assert.Equal(t, "S256", authorize.Params["code_challenge_method"])
		path, query, _ := strings.Cut(redirectURI, "?")
		want := "^" + regexp.QuoteMeta(path) + "$"
		if query != "" { // it could be that of a callback
			want = "^" + regexp.QuoteMeta(path) + `[?][*]{3}[0-9a-f]{8}$`
		}
		assert.Regexp(t, want, authorize.Params["redirect_uri"])
		assert.Equal(t, exchange.Params["redirect_uri"], authorize.Params["redirect_uri"])
		assert.ElementsMatch(t, []string{"grant_type", "code", "redirect_uri", "client_id", "code_verifier"}, keysOf(exchange.Params))
		assert.Equal(t, authorize.Answer["code"], exchange.Params["code"])
	}
}

func TestCurlLoginThatFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options     csoauthtest.Options
		redirectURI string
		code        int
		stderr      string
	}{
		"redirect URI": {csoauthtest.Options{}, "http://localhost:1/other", 1, "the authorize URL was refused"},
		"reuse":        {csoauthtest.Options{Unknowns: csoauthtest.Unknowns{Reuse: "none"}}, "http://localhost:8184", 1, "the refresh token did not rotate"},
		"usage":        {csoauthtest.Options{}, "", 2, "usage: "},
	} {
		t.Run(name, func(t *testing.T) {
			test.options.Allow = []string{"unregistered-redirect-uri"}
			server := csoauthtest.NewServer(t, &test.options)
			config := server.Config("http://localhost:8184")
			arguments := []string{server.URL, config.AppUID, config.ClientID, test.redirectURI}
			if test.redirectURI == "" {
				arguments = arguments[:3]
			}
			_, stderr, code := curlLogin(t, arguments...)
			assert.Equal(t, test.code, code)
			assert.Contains(t, stderr, test.stderr)
		})
	}
}

func keysOf(params map[string]string) []string { return slices.Sorted(maps.Keys(params)) }
