package tokens_test

import (
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

// Law: M3
func TestLeaseIsStoredBeforeThePost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		m := replicas(t, 1, p, store, nil)[0]
		seen := map[string]bool{}
		var before stored
		p.before = func(int, *http.Request) (*http.Response, error) {
			r := readStored(t, store)
			assert.Equal(t, before.token, r.token)
			assert.Equal(t, before.seq, r.seq)
			assert.NotEmpty(t, r.lease)
			assert.False(t, seen[r.lease], "each attempt has a lease of its own")
			assert.Equal(t, 30*time.Second, r.leaseLength)
			seen[r.lease] = true
			return nil, nil
		}
		for range 3 {
			before = readStored(t, store)
			require.Empty(t, before.lease)
			atEnd(p)
			access(t, m)
			after := readStored(t, store)
			assert.Empty(t, after.lease, "the new pair takes the lease's place")
			assert.Equal(t, before.seq+1, after.seq)
		}
		assert.Len(t, seen, 3)
	})
}

// A process that waits to try again must not keep the others away meanwhile.
//
// Law: M3
func TestNobodySleepsUnderALease(t *testing.T) {
	for name, fail := range map[string]func() (*http.Response, error){
		"500": func() (*http.Response, error) {
			return httpAnswer(http.StatusInternalServerError, "text/html", "oops"), nil
		},
		"nobody reached": func() (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), new(tokens.Memory)
				all := replicas(t, 2, p, store, nil)
				before := readStored(t, store)
				p.before = func(int, *http.Request) (*http.Response, error) { return fail() }
				atEnd(p)
				_, err := all[0].Token(t.Context(), "user")
				require.Error(t, err)
				require.Equal(t, string(before.raw), string(readStored(t, store).raw), "the record is as it was")

				// Another replica, which was not told to wait, does not.
				p.before = nil
				got := <-ask(t.Context(), all[1])
				require.NoError(t, got.err)
				assert.Equal(t, p.takes, got.took)
			})
		})
	}
}

// The store swallowed the swap that takes the lease off. It is still ours, and not waited for.
func TestOwnLeaseThatStoodIsNobodyElses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		m := replicas(t, 1, p, store, nil)[0]
		p.before = func(int, *http.Request) (*http.Response, error) {
			store.mu.Lock()
			defer store.mu.Unlock()
			store.swap = func(int, string, []byte, []byte) error { return errStoreDown }
			return httpAnswer(http.StatusServiceUnavailable, "text/html", "oops"), nil
		}
		atEnd(p)
		_, err := m.Token(t.Context(), "user")
		require.Error(t, err)
		require.NotEmpty(t, readStored(t, store).lease)

		p.before, store.swap = nil, nil
		time.Sleep(2 * time.Second) // the backoff
		got := <-ask(t.Context(), m)
		require.NoError(t, got.err)
		assert.Equal(t, "access-user-2", got.token.AccessToken)
		assert.Equal(t, p.takes, got.took)
	})
}

// Law: M3
func TestSlowSwapLeavesNoTimeForThePost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		all := replicas(t, 2, p, store, nil)
		first := store.swaps + 1
		store.swapped = func(n int, _ string, err error) error {
			if n == first {
				time.Sleep(20 * time.Second) // a store that does not heed its context
			}
			return err
		}
		atEnd(p)
		_, err := all[0].Token(t.Context(), "user")
		require.ErrorContains(t, err, "leaves no time")
		assert.Equal(t, 0, p.asked())
		assert.Empty(t, readStored(t, store).lease, "others need not wait")

		got := <-ask(t.Context(), all[1])
		require.NoError(t, got.err)
		assert.Equal(t, p.takes, got.took)
	})
}

// Law: M3
func TestPostEndsWithTheLease(t *testing.T) {
	for name, slow := range map[string]time.Duration{"of a fast store": 0, "of a slow store": 9 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
				m := replicas(t, 1, p, store, nil)[0]
				atEnd(p)
				began, first := time.Now(), store.swaps+1
				store.swap = func(n int, _ string, _, _ []byte) error {
					if n == first {
						time.Sleep(slow)
					}
					return nil
				}
				p.before = func(_ int, r *http.Request) (*http.Response, error) {
					deadline, ok := r.Context().Deadline()
					assert.True(t, ok)
					assert.LessOrEqual(t, deadline.Sub(began), 30*time.Second, "of the lease's begin, not the POST's")
					<-r.Context().Done()
					assert.LessOrEqual(t, time.Since(began), 30*time.Second)
					return nil, r.Context().Err()
				}
				_, err := m.Token(t.Context(), "user")
				require.Error(t, err)
				assert.Equal(t, 1, p.asked())
			})
		})
	}
}
