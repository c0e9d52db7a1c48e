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

// A Source returns the access token of one login. A [*tokens.Login] of package tokens is a Source
// that refreshes the token. [Static] returns a Source of a single token.
//
// [*tokens.Login]: https://pkg.go.dev/github.com/contentstack/csoauth/tokens#Login
type Source interface {
	// Token returns the current token. The error is csoauth.ErrLoginRequired if there is no token
	// any more.
	Token(ctx context.Context) (*csoauth.Token, error)
	// Invalidate reports that an API has rejected an access token. If Token returns another one
	// afterwards, the Client repeats the request once with it.
	Invalidate(ctx context.Context, accessToken string) error
}

// Static returns a Source that always returns t.
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

// Options configure a Client. The zero value means all defaults.
type Options struct {
	// Base sends the requests. Nil: the Transport of the Config's HTTPClient, or else
	// http.DefaultTransport.
	Base http.RoundTripper
	// Timeout is how long one try of a call may take, including its response. Zero: 30 seconds. It
	// does not apply to HTTPClient.
	Timeout time.Duration
}

// A Client makes requests with the token of one login. It is safe for concurrent use. Use one
// Client for all requests of a login. For other logins of the same app, call [Client.For]: these
// Clients share the pauses that Contentstack asks for.
type Client struct {
	config  *csoauth.Config
	source  Source
	base    http.RoundTripper
	timeout time.Duration
	paces   *paces
}

// New returns a Client for the login of s. c is the Config that got the tokens of s. s may be nil
// if you only use For. o may be nil.
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

// Format prints the Client under every verb, without secrets.
func (c Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "csapi.Client") }

// For returns a Client for another login. It shares everything else with c, so a pause for an
// organization holds for all its users. It is cheap: one allocation.
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
		err = errors.New("csapi: the Source returned neither a token nor an error")
	}
	return t, err
}

// BaseURL returns the base URL of a service in the region of the current token, without a trailing
// slash. It is for an SDK that needs it. A token of another region may replace the token later.
// Then requests of HTTPClient to the old host fail, and you must call BaseURL again.
func (c *Client) BaseURL(ctx context.Context, s Service) (string, error) {
	t, err := c.token(ctx)
	if err != nil {
		return "", err
	}
	return c.baseURL(t, s)
}
