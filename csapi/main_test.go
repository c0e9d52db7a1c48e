package csapi_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
	"github.com/contentstack/csoauth/csoauthtest"
	_ "github.com/contentstack/csoauth/internal/offline"
	"github.com/contentstack/csoauth/tokens"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ada, alan   = "blt00000000000ada01", "blt0000000000alan02"
	press, shop = "blt1a2b3c4d5e6f7081", "blt2b3c4d5e6f708192"
)

// login returns a Client for a login of the user, whose token a Manager keeps.
func login(t *testing.T, server *csoauthtest.Server, visitor csoauthtest.Visitor) (*csapi.Client, *tokens.Login) {
	t.Helper()
	config := server.Config("http://localhost:8184")
	m, err := tokens.New(config, new(tokens.Memory), nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	kept := m.For("user")
	require.NoError(t, kept.Put(t.Context(), tokenOf(t, server, config, visitor)))
	return csapi.New(config, kept, nil), kept
}

func tokenOf(t *testing.T, server *csoauthtest.Server, config *csoauth.Config, visitor csoauthtest.Visitor) *csoauth.Token {
	t.Helper()
	request, err := config.NewAuthRequest(nil)
	require.NoError(t, err)
	token, err := config.Exchange(t.Context(), request, server.Callback(server.BrowserOf(visitor), config.AuthorizeURL(request)))
	require.NoError(t, err)
	return token
}

// A service is what a Client sends to. It responds from memory and keeps the requests.
type service struct {
	answer func(n int, r *http.Request) *http.Response // to the nth request, from 1

	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
	open     int // responses that nobody has closed
}

func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		data, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			return nil, err
		}
		body = string(data)
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.requests, s.bodies = append(s.requests, r), append(s.bodies, body)
	n := len(s.requests)
	s.mu.Unlock()
	resp := s.answer(n, r)
	resp.Request = r
	s.mu.Lock()
	s.open++
	s.mu.Unlock()
	resp.Body = &closing{resp.Body, s}
	return resp, nil
}

// A closing is a body of a service's response that tells when it is closed.
type closing struct {
	io.ReadCloser
	of *service
}

func (c *closing) Close() error {
	c.of.mu.Lock()
	c.of.open--
	c.of.mu.Unlock()
	return c.ReadCloser.Close()
}

func (s *service) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

// says returns the same response to each request.
func says(status int, contentType, body string) func(int, *http.Request) *http.Response {
	return func(int, *http.Request) *http.Response { return response(status, contentType, body) }
}

const inJSON = "application/json"

func response(status int, contentType, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {contentType}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

func with(resp *http.Response, name, value string) *http.Response {
	resp.Header.Set(name, value)
	return resp
}

// aConfig is one of North America, with its published hosts.
func aConfig() *csoauth.Config {
	return &csoauth.Config{AppUID: "app1", ClientID: "client1", RedirectURI: "http://localhost:8184"}
}

func aToken() *csoauth.Token {
	return &csoauth.Token{AccessToken: "the-access-token-1", UserUID: ada, OrganizationUID: press, AuthorizationType: "user"}
}

// clientOf returns a Client of one token that sends to s.
func clientOf(s *service) *csapi.Client {
	return csapi.New(aConfig(), csapi.Static(aToken()), &csapi.Options{Base: s})
}

// A source has tokens one after the other: each Invalidate of the present one goes on to the next.
type source struct {
	mu     sync.Mutex
	tokens []*csoauth.Token
	ended  error // what Invalidate says when there is no next one
	asked  []string
}

func (s *source) Token(context.Context) (*csoauth.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens[0], nil
}

func (s *source) Invalidate(_ context.Context, accessToken string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, accessToken)
	switch {
	case s.tokens[0].AccessToken != accessToken:
	case len(s.tokens) == 1:
		return s.ended
	default:
		s.tokens = s.tokens[1:]
	}
	return nil
}
