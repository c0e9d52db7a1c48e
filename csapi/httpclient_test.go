package csapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
	"github.com/contentstack/csoauth/csoauthtest"
)

// An sdk has the habits of other people's Go clients for Contentstack: a base URL as a string, of
// which it keeps the host alone; an authtoken header that is empty without an authtoken; and no
// organization_uid.
type sdk struct {
	baseURL *url.URL
	client  *http.Client
}

func (s *sdk) get(ctx context.Context, path, apiKey string, out any) error {
	u := *s.baseURL
	u.Path = path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("authtoken", "")
	req.Header.Set("authorization", "a management token")
	if apiKey != "" {
		req.Header.Set("api_key", apiKey)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New("Not authorized")
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

func TestOtherPeoplesSDK(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	c, kept := login(t, server, csoauthtest.Visitor{})
	base, err := c.BaseURL(t.Context(), csapi.ContentManagement)
	require.NoError(t, err)
	u, err := url.Parse(base)
	require.NoError(t, err)
	s := &sdk{u, c.HTTPClient()}
	var list struct{ Stacks []csapi.Stack }
	require.NoError(t, s.get(t.Context(), "/v3/stacks", "", &list))
	require.NotEmpty(t, list.Stacks, "organization_uid is there")
	var settings map[string]any
	require.NoError(t, s.get(t.Context(), "/v3/stacks/settings", list.Stacks[0].APIKey, &settings))
	token, err := kept.Token(t.Context())
	require.NoError(t, err)
	server.Expire(token)
	require.NoError(t, s.get(t.Context(), "/v3/stacks", "", &list), "after a 401")
}

func TestHTTPClientChangesHeaders(t *testing.T) {
	for name, row := range map[string]struct {
		header, want http.Header
	}{
		"none":                {nil, http.Header{"organization_uid": {press}}},
		"authtoken":           {http.Header{"authtoken": {"blt1"}, "AuthToken": {"x"}}, http.Header{"organization_uid": {press}}},
		"an organization":     {http.Header{"Organization_uid": {shop}}, http.Header{"Organization_uid": {shop}}},
		"a stack":             {http.Header{"Api_key": {"k"}}, http.Header{"Api_key": {"k"}}},
		"an empty stack":      {http.Header{"api_key": {""}}, http.Header{"organization_uid": {press}}},
		"empty ones":          {http.Header{"Branch": {""}, "X": nil}, http.Header{"organization_uid": {press}}},
		"two values":          {http.Header{"X": {"a", "b"}}, http.Header{"X": {"a", "b"}, "organization_uid": {press}}},
		"a bearer of its own": {http.Header{"authorization": {"x"}, "Authorization": {"y"}}, http.Header{"organization_uid": {press}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &service{answer: says(200, inJSON, "{}")}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.contentstack.io/v3/x", nil)
			require.NoError(t, err)
			if row.header != nil {
				req.Header = row.header.Clone()
			}
			resp, err := clientOf(s).HTTPClient().Do(req)
			require.NoError(t, err)
			resp.Body.Close()
			got := s.requests[0].Header.Clone()
			require.Equal(t, []string{"Bearer the-access-token-1"}, got["Authorization"])
			require.Regexp(t, "^csoauth/", got.Get("User-Agent"))
			got.Del("Authorization")
			got.Del("User-Agent")
			require.Equal(t, row.want, got)
			if row.header != nil {
				require.Equal(t, row.header, req.Header, "the caller's request stays as it is")
			}
		})
	}
}

func TestHTTPClientKeepsTheCallersUserAgent(t *testing.T) {
	s := &service{answer: says(200, inJSON, "{}")}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.contentstack.io/v3/x", nil)
	require.NoError(t, err)
	req.Header.Set("User-Agent", "mine/1")
	resp, err := clientOf(s).HTTPClient().Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, "mine/1", s.requests[0].UserAgent())
}

// Law: A3
func TestHTTPClientIsForTheLoginsHosts(t *testing.T) {
	s := &service{answer: says(200, inJSON, "{}")}
	c := clientOf(s).HTTPClient()
	for target, want := range map[string]string{
		"https://evil.example/v3":           `"evil.example" is not a host of the token's region: use BaseURL`,
		"https://eu-api.contentstack.com/":  "is not a host of the token's region",
		"http://api.contentstack.io/":       "a token is not sent to api.contentstack.io over http",
		"https://cdn.contentstack.io/":      "is not a host of the token's region",
		"https://api.contentstack.io.evil/": "is not a host of the token's region",
	} {
		_, err := c.Get(target)
		require.ErrorContains(t, err, want, target)
	}
	require.Zero(t, s.count())
	_, err := (&http.Client{Transport: c.Transport}).Do(&http.Request{Method: "GET", URL: &url.URL{}, Header: http.Header{}})
	require.Error(t, err)
	_, err = c.Transport.RoundTrip(&http.Request{})
	require.EqualError(t, err, "csapi: the request has no URL")
}

// TestRedirectsGetNoToken, once they leave the first host.
//
// Law: A3
func TestRedirectsGetNoToken(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Join(r.Header.Values("Authorization"), ",")+strings.Join(r.Header.Values("organization_uid"), ","))
	}))
	defer elsewhere.Close()
	server := csoauthtest.NewServer(t, nil)
	server.API("GET /away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+"/x", http.StatusFound)
	})
	c, _ := login(t, server, csoauthtest.Visitor{})
	resp, err := c.HTTPClient().Get(server.URL + "/away")
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Empty(t, string(body))
}

