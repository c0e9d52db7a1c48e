package csapi_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
	"github.com/contentstack/csoauth/csoauthtest"
)

// get makes a request with HTTPClient, and returns what CheckResponse says of its response.
func get(t *testing.T, c *csapi.Client, address string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	resp, err := c.HTTPClient().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	return csapi.CheckResponse(resp)
}

func TestCheckResponse(t *testing.T) {
	s := &service{answer: says(204, "", "")}
	require.NoError(t, get(t, clientOf(s), "https://api.contentstack.io/v3/x"))

	s = &service{answer: func(int, *http.Request) *http.Response {
		resp := says(422, inJSON, `{"error_message":"No: the-access-token-1","error_code":119,"errors":{"title":["is taken"]}}`)(1, nil)
		resp.Header.Set("Retry-After", "7")
		return resp
	}}
	err := get(t, clientOf(s), "https://launch-api.contentstack.com/projects?secret=1")
	require.Equal(t, &csapi.Error{
		Service: csapi.Launch, Method: "GET", Path: "/projects", StatusCode: 422, Code: 119,
		Message: "(text withheld: it contains a secret)", Fields: map[string][]string{"title": {"is taken"}}, RetryAfter: 7 * time.Second,
	}, err)
	require.ErrorIs(t, err, csapi.ErrInvalid)

	// A path that is spelled in its own way is told as it is.
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.contentstack.io", nil)
	require.NoError(t, err)
	req.URL.Opaque, req.URL.Path = "/v3/a%2Fb//c", ""
	resp, err := clientOf(s).HTTPClient().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.ErrorContains(t, csapi.CheckResponse(resp), "csapi: GET /v3/a%2Fb//c: 422 ")
	require.Equal(t, "/v3/a%2Fb//c", s.requests[1].URL.RequestURI())

	broken := &service{answer: func(int, *http.Request) *http.Response {
		resp := says(400, inJSON, "")(1, nil)
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"error_`), iotest.ErrReader(errors.New("the-access-token-1 is gone"))))
		return resp
	}}
	err = get(t, clientOf(broken), "https://api.contentstack.io/v3/x")
	require.ErrorContains(t, err, "GET /v3/x: ")
	require.ErrorContains(t, err, "the response broke off")
	require.NotContains(t, err.Error(), "the-access-token-1")
}

// TestCheckResponseOfALoginThatIsOver: it says so, as the other calls do.
func TestCheckResponseOfALoginThatIsOver(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	c, _ := login(t, server, csoauthtest.Visitor{})
	require.NoError(t, get(t, c, server.URL+"/v3/user"))
	server.Revoke(nil)
	require.ErrorIs(t, get(t, c, server.URL+"/v3/user"), csoauth.ErrLoginRequired)
}

// TestCheckResponseAfterARedirect to another host, which got no token: it is an Error, too.
func TestCheckResponseAfterARedirect(t *testing.T) {
	s := &service{answer: func(_ int, r *http.Request) *http.Response {
		if r.URL.Host == "files.example" {
			return says(404, inJSON, `{"error_message":"no file"}`)(1, nil)
		}
		resp := says(302, "", "")(1, nil)
		resp.Header.Set("Location", "https://files.example/f")
		return resp
	}}
	err := get(t, clientOf(s), "https://api.contentstack.io/v3/x")
	require.ErrorIs(t, err, csapi.ErrNotFound)
	require.ErrorContains(t, err, "csapi: GET /f: 404 Not Found: no file")
}

func TestServices(t *testing.T) {
	require.Equal(t, csapi.ContentManagement, csapi.Services()[0])
	endpoints := csoauth.AzureEU.Endpoints()
	hosts := map[string]bool{}
	for _, s := range csapi.Services() {
		require.NotContains(t, s.String(), "(")
		hosts[s.BaseURL(endpoints)] = true
	}
	require.Len(t, hosts, len(csapi.Services()))
	require.False(t, hosts[""])
	require.Empty(t, csapi.Service(99).BaseURL(endpoints))
}
