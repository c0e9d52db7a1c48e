package tokens

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/bearer"
)

// Client returns an HTTP client that sends the access token with each request. It uses
// [Login.Transport] over [http.DefaultTransport]. It has no time-out, so give its requests a
// context with a deadline.
func (l *Login) Client() *http.Client { return &http.Client{Transport: l.Transport(nil)} }

// Transport returns a RoundTripper that adds the access token to requests and sends them with base.
// A nil base means [http.DefaultTransport]. Transport replaces an Authorization header.
//
// Transport sends the token only to these hosts: those of the Config for the token's region
// ([csoauth.Config.HostsFor]), and those of Options.Hosts. It sends a request to any other host
// without a token, and reports the host once with EventTokenWithheld. If the Refresher has no
// HostsFor method, and Options.Hosts is empty, the first request may go to any host with the token.
//
// The token does not follow a redirect to another scheme or host than that of the first request.
// All later requests of that chain go without the token, even back to the first host. Transport
// returns an error for a first request that would carry the token to another machine over http.
//
// If an API responds with 401, the Manager gets another token: a newer one from the store, or a new
// one by a refresh. Transport then repeats the request once, if it can read the body again
// ([http.Request.GetBody]). This happens at most once a minute per key, and less often if the API
// rejects new tokens too. It does not happen for Contentstack's error codes 161 and 294, which are
// not about the token.
//
// Transport returns a remaining 401 unchanged, with one exception. If the 401 says that the access
// token is invalid, and Contentstack refused the refresh token too, the login has ended. Then the
// request fails with [csoauth.ErrLoginRequired].
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

// Format prints neither the key nor base, whose fields other goroutines may be writing.
func (t *transport) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "tokens.Transport") }

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL == nil {
		return refuse(req, errors.New("tokens: the request has no URL"))
	}
	if !bearer.IsFirstOrigin(req) {
		return t.sendPlain(req)
	}
	if req.URL.Host == "" {
		return refuse(req, errors.New("tokens: the request's URL has no host, as in https://host/path: do the Config's Endpoints name that service?"))
	}
	v, err := t.login.view(req.Context())
	switch {
	case err != nil:
		return refuse(req, err)
	case !t.login.m.goesTo(req.URL, v):
		t.login.m.reportWithheld(t.login.key, req.URL)
		return t.sendPlain(req)
	case !bearer.IsSecure(req.URL):
		return refuse(req, fmt.Errorf("tokens: a token is not sent to %s over %s: use https", req.URL.Host, req.URL.Scheme))
	}
	resp, err := t.send(req, req.Body, v)
	if err != nil || resp == nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	if said := bearer.Judge(resp); said != bearer.NotTheToken {
		return t.again(req, resp, rejection{v.token.AccessToken, req.URL.Host, said == bearer.TheToken})
	}
	return resp, nil
}

// A rejection is a 401 to an access token.
type rejection struct {
	accessToken string
	host        string // of the API
	clear       bool   // it says that the token is invalid
}

// again replaces the token that got a 401, and sends the request once more if that is possible.
func (t *transport) again(req *http.Request, unauthorized *http.Response, r rejection) (*http.Response, error) {
	isRepeatable := req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
	if !isRepeatable {
		t.login.m.reject(t.login.key, r)
		return unauthorized, nil
	}
	better, err := t.login.m.replace(req.Context(), t.login.key, r)
	switch {
	case err != nil && r.clear && isRefusal(err):
		bearer.Drain(unauthorized)
		return nil, fmt.Errorf("tokens: %s responded with 401, and there is no new token: %w", r.host, err)
	case better == nil || !t.login.m.goesTo(req.URL, better): // it may be of another region
		return unauthorized, nil
	}
	body := req.Body
	if req.GetBody != nil {
		if body, err = req.GetBody(); err != nil {
			return unauthorized, nil
		}
	}
	bearer.Drain(unauthorized)
	return t.send(req, body, better)
}

// isRefusal reports whether err says that the refresh token was refused, and not that there is no
// login or no refresh token.
func isRefusal(err error) bool {
	return errors.Is(err, csoauth.ErrLoginRequired) && !errors.Is(err, ErrNotFound) && !errors.Is(err, errNoRenew)
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
	h.Header = bearer.With(req.Header, h.authorization[:])
	resp, err := t.base.RoundTrip(&h.Request)
	return of(req, resp), err
}

func (t *transport) sendPlain(req *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(req)
	return of(req, resp), err
}

// of makes resp the response to the caller's request. That request has no token. It links to the
// hops before it, so the next hop can find the first one.
func of(req *http.Request, resp *http.Response) *http.Response {
	if resp != nil {
		resp.Request = req
	}
	return resp
}

// refuse closes the body of a request that is not sent.
func refuse(req *http.Request, err error) (*http.Response, error) {
	if req.Body != nil {
		req.Body.Close()
	}
	return nil, err
}

// goesTo reports whether u's host may get the token of v.
func (m *Manager) goesTo(u *url.URL, v *view) bool {
	switch {
	case m.hosts.Take(u):
		return true
	case m.hostsFor != nil:
		return bearer.Takes(m.hostsFor(&v.token), u)
	}
	return len(m.hosts) == 0
}

// maxWithheld is how many hosts are named at most.
const maxWithheld = 1000

// reportWithheld says, once for each host, that it does not get tokens.
func (m *Manager) reportWithheld(key string, u *url.URL) {
	m.mu.Lock()
	told := m.withheld[u.Host] || len(m.withheld) == maxWithheld
	if !told {
		m.withheld[u.Host] = true
	}
	m.mu.Unlock()
	if !told {
		m.report(Event{Type: EventTokenWithheld, Key: key, Err: fmt.Errorf("tokens: %q is neither a host of this token's region nor one of Options.Hosts", u.Host)})
	}
}

// replace gets another token in place of one that an API has rejected (law M9: only if it is still
// the key's). It returns nil and no error if there is no other token, or not yet.
func (m *Manager) replace(ctx context.Context, key string, r rejection) (*view, error) {
	for range 2 { // the first time, the key may not be in memory any more
		m.reject(key, r)
		v, _, err := m.ask(ctx, key)
		if err != nil {
			return nil, err
		}
		if v.token.AccessToken != r.accessToken {
			return v, nil
		}
	}
	return nil, nil
}

// reject ends key's access token, if that is the rejected one.
func (m *Manager) reject(key string, r rejection) {
	if k := m.cache.find(key); k != nil {
		k.reject(r)
	}
}
