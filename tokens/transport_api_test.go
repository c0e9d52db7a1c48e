package tokens_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// An api is what a Transport sends to: an http.RoundTripper that responds from memory and keeps the
// requests.
type api struct {
	answer func(n int, r *http.Request) (*http.Response, error) // to the nth request, from 1; nil: 200

	mu   sync.Mutex
	hops []apiHop
}

// An apiHop is a request as the api saw it.
type apiHop struct{ url, authorization, body string }

func (a *api) RoundTrip(r *http.Request) (*http.Response, error) {
	h := apiHop{url: r.URL.String(), authorization: strings.Join(r.Header.Values("Authorization"), ", ")}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			return nil, err
		}
		h.body = string(body)
	}
	a.mu.Lock()
	a.hops = append(a.hops, h)
	n := len(a.hops)
	a.mu.Unlock()
	if a.answer == nil {
		return httpAnswer(http.StatusOK, "application/json", `{"ok":true}`), nil
	}
	return a.answer(n, r)
}

// bearers returns the Authorization headers that came, in order.
func (a *api) bearers() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []string
	for _, h := range a.hops {
		all = append(all, h.authorization)
	}
	return all
}

func (a *api) bodies() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []string
	for _, h := range a.hops {
		all = append(all, h.body)
	}
	return all
}

// loggedOut is Contentstack's response to an access token that is not good.
const loggedOut = `{"error_message":"You're not allowed in here unless you're logged in.","error_code":105,"errors":{}}`

// takesOnly responds with 401 to every token but one of good.
func takesOnly(good ...string) func(int, *http.Request) (*http.Response, error) {
	return func(_ int, r *http.Request) (*http.Response, error) {
		for _, token := range good {
			if r.Header.Get("Authorization") == "Bearer "+token {
				return httpAnswer(http.StatusOK, "application/json", `{"ok":true}`), nil
			}
		}
		return httpAnswer(http.StatusUnauthorized, "application/json", loggedOut), nil
	}
}

// transportManager is a Manager over a new Memory with the login of "user", whose token is
// access-user-1.
func transportManager(t *testing.T, p *provider, o *tokens.Options) *tokens.Manager {
	t.Helper()
	m := newManager(p.config(), new(tokens.Memory), o)
	t.Cleanup(func() { assert.NoError(t, m.Close()) })
	require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
	return m
}

// anyHost is a Refresher that does not name the hosts of a token: then any host may be the first.
type anyHost struct{ config *csoauth.Config }

func (r anyHost) Refresh(ctx context.Context, t *csoauth.Token) (*csoauth.Token, error) {
	return r.config.Refresh(ctx, t)
}

func anyHostManager(t *testing.T, p *provider) *tokens.Manager {
	t.Helper()
	m := newManager(anyHost{p.config()}, new(tokens.Memory), nil)
	t.Cleanup(func() { assert.NoError(t, m.Close()) })
	require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
	return m
}

// transportGet is a GET that has no body and so can be sent again.
func transportGet(t *testing.T, rt http.RoundTripper, url string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	resp, err := rt.RoundTrip(req)
	require.NoError(t, err)
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// A recordedBody is a body that remembers how it was used.
type recordedBody struct {
	io.Reader
	mu     sync.Mutex
	read   int
	closed int
}

func (b *recordedBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.read += n
	return n, err
}

func (b *recordedBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed++
	return nil
}

func (b *recordedBody) counts() (read, closed int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.read, b.closed
}
