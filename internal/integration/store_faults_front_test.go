package integration_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

// A tradeFront is a front that keeps which refresh tokens were sent and traded. It can hold a
// request before the server has it, and a response before the client has it. What it has read goes
// on to the server even if its sender is gone by then.
type tradeFront struct {
	*front
	base string // URL

	mu     sync.Mutex
	sent   map[string]int    // refresh tokens, how often
	traded map[string]bool   // those for which the server has given another
	first  map[string]string // of each refresh token, the first of its login
	reused map[string]bool   // by the first: a refresh token of the login came after it had been traded
	before func() (drop bool)
	after  func() (drop bool)

	missing  int           // how many refreshes gather still waits for
	together chan struct{} // closed when they are there; nil: it waits for none
}

func newTradeFront(t *testing.T, server string) *tradeFront {
	f := &tradeFront{
		front: newFront(t, server),
		sent:  map[string]int{}, traded: map[string]bool{}, first: map[string]string{}, reused: map[string]bool{},
	}
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	f.base = s.URL
	return f
}

// hold calls the functions with the next refresh: before the server has it, and before its sender
// has the response. Nil: nothing. The connection breaks if one returns true.
func (f *tradeFront) hold(before, after func() (drop bool)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before, f.after = before, after
}

// gather keeps refreshes from the server until there are n of them, and closes the channel then.
func (f *tradeFront) gather(n int) (together <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.missing, f.together = n, make(chan struct{})
	return f.together
}

// await waits, if a refresh is one of those that gather keeps, until all are there.
func (f *tradeFront) await(ctx context.Context) {
	f.mu.Lock()
	together := f.together
	if f.missing--; f.missing == 0 {
		close(together)
	}
	f.mu.Unlock()
	if together != nil {
		select {
		case <-together:
		case <-ctx.Done():
		}
	}
}

func (f *tradeFront) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // half a request, of a process that died over it
	}
	form, _ := url.ParseQuery(string(body))
	refresh := form.Get("refresh_token")
	var before, after func() bool
	if refresh != "" {
		before, after = f.came(refresh)
		f.await(r.Context())
	}
	if before != nil && before() {
		panic(http.ErrAbortHandler)
	}
	r = r.WithContext(context.WithoutCancel(r.Context()))
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	f.front.ServeHTTP(answer, r)
	f.answered(refresh, answer.Body.Bytes())
	if after != nil && after() {
		panic(http.ErrAbortHandler)
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // a client that died does not read it
}

// came notes a refresh, and returns what is to be done to it.
func (f *tradeFront) came(refresh string) (before, after func() bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent[refresh]++
	if f.traded[refresh] {
		f.reused[f.first[refresh]] = true
	}
	before, after = f.before, f.after
	f.before, f.after = nil, nil
	return before, after
}

// answered notes what the server gave for a refresh token, or for a code.
func (f *tradeFront) answered(refresh string, answer []byte) {
	var pair struct {
		Refresh string `json:"refresh_token"`
	}
	if json.Unmarshal(answer, &pair) != nil || pair.Refresh == "" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if refresh == "" {
		f.first[pair.Refresh] = pair.Refresh
		return
	}
	f.traded[refresh] = true
	f.first[pair.Refresh] = f.first[refresh]
}

// spent reports whether the login of a refresh token cannot go on with it: it was traded, or one of
// its login came again after that.
func (f *tradeFront) spent(refresh string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.traded[refresh] || f.reused[f.first[refresh]]
}

// uses returns how often refresh tokens of the login were sent, and how many of them were traded.
func (f *tradeFront) uses(refresh string) (sent, traded int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for token, n := range f.sent {
		if f.first[token] == f.first[refresh] {
			sent += n
		}
	}
	for token := range f.traded {
		if f.first[token] == f.first[refresh] {
			traded++
		}
	}
	return sent, traded
}

// requireUses fails unless the login of key had so many refreshes sent, and so many of them traded.
func (s *faultSite) requireUses(t *testing.T, key string, sent, traded int) {
	t.Helper()
	gotSent, gotTraded := s.front.uses(readFaultRecord(t, s.store, key).token.RefreshToken)
	require.Equal(t, sent, gotSent, "requests to the token endpoint")
	require.Equal(t, traded, gotTraded, "refresh tokens that the server took")
}

// assertNoneAgain fails if any refresh token was sent twice.
func (f *tradeFront) assertNoneAgain(t *testing.T) {
	t.Helper()
	f.assertNoTokenTwice(t)
	f.mu.Lock()
	defer f.mu.Unlock()
	assert.Empty(t, f.reused)
}

// csoauthLogout reports whether an error says that the user has to log in.
func csoauthLogout(err error) bool { return errors.Is(err, csoauth.ErrLoginRequired) }
