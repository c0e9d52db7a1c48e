package csapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/tokens"
)

// TestWhatGoesWrongAfterALogin has, for each thing that users meet, the error that they get for it.
func TestWhatGoesWrongAfterALogin(t *testing.T) {
	stacks := func(t *testing.T, c *csapi.Client) (err error) {
		for _, err = range c.Stacks(t.Context()) {
			if err != nil {
				break
			}
		}
		return err
	}
	for name, row := range map[string]struct {
		options csoauthtest.Options
		do      func(t *testing.T, server *csoauthtest.Server, c *csapi.Client, kept *tokens.Login) error
		is      error
		want    string
	}{
		"a token of another region": {csoauthtest.Options{}, func(t *testing.T, _ *csoauthtest.Server, c *csapi.Client, kept *tokens.Login) error {
			token, err := kept.Token(t.Context())
			require.NoError(t, err)
			other := *token
			other.Location = "EU"
			config := &csoauth.Config{AppUID: "app", ClientID: token.ClientID, RedirectURI: "http://localhost:8184", Endpoints: map[csoauth.Region]csoauth.Endpoints{
				csoauth.NA: csoauth.OneHost("http://127.0.0.1:1"), csoauth.AU: csoauth.OneHost("http://127.0.0.1:2"),
			}}
			return csapi.New(config, csapi.Static(&other), nil).Get(t.Context(), csapi.ContentManagement, "/v3/user", nil)
		}, nil, "csoauth: endpoints: the token was issued by http://127.0.0.1:"},
		"an api_key of another organization": {csoauthtest.Options{}, func(t *testing.T, server *csoauthtest.Server, c *csapi.Client, _ *tokens.Login) error {
			config := server.Config("http://localhost:8184")
			inShop := csapi.New(config, csapi.Static(tokenOf(t, server, config, csoauthtest.Visitor{OrganizationUID: shop})), nil)
			for stack := range inShop.Stacks(t.Context()) {
				return c.Stack(stack.APIKey).Get(t.Context(), "/v3/stacks/settings", nil)
			}
			return nil
		}, csapi.ErrForbidden, "csapi: GET /v3/stacks/settings: 403 Forbidden (error_code 316): You don't have the permission to do this operation."},
		"an api_key of no stack": {csoauthtest.Options{}, func(t *testing.T, _ *csoauthtest.Server, c *csapi.Client, _ *tokens.Login) error {
			return c.Stack("blt0").Get(t.Context(), "/v3/stacks/settings", nil)
		}, csapi.ErrInvalid, "412 Precondition Failed (error_code 109)"},
		"a scope is missing": {csoauthtest.Options{Apps: []csoauthtest.App{{UID: "app", ClientID: "client", AllowPKCE: true, Scopes: []string{"user:read"}}}},
			func(t *testing.T, _ *csoauthtest.Server, c *csapi.Client, _ *tokens.Login) error { return stacks(t, c) },
			csapi.ErrInsufficientScope, "csapi: GET /v3/stacks: 403 Forbidden: The provided access token has insufficient scopes"},
		"the login was revoked": {csoauthtest.Options{}, func(t *testing.T, server *csoauthtest.Server, c *csapi.Client, kept *tokens.Login) error {
			require.NoError(t, c.Get(t.Context(), csapi.ContentManagement, "/v3/user", nil))
			token, err := kept.Token(t.Context())
			require.NoError(t, err)
			server.Revoke(token)
			return c.Get(t.Context(), csapi.ContentManagement, "/v3/user", nil)
		}, csoauth.ErrLoginRequired, "csapi: GET /v3/user: 401 Unauthorized (error_code 105): The provided access token is invalid or expired or revoked: csoauth: refresh: login required: "},
		"the access token ended early": {csoauthtest.Options{}, func(t *testing.T, server *csoauthtest.Server, c *csapi.Client, kept *tokens.Login) error {
			token, err := kept.Token(t.Context())
			require.NoError(t, err)
			server.Expire(token)
			_, err = c.User(t.Context())
			return err
		}, nil, ""},
		"a page of a proxy": {csoauthtest.Options{}, func(t *testing.T, server *csoauthtest.Server, c *csapi.Client, _ *tokens.Login) error {
			server.API("GET /v3/user", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				fmt.Fprint(w, "<!doctype html><title>Sign in</title><h1>Sign in to the network</h1>")
			})
			_, err := c.User(t.Context())
			return err
		}, nil, "csapi: GET /v3/user: 200 OK: the response is a page, perhaps of a proxy: Sign in Sign in to the network"},
		"an empty body": {csoauthtest.Options{}, func(t *testing.T, server *csoauthtest.Server, c *csapi.Client, _ *tokens.Login) error {
			server.API("GET /v3/user", func(http.ResponseWriter, *http.Request) {})
			_, err := c.User(t.Context())
			return err
		}, nil, "csapi: user: the response has no user"},
		"a list that never ends": {csoauthtest.Options{}, func(t *testing.T, server *csoauthtest.Server, c *csapi.Client, _ *tokens.Login) error {
			server.API("GET /v3/stacks", func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprintf(w, `{"stacks":[{"uid":"s","api_key":"k%s"}]}`, r.URL.Query().Get("skip"))
			})
			return stacks(t, c)
		}, nil, "csapi: the list does not end after a thousand pages"},
		"a body that never ends": {csoauthtest.Options{}, func(t *testing.T, server *csoauthtest.Server, c *csapi.Client, _ *tokens.Login) error {
			server.API("GET /v3/user", func(w http.ResponseWriter, r *http.Request) {
				for r.Context().Err() == nil {
					if _, err := w.Write(make([]byte, 1<<20)); err != nil {
						return
					}
				}
			})
			_, err := c.User(t.Context())
			return err
		}, nil, "csapi: GET /v3/user: the response is over 16777216 bytes"},
		"another login between two requests": {csoauthtest.Options{}, func(t *testing.T, server *csoauthtest.Server, c *csapi.Client, kept *tokens.Login) error {
			require.NoError(t, c.Get(t.Context(), csapi.DeveloperHub, "/authorized-apps", nil))
			require.NoError(t, kept.Put(t.Context(), tokenOf(t, server, server.Config("http://localhost:8184"), csoauthtest.Visitor{OrganizationUID: shop})))
			require.NoError(t, c.Get(t.Context(), csapi.DeveloperHub, "/authorized-apps", nil), "organization and bearer are of one token")
			for stack, err := range c.Stacks(t.Context()) {
				require.NoError(t, err)
				require.True(t, strings.HasPrefix(stack.Name, "Emulated Shop"))
				break
			}
			return nil
		}, nil, ""},
		"nobody is there": {csoauthtest.Options{}, func(t *testing.T, server *csoauthtest.Server, _ *csapi.Client, kept *tokens.Login) error {
			config := server.Config("http://localhost:8184")
			config.Endpoints = map[csoauth.Region]csoauth.Endpoints{csoauth.NA: {App: server.URL, ContentManagement: "http://127.0.0.1:1"}}
			return csapi.New(config, kept, nil).Get(t.Context(), csapi.ContentManagement, "/v3/user", nil)
		}, nil, "csapi: GET /v3/user: dial tcp 127.0.0.1:1: "},
	} {
		t.Run(name, func(t *testing.T) {
			server := csoauthtest.NewServer(t, &row.options)
			c, kept := login(t, server, csoauthtest.Visitor{})
			err := row.do(t, server, c, kept)
			if row.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, row.want)
			require.Less(t, len(err.Error()), 1000)
			if row.is != nil {
				require.ErrorIs(t, err, row.is)
			}
		})
	}
}
