package csapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/bearer"
	"github.com/contentstack/csoauth/internal/useragent"
)

// HTTPClient returns an HTTP client for other SDKs, for uploads, and for responses that are not
// JSON. It accepts only absolute URLs of the login's hosts, such as those of [Client.BaseURL]. A
// request to any other host returns an error.
//
// It adds the access token to each request, and replaces any Authorization header. It removes
// headers without a value, and an authtoken header, which must not be sent together with the token.
// It sets organization_uid if the request has neither organization_uid nor api_key.
//
// It repeats requests as [Client.Get] does, if it can read the body again ([http.Request.GetBody]).
// Otherwise, and after the last try, it returns the response unchanged: see [CheckResponse]. It
// follows a redirect to another host without the token and these headers.
//
// It has no time-out, so give its requests a context with a deadline.
func (c *Client) HTTPClient() *http.Client { return &http.Client{Transport: &transport{c}} }

type transport struct{ client *Client }

// Format prints nothing of the Client, under any verb.
func (t *transport) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "csapi.Transport") }

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL == nil {
		return refuse(req, errors.New("csapi: the request has no URL"))
	}
	if !bearer.IsFirstOrigin(req) {
		resp, err := t.client.base.RoundTrip(withoutLogin(req))
		return of(req.Context(), req, resp), err
	}
	first := true
	got, err := t.client.send(req.Context(), plan{
		repeatable: req.Body == nil || req.Body == http.NoBody || req.GetBody != nil,
		request: func(token *csoauth.Token) (*http.Request, error) {
			out, err := t.request(req, token, first)
			first = false
			return out, err
		},
	})
	if err != nil {
		return refuse(req, wrapped(req, err))
	}
	return of(context.WithValue(req.Context(), exchangeKey{}, exchange{t.client, got}), req, got.Response), nil
}

// CheckResponse checks a response of [Client.HTTPClient]. It returns nil if the status is 2xx, and
// an [*Error] otherwise. To make the Error it reads the body. It does not close the body.
func CheckResponse(resp *http.Response) error {
	if resp.StatusCode >= 200 && resp.StatusCode <= 299 {
		return nil
	}
	req := resp.Request
	what := call{method: req.Method, path: cmp.Or(req.URL.Opaque, req.URL.Path)}
	got := &reply{Response: resp, token: &csoauth.Token{}, again: retryAfter(resp.Header)}
	if e, ok := req.Context().Value(exchangeKey{}).(exchange); ok {
		got = e.got
		what.service = e.client.serviceAt(got.token, req.URL.Host)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxError+1))
	if err != nil {
		return what.failed(req.Context(), fmt.Errorf("%s, and the response broke off: %w", resp.Status, withoutToken(err, got.token.AccessToken)))
	}
	return what.refused(got, body)
}

// serviceAt returns the first service that a token has at a host.
func (c *Client) serviceAt(t *csoauth.Token, host string) Service {
	for _, s := range Services() {
		base, err := c.baseURL(t, s)
		if u, parseErr := url.Parse(base); err == nil && parseErr == nil && u.Host == host {
			return s
		}
	}
	return ContentManagement
}

// An exchange is in the context of a response's request, for CheckResponse.
type exchange struct {
	client *Client
	got    *reply
}

type exchangeKey struct{}

// request returns req as it goes out with a token.
func (t *transport) request(req *http.Request, token *csoauth.Token, first bool) (*http.Request, error) {
	switch {
	case !bearer.Takes(t.client.config.HostsFor(token), req.URL):
		return nil, fmt.Errorf("%q is not a host of the token's region: use BaseURL", req.URL.Host)
	case !bearer.IsSecure(req.URL):
		return nil, fmt.Errorf("a token is not sent to %s over %s: use https", req.URL.Host, req.URL.Scheme)
	}
	out := req.WithContext(req.Context())
	out.Header = bearer.With(req.Header, []string{"Bearer " + token.AccessToken})
	if !first && req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, fmt.Errorf("the body cannot be read again: %w", err)
		}
		out.Body = body
	}
	has := func(name string) (found bool) {
		for key, values := range out.Header {
			if strings.EqualFold(key, name) && len(values) > 0 {
				found = true
			}
		}
		return found
	}
	for key, values := range out.Header {
		if strings.EqualFold(key, "authtoken") || strings.Join(values, "") == "" {
			delete(out.Header, key)
		}
	}
	if token.OrganizationUID != "" && !has("organization_uid") && !has("api_key") {
		out.Header["organization_uid"] = []string{token.OrganizationUID}
	}
	if !has("User-Agent") {
		out.Header.Set("User-Agent", useragent.After(t.client.config.UserAgent))
	}
	return out, nil
}

// withoutLogin returns req without what is for the login's hosts alone. net/http takes the headers
// of the first request along to each redirect; it leaves out Authorization, and only if the host is
// another.
func withoutLogin(req *http.Request) *http.Request {
	out := req.Clone(req.Context())
	for key := range out.Header {
		for _, name := range []string{"authorization", "authtoken", "api_key", "organization_uid"} {
			if strings.EqualFold(key, name) {
				delete(out.Header, key)
			}
		}
	}
	return out
}

func wrapped(req *http.Request, err error) error {
	return fmt.Errorf("csapi: %s %s: %w", req.Method, cmp.Or(req.URL.Opaque, req.URL.Path), err)
}

// of makes resp the response to the caller's request, so that the next hop of a redirect can find
// the first one.
func of(ctx context.Context, req *http.Request, resp *http.Response) *http.Response {
	if resp != nil {
		resp.Request = req.WithContext(ctx)
	}
	return resp
}

// refuse closes the body of a request that has failed.
func refuse(req *http.Request, err error) (*http.Response, error) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return nil, err
}
