package csapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/contentstack/csoauth"
)

// A Source has the access token of one login. The [*tokens.Login] of package tokens is one, which
// refreshes it; [Static] makes one of a single token.
//
// [*tokens.Login]: https://pkg.go.dev/github.com/contentstack/csoauth/tokens#Login
type Source interface {
	// Token returns the current token. csoauth.ErrLoginRequired says that there is none any more.
	Token(ctx context.Context) (*csoauth.Token, error)
	// Invalidate says that an API has rejected an access token. If Token has a better one
	// afterwards, the request is sent once more with that.
	Invalidate(ctx context.Context, accessToken string) error
}

// Static returns a Source of one token, which it never replaces.
func Static(t *csoauth.Token) Source { return static{t} }

type static struct{ token *csoauth.Token }

func (s static) Token(context.Context) (*csoauth.Token, error) {
	if s.token == nil || s.token.AccessToken == "" {
		return nil, fmt.Errorf("csapi: there is no access token: %w", csoauth.ErrLoginRequired)
	}
	return s.token, nil
}

func (s static) Invalidate(context.Context, string) error { return nil }

// Format keeps the token out of what fmt prints.
func (s static) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "csapi.Static") }

// Options change what a Client does. The zero value is ready to use.
type Options struct {
	// Base sends the requests. Nil: the Transport of the Config's HTTPClient, or else
	// http.DefaultTransport.
	Base http.RoundTripper
	// Timeout is how long one try of a call may take, with its response. Zero: 30 seconds. It does
	// not count for HTTPClient.
	Timeout time.Duration
}

// A Client makes requests with the token of one login. It is safe for concurrent use. Use one
// Client for all requests of a login, and For for other logins of the same app: they share the
// pauses that Contentstack asks for.
type Client struct {
	config  *csoauth.Config
	source  Source
	base    http.RoundTripper
	timeout time.Duration
	paces   *paces
}

// New returns a Client for the login of s, whose tokens c has got. s is nil if only For is used. o
// may be nil.
func New(c *csoauth.Config, s Source, o *Options) *Client {
	if o == nil {
		o = &Options{}
	}
	if s == nil {
		s = Static(nil)
	}
	client := &Client{config: c, source: s, base: o.Base, timeout: o.Timeout, paces: &paces{}}
	if client.base == nil && c.HTTPClient != nil {
		client.base = c.HTTPClient.Transport
	}
	if client.base == nil {
		client.base = http.DefaultTransport
	}
	if client.timeout == 0 {
		client.timeout = 30 * time.Second
	}
	return client
}

// Format keeps secrets out of what fmt prints.
func (c Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "csapi.Client") }

// For returns a Client for another login, which shares the rest with c: a pause for an organization
// counts for all its users. It costs an allocation.
//
//	apis := csapi.New(config, nil, nil) // once
//	user, err := apis.For(manager.For("user-17")).User(ctx)
func (c *Client) For(s Source) *Client {
	other := *c
	other.source = s
	return &other
}

// token returns the token for a request.
func (c *Client) token(ctx context.Context) (*csoauth.Token, error) {
	t, err := c.source.Token(ctx)
	if err == nil && t == nil {
		err = errors.New("csapi: the Source has neither a token nor an error")
	}
	return t, err
}

// BaseURL returns the base URL of a service in the region of the current token, without a trailing
// slash, for an SDK that wants it. The token may be replaced by one of another region later: then
// requests of HTTPClient to the old host fail, and a new BaseURL is needed.
func (c *Client) BaseURL(ctx context.Context, s Service) (string, error) {
	t, err := c.token(ctx)
	if err != nil {
		return "", err
	}
	return c.baseURL(t, s)
}