// A pipe has a body that cannot be had again.
type pipe struct{ io.Reader }

func (pipe) Close() error { return nil }

// Law: A4
func TestBodiesAreSentWholeOrNotAgain(t *testing.T) {
	for name, row := range map[string]struct {
		body     func() io.Reader
		status   int
		requests int
		want     int // status
	}{
		"bytes, 401":  {func() io.Reader { return bytes.NewReader([]byte("whole")) }, 401, 2, 200},
		"bytes, 429":  {func() io.Reader { return bytes.NewReader([]byte("whole")) }, 429, 2, 200},
		"a pipe, 401": {func() io.Reader { return pipe{strings.NewReader("whole")} }, 401, 1, 401},
		"a pipe, 429": {func() io.Reader { return pipe{strings.NewReader("whole")} }, 429, 1, 429},
		"none, 401":   {func() io.Reader { return nil }, 401, 2, 200},
		"bytes, 503":  {func() io.Reader { return bytes.NewReader([]byte("whole")) }, 503, 1, 503},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{answer: func(n int, _ *http.Request) *http.Response {
					if n == 1 {
						return response(row.status, inJSON, `{"message":"the first"}`)
					}
					return response(200, inJSON, "{}")
				}}
				c := csapi.New(aConfig(), &source{tokens: []*csoauth.Token{numbered(1), numbered(2)}}, &csapi.Options{Base: s})
				resp, err := c.HTTPClient().Post("https://api.contentstack.io/v3/x", "text/plain", row.body())
				require.NoError(t, err)
				defer resp.Body.Close()
				require.Equal(t, row.want, resp.StatusCode)
				require.Equal(t, row.requests, s.count())
				said, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				if row.want != 200 {
					require.JSONEq(t, `{"message":"the first"}`, string(said), "as it came")
				}
				for _, body := range s.bodies {
					if row.body() != nil {
						require.Equal(t, "whole", body)
					}
				}
			})
		})
	}
	t.Run("GetBody fails", func(t *testing.T) {
		s := &service{answer: says(401, inJSON, badToken)}
		c := csapi.New(aConfig(), &source{tokens: []*csoauth.Token{numbered(1), numbered(2)}}, &csapi.Options{Base: s})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.contentstack.io/v3/x", strings.NewReader("x"))
		require.NoError(t, err)
		req.GetBody = func() (io.ReadCloser, error) { return nil, errors.New("gone") }
		_, err = c.HTTPClient().Do(req)
		require.ErrorContains(t, err, "the body cannot be read again: gone")
	})
}
