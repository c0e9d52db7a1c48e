package csoauth_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
)

func TestIntrospect(t *testing.T) {
	for name, u := range map[string]csoauthtest.Unknowns{
		"documented":                  {},
		"with the client's name":      {IntrospectAuth: "client"},
		"scopes in an array":          {IntrospectScope: "array"},
		"with everything that may be": {IntrospectAuth: "client", IntrospectMembers: "full"},
	} {
		t.Run(name, func(t *testing.T) {
			server := csoauthtest.NewServer(t, &csoauthtest.Options{Unknowns: u})
			c := server.Config("http://localhost:8184")
			c.Scopes = []string{"user:read", "organization:read"}
			token := server.Login(c)
			for _, secret := range []string{"", "emulated-secret-of-the-default-app"} {
				c.ClientSecret = secret
				said, err := c.Introspect(t.Context(), token)
				require.NoError(t, err)
				require.Equal(t, &csoauth.Introspection{Active: true, Scopes: []string{"user:read", "organization:read"}}, said)
			}
			server.Revoke(token)
			said, err := c.Introspect(t.Context(), token)
			require.NoError(t, err)
			require.Equal(t, &csoauth.Introspection{}, said)
		})
	}
}

// TestIntrospectionThatSaysNothing is an error, and never a token that is not active.
func TestIntrospectionThatSaysNothing(t *testing.T) {
	for name, row := range map[string]struct {
		status int
		body   string
		want   string // of the error
		posts  int
	}{
		"not there":         {404, `{"statusCode":404,"message":"Cannot POST /apps-api/introspect","error":"Not Found"}`, "csoauth: introspect: 404 Not Found: Cannot POST /apps-api/introspect", 1},
		"a page":            {200, "<html>hello</html>", "csoauth: introspect: ", 1},
		"no member":         {200, `{"scope":"user:read"}`, "csoauth: introspect: the response does not say whether the token is active", 1},
		"a text":            {200, `{"active":"yes"}`, "csoauth: introspect: the response does not say whether the token is active", 1},
		"empty":             {200, "", "csoauth: introspect: ", 1},
		"the client":        {401, `{"error":"invalid_client"}`, "csoauth: introspect: 401 Unauthorized: invalid_client", 2},
		"the client at 400": {400, `{"message":["client_id is missing"]}`, "csoauth: introspect: 400 Bad Request: client_id is missing", 2},
		"the token":         {400, `{"message":["invalid access_token"]}`, "csoauth: introspect: 400 Bad Request: invalid access_token", 1},
		"another failure":   {500, `{"message":"oops"}`, "csoauth: introspect: 500 Internal Server Error: oops", 1},
	} {
		t.Run(name, func(t *testing.T) {
			c := testConfig()
			m := mock(c, row.status, row.body)
			said, err := c.Introspect(t.Context(), &csoauth.Token{AccessToken: "the access token"})
			require.Nil(t, said)
			require.ErrorContains(t, err, row.want)
			var e *csoauth.Error
			require.ErrorAs(t, err, &e)
			require.NotErrorIs(t, err, csoauth.ErrLoginRequired, "whatever it says: it is not about the refresh token")
			require.Len(t, m.requests, row.posts)
		})
	}
}

func TestIntrospectSendsNoMoreThanItMust(t *testing.T) {
	c := testConfig()
	c.ClientSecret = "s3cr3t"
	m := mock(c, 200, `{"active":true,"exp":1893456000}`)
	said, err := c.Introspect(t.Context(), &csoauth.Token{AccessToken: "the access token", RefreshToken: "the refresh token"})
	require.NoError(t, err)
	require.Equal(t, time.Unix(1893456000, 0), said.Expiry)
	require.Nil(t, said.Scopes)
	require.Len(t, m.requests, 1)
	require.Equal(t, http.MethodPost, m.requests[0].Method)
	require.Equal(t, "https://app.example.org/apps-api/introspect", m.requests[0].URL.String())
	require.Equal(t, "token=the%20access%20token&token_type_hint=access_token", m.forms[0])
}

func TestIntrospectNeedsAToken(t *testing.T) {
	c := testConfig()
	for _, token := range []*csoauth.Token{nil, {}, {RefreshToken: "r"}} {
		_, err := c.Introspect(t.Context(), token)
		require.EqualError(t, err, "csoauth: introspect: there is no access token")
	}
	_, err := c.Introspect(t.Context(), &csoauth.Token{AccessToken: "a", Location: "mars"})
	require.ErrorContains(t, err, `unknown region "mars"`)
}

// TestScopeThatIsNullDoesNotTell: an empty list of scopes would mean something else.
func TestScopeThatIsNullDoesNotTell(t *testing.T) {
	for body, tells := range map[string]bool{`{"active":true,"scope":null}`: false, `{"active":true}`: false, `{"active":true,"scope":""}`: true} {
		service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, body)
		}))
		c := &csoauth.Config{
			AppUID: "app", ClientID: "client", RedirectURI: "http://localhost:8184", HTTPClient: service.Client(),
			Endpoints: map[csoauth.Region]csoauth.Endpoints{csoauth.NA: csoauth.OneHost(service.URL)},
		}
		i, err := c.Introspect(t.Context(), &csoauth.Token{AccessToken: "an-access-token"})
		service.Close()
		require.NoError(t, err)
		require.Equal(t, tells, i.Scopes != nil, body)
	}
}
