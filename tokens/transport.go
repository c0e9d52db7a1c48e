package tokens

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Client returns an HTTP client that sends the access token with each request, by [Login.Transport]
// over http.DefaultTransport. It has no time-out: give its requests a context.
func (l *Login) Client() *http.Client { return &http.Client{Transport: l.Transport(nil)} }

// Transport returns a RoundTripper that adds the access token to requests and sends them by base;
// nil is http.DefaultTransport. It replaces an Authorization header.
//
// The token goes to the scheme and host of the first request. Redirects to anywhere else are
// followed without it. A first request over http to anything but this machine is an error.
//
// If an API answers 401, the Manager gets another token: the one that the store has by now, or a
// new one by a refresh. The request is sent once more with it, if its body can be had again
// ([http.Request.GetBody]). This happens at most once a minute per key, and not for Contentstack's
// error codes 161 and 294, which are not about the token. A 401 that stays is returned as it is. If
// the refresh token was refused too, the next request ends in [csoauth.ErrLoginRequired].
func (l *Login) Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return &transport{login: l, base: base}
}

type transport struct {
	login *Login
	base  http.RoundTripper
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL == nil {
		closeBody(req)
		return nil, errors.New("tokens: the request has no URL")
	}
	first := firstHop(req)
	if !sameOrigin(first.URL, req.URL) {
		resp, err := t.base.RoundTrip(req)
		return of(req, resp), err
	}
	if req.URL.Host == "" {
		closeBody(req)
		return nil, errors.New("tokens: the request's URL has no host, as in https://host/path: do the Config's Endpoints name that service?")
	}
	if !secure(req.URL) {
		closeBody(req)
		return nil, fmt.Errorf("tokens: a token is not sent to %s over %s: use https", req.URL.Host, req.URL.Scheme)
	}
	v, err := t.login.view(req.Context())
	if err != nil {
		closeBody(req)
		return nil, err
	}
	resp, err := t.send(req, req.Body, v)
	if err != nil || resp == nil || resp.StatusCode != http.StatusUnauthorized || !rejectsToken(resp) {
		return resp, err
	}
	return t.again(req, resp, v)
}

// again replaces the token that got a 401, and sends the request once more if that is possible.
func (t *transport) again(req *http.Request, rejection *http.Response, v *view) (*http.Response, error) {
	repeatable := req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
	if !repeatable {
		t.login.m.reject(t.login.key, v.token.AccessToken)
		return rejection, nil
	}
	better := t.login.m.replace(req.Context(), t.login.key, v.token.AccessToken)
	if better == nil {
		return rejection, nil
	}
	body := req.Body
	if req.GetBody != nil {
		var err error
		if body, err = req.GetBody(); err != nil {
			return rejection, nil
		}
	}
	// What is read to its end leaves a connection that can be used again.
	_, _ = io.CopyN(io.Discard, rejection.Body, maxPeek)
	rejection.Body.Close()
	return t.send(req, body, better)
}

// A hop is a request as it goes out. It has the header's value in the same piece of memory.
type hop struct {
	http.Request
	authorization [1]string
}

// send sends a copy of req: a RoundTripper must not change what it is given.
func (t *transport) send(req *http.Request, body io.ReadCloser, v *view) (*http.Response, error) {
	h := &hop{Request: *req, authorization: [1]string{v.bearer}}
	h.Body = body
	h.Header = make(http.Header, len(req.Header)+1)
	for name, values := range req.Header {
		h.Header[name] = values[:len(values):len(values)] // an append must not reach the caller's
	}
	h.Header["Authorization"] = h.authorization[:]
	resp, err := t.base.RoundTrip(&h.Request)
	return of(req, resp), err
}

// of makes resp the response to the request as the caller knows it. That one has no token, and
// links to the hops before it, by which the next hop finds the first.
func of(req *http.Request, resp *http.Response) *http.Response {
	if resp != nil {
		resp.Request = req
	}
	return resp
}

// firstHop returns the request that led to req by redirects.
func firstHop(req *http.Request) *http.Request {
	for req.Response != nil && req.Response.Request != nil {
		req = req.Response.Request
	}
	return req
}

func sameOrigin(a, b *url.URL) bool {
	return a == b || strings.EqualFold(a.Scheme, b.Scheme) && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case strings.EqualFold(u.Scheme, "https"):
		return "443"
	}
	return "80"
}

// secure reports whether what is sent to u is encrypted, or stays on this machine.
func secure(u *url.URL) bool {
	if strings.EqualFold(u.Scheme, "https") {
		return true
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return strings.EqualFold(u.Scheme, "http") && (strings.EqualFold(u.Hostname(), "localhost") || err == nil && ip.IsLoopback())
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}

// maxPeek is how much of a 401 is read to see what it is about.
const maxPeek = 64 << 10

// rejectsToken reports whether a 401 is about the token. Contentstack also sends it with error code
// 294 if it wants a second factor, and with 161 for the environment or a permission. The response's
// body can still be read from its beginning.
func rejectsToken(resp *http.Response) bool {
	if resp.Body == nil {
		resp.Body = http.NoBody // a RoundTripper of a test may leave it out
	}
	head, err := io.ReadAll(io.LimitReader(resp.Body, maxPeek))
	rest := io.Reader(resp.Body)
	if err != nil {
		rest = brokenReader{err}
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), rest), resp.Body}
	var said struct {
		ErrorCode json.RawMessage `json:"error_code"`
	}
	_ = json.Unmarshal(head, &said) // a body that is not JSON has neither code
	code := strings.Trim(string(said.ErrorCode), `"`)
	return code != "161" && code != "294"
}

type brokenReader struct{ err error }

func (r brokenReader) Read([]byte) (int, error) { return 0, r.err }

// forcedFor is how long a token that came because of a 401 is not replaced because of another.
const forcedFor = time.Minute

// replace gets another token in place of one that an API has rejected (law M9: only if it is still
// the key's, and once a minute). It returns nil if there is none.
func (m *Manager) replace(ctx context.Context, key, rejected string) *view {
	for range 2 { // the first time, the key may not be in memory any more
		m.reject(key, rejected)
		v, _, err := m.ask(ctx, key)
		if err != nil {
			return nil
		}
		if v.token.AccessToken != rejected {
			return v
		}
	}
	return nil
}

// reject ends key's access token, if that is the rejected one.
func (m *Manager) reject(key, rejected string) {
	if k := m.cache.find(key); k != nil {
		k.reject(rejected)
	}
}
