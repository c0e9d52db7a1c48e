package tokens_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// A losingServer loses its first response. What it does with the refresh token differs.
type losingServer struct {
	processes bool          // the request whose response is lost
	grace     time.Duration // how long it gives the same pair again
	ends      bool          // a second use of a refresh token ends the login, and its access tokens
	fails     bool          // the response to the second request is a failure

	mu     sync.Mutex
	posts  []time.Time
	pairs  int
	issued time.Time
	dead   bool
}

func (s *losingServer) pair() *csoauth.Token {
	return &csoauth.Token{AccessToken: fmt.Sprint("access-", s.pairs), RefreshToken: fmt.Sprint("refresh-", s.pairs), Expiry: time.Now().Add(time.Hour)}
}

func (s *losingServer) Refresh(_ context.Context, t *csoauth.Token) (*csoauth.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posts = append(s.posts, time.Now())
	if s.fails && len(s.posts) == 2 {
		return nil, &csoauth.Error{StatusCode: 500}
	}
	if isCurrent := t.RefreshToken == fmt.Sprint("refresh-", s.pairs); isCurrent && (s.processes || len(s.posts) > 1) {
		s.pairs++
		s.issued = time.Now()
	} else if !isCurrent && (s.dead || time.Since(s.issued) > s.grace) {
		s.dead = s.dead || s.ends
		return nil, &csoauth.Error{StatusCode: 400, Code: "invalid_grant"}
	}
	if len(s.posts) == 1 {
		return nil, io.ErrUnexpectedEOF
	}
	return s.pair(), nil
}

func (s *losingServer) isDead() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dead
}

// What a lost response costs, five minutes before the end of an access token, by what the server
// does and by whether it is asked again at once. The table in docs/decisions.md has these rows.
//
// Law: M6
func TestWhatALostResponseCosts(t *testing.T) {
	const kept, keptLate, lost, lostEarly = "kept", "kept, and a caller waits for it when the access token has ended",
		"lost when the access token has ended", "lost, and the access token at once"
	for name, row := range map[string]struct {
		server             func() *losingServer
		holdBack, askAgain string
	}{
		"it was not processed":                              {func() *losingServer { return &losingServer{} }, keptLate, kept},
		"it was not processed, and then the server is down": {func() *losingServer { return &losingServer{fails: true} }, keptLate, keptLate},
		"it was processed, and a second use is refused":     {func() *losingServer { return &losingServer{processes: true} }, lost, lost},
		"it was processed, and a second use ends all":       {func() *losingServer { return &losingServer{processes: true, ends: true} }, lost, lostEarly},
		"it was processed, and given again for 5 s":         {func() *losingServer { return &losingServer{processes: true, grace: 5 * time.Second, ends: true} }, lost, kept},
	} {
		// Within half of a lease of 2 seconds there is no time to ask again.
		for lease, want := range map[time.Duration]string{2 * time.Second: row.holdBack, 0: row.askAgain} {
			t.Run(fmt.Sprint(name, ", ", lease), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server := row.server()
					m := newManager(server, new(tokens.Memory), &tokens.Options{Lease: lease})
					require.NoError(t, m.Put(t.Context(), "user", server.pair()))
					time.Sleep(55 * time.Minute)
					got, begin := "", time.Now()
					for got == "" && time.Since(begin) < 10*time.Minute {
						token, err := m.Token(t.Context(), "user")
						switch {
						case errors.Is(err, csoauth.ErrLoginRequired):
							got = lost
							assert.ErrorContains(t, err, "before that: ", "and why it came to this")
						case err != nil:
						case server.isDead():
							got = lostEarly
						case token.AccessToken != "access-0" && time.Since(begin) > 4*time.Minute:
							got = keptLate
						case token.AccessToken != "access-0":
							got = kept
						}
						time.Sleep(time.Second)
					}
					assert.Equal(t, want, got)
					require.NoError(t, m.Close())
				})
			})
		}
	}
}

// It is asked for once more, under the same lease.
//
// Law: M6
func TestLostResponseIsAskedForOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, store := &losingServer{processes: true, grace: time.Minute}, &hooked{Store: new(tokens.Memory)}
		m := newManager(server, store, nil)
		require.NoError(t, m.Put(t.Context(), "user", server.pair()))
		time.Sleep(time.Hour)
		swaps := store.swaps
		token, err := m.Token(t.Context(), "user")
		require.NoError(t, err)
		assert.Equal(t, "access-1", token.AccessToken)
		require.Len(t, server.posts, 2)
		gap := server.posts[1].Sub(server.posts[0])
		assert.GreaterOrEqual(t, gap, time.Second)
		assert.LessOrEqual(t, gap, 2*time.Second)
		assert.Equal(t, swaps+2, store.swaps, "a lease and the pair")
		assert.Empty(t, readStored(t, store).lease)
		require.NoError(t, m.Close())
	})
}

// Law: M6
func TestLostResponseIsNotAskedForAgain(t *testing.T) {
	timeout := fmt.Errorf("reading the response: %w", context.DeadlineExceeded)
	for name, row := range map[string]struct {
		err   error
		takes time.Duration
		close bool // the Manager is closed meanwhile
		posts int
	}{
		"it was cut":                {err: io.ErrUnexpectedEOF, posts: 2},
		"502":                       {err: &csoauth.Error{StatusCode: 502}, posts: 2},
		"502, Retry-After 1 s":      {err: &csoauth.Error{StatusCode: 502, RetryAfter: time.Second}, posts: 2},
		"502, Retry-After 3 s":      {err: &csoauth.Error{StatusCode: 502, RetryAfter: 3 * time.Second}, posts: 1},
		"a time-out":                {err: timeout, posts: 1},
		"half of the lease is over": {err: io.ErrUnexpectedEOF, takes: 14500 * time.Millisecond, posts: 1},
		"the Manager is closed":     {err: io.ErrUnexpectedEOF, close: true, posts: 1},
		"it was refused":            {err: &csoauth.Error{StatusCode: 400, Code: "invalid_grant"}, posts: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var posts atomic.Int32
				m := newManager(storedRefresher(func() (*csoauth.Token, error) {
					posts.Add(1)
					time.Sleep(row.takes)
					return nil, row.err
				}), new(tokens.Memory), nil)
				require.NoError(t, m.Put(t.Context(), "user", &csoauth.Token{AccessToken: "A", RefreshToken: "R", Expiry: time.Now().Add(time.Hour)}))
				time.Sleep(55 * time.Minute)
				_, err := m.Token(t.Context(), "user")
				require.NoError(t, err)
				if row.close {
					time.Sleep(100 * time.Millisecond)
					require.NoError(t, m.Close())
				}
				time.Sleep(time.Minute)
				assert.EqualValues(t, row.posts, posts.Load())
				require.NoError(t, m.Close())
			})
		})
	}
}
