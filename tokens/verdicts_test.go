package tokens_test

import (
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// What each process concludes from what a server does, and whom it hits. Contentstack's side is odd
// for one user: on a refresh that is due, or on a request to one API. The table of docs/design.md
// has these rows.
//
// Law: M7
func TestWhatEachProcessConcludes(t *testing.T) {
	const served, loggedOutWord, operator, later = "the old token", "log in", "operator", "later"
	endpoint := func(status int, media, body string) func() (*http.Response, error) {
		return func() (*http.Response, error) { return httpAnswer(status, media, body), nil }
	}
	for name, row := range map[string]struct {
		refresh func() (*http.Response, error) // to that user's refreshes
		// What a process concludes that asks for a token while the old one is valid, and after its
		// end: the one that refreshed, another, and one that starts then.
		valid, first, second, third string
		posts                       int // of that refresh token in 14 minutes after the end, at most
	}{
		"refused":                            {endpoint(400, "application/json", `{"error":"invalid_grant"}`), served, loggedOutWord, loggedOutWord, loggedOutWord, 1},
		"refused, as Contentstack says it":   {endpoint(400, "application/json", `{"message":["invalid refresh_token"]}`), served, loggedOutWord, loggedOutWord, loggedOutWord, 1},
		"the operator's mistake: the client": {endpoint(401, "application/json", `{"error":"invalid_client"}`), served, operator, operator, operator, 99},
		"the operator's mistake: the secret": {endpoint(400, "application/json", `{"error":"invalid_grant","error_description":"client_secret is wrong"}`), served, operator, operator, operator, 99},
		"busy":                               {endpoint(503, "text/plain", "busy"), served, later, later, later, 99},
		"too many requests":                  {endpoint(429, "application/json", `{"error":"invalid_grant"}`), served, later, later, later, 99},
		"a page":                             {endpoint(200, "text/html", "<h1>Maintenance</h1>"), served, later, later, later, 99},
		"a gateway":                          {endpoint(502, "text/html", "<h1>Bad Gateway</h1>"), served, later, later, later, 99},
		"401, no reason":                     {endpoint(401, "application/json", `{"message":"Unauthorized"}`), served, later, later, later, 99},
		"403, a firewall":                    {endpoint(403, "text/html", "<h1>Forbidden</h1>"), served, later, later, later, 99},
		"404":                                {endpoint(404, "application/json", `{"message":"Cannot POST /apps-api/apps/token"}`), served, later, later, later, 99},
		"cut":                                {func() (*http.Response, error) { return nil, io.ErrUnexpectedEOF }, served, later, later, later, 99},
		"not reached":                        {func() (*http.Response, error) { return nil, csoauth.ErrNotSent }, served, later, later, later, 99},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), new(tokens.Memory)
				ms := []*tokens.Manager{newManager(p.config(), store, nil), newManager(p.config(), store, nil)}
				require.NoError(t, ms[0].Put(t.Context(), "user", p.login("user")))
				require.NoError(t, ms[0].Put(t.Context(), "other", p.login("other")))
				odd := true
				p.before = func(n int, _ *http.Request) (*http.Response, error) {
					if odd && p.posts[n-1].refresh == "refresh-user-1" {
						return row.refresh()
					}
					return nil, nil
				}
				conclude := func(m *tokens.Manager) string {
					token, err := m.Token(t.Context(), "user")
					switch {
					case err == nil && token.AccessToken == "access-user-1":
						return served
					case errors.Is(err, csoauth.ErrLoginRequired):
						return loggedOutWord
					case errors.Is(err, csoauth.ErrConfig):
						return operator
					case err != nil:
						return later
					}
					return token.AccessToken
				}
				time.Sleep(p.lives - 5*time.Minute)
				for _, m := range ms {
					assert.Equal(t, row.valid, conclude(m), "while the token is valid")
				}
				time.Sleep(5*time.Minute - time.Second)
				before := p.asked()
				assert.Equal(t, row.first, conclude(ms[0]))
				assert.Equal(t, row.second, conclude(ms[1]))
				ms = append(ms, newManager(p.config(), store, nil))
				assert.Equal(t, row.third, conclude(ms[2]))
				for range 14 {
					for _, m := range ms {
						conclude(m)
					}
					time.Sleep(time.Minute)
				}
				assert.LessOrEqual(t, p.asked()-before, row.posts)
				for _, m := range ms { // nobody else is hit
					_, err := m.Token(t.Context(), "other")
					require.NoError(t, err)
				}
				// All is well when the server is: at once after what was no refusal.
				odd = false
				time.Sleep(15 * time.Minute)
				for _, m := range ms {
					token, err := m.Token(t.Context(), "user")
					require.NoError(t, err)
					assert.NotEqual(t, "access-user-1", token.AccessToken)
					require.NoError(t, m.Close())
				}
			})
		})
	}
}
