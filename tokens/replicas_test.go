package tokens_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

// Law: M3
func TestReplicasShareOneRefresh(t *testing.T) {
	for _, n := range []int{2, 10} {
		for name, wait := range map[string]func(*provider){"near the end": nearEnd, "at the end": atEnd} {
			t.Run(fmt.Sprintf("%d %s", n, name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p, store := newProvider(), new(tokens.Memory)
					all := replicas(t, n, p, store, nil)
					p.takes = 3 * time.Second
					for round := range 3 {
						wait(p)
						var asking sync.WaitGroup
						for _, m := range all {
							for range 10 {
								asking.Go(func() {
									_, err := m.Token(t.Context(), "user")
									assert.NoError(t, err)
								})
							}
						}
						asking.Wait()
						time.Sleep(5 * time.Second) // near the end it goes on in the background
						want := readStored(t, store).token
						for _, m := range all {
							assert.Equal(t, want.AccessToken, access(t, m))
						}
						assert.Equal(t, round+1, p.asked())
						p.requireAlive(t, &want)
					}
				})
			})
		}
	}
}

// A process that knows nothing yet finds a token in the store that is good: its callers get that
// one too.
//
// Law: M3
func TestOldTokenIsServedUnderAnothersLease(t *testing.T) {
	for name, left := range map[string]time.Duration{
		"in the background": 5 * time.Minute, "where callers wait": 20 * time.Second, "nothing is due": 30 * time.Minute,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), new(tokens.Memory)
				all := append(replicas(t, 1, p, store, nil), replica(t, p, store, nil))
				time.Sleep(p.lives - left)
				leaveLease(t, store, "of another process", time.Minute)
				for range 5 {
					for _, m := range all {
						got := <-ask(t.Context(), m)
						require.NoError(t, got.err)
						assert.Equal(t, "access-user-1", got.token.AccessToken)
						assert.Zero(t, got.took, "nobody waits for others with a token that is good")
					}
					time.Sleep(time.Second)
				}
				assert.Equal(t, 0, p.asked())
			})
		})
	}
}

// The stored token is offered while the refresh goes on, but near its end the new one is waited
// for.
func TestNewProcessServesTheTokenThatIsStored(t *testing.T) {
	for left, row := range map[time.Duration]struct {
		access string
		takes  time.Duration
	}{5 * time.Minute: {"access-user-1", 0}, 20 * time.Second: {"access-user-2", time.Second}} {
		t.Run(left.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), new(tokens.Memory)
				replicas(t, 1, p, store, nil)
				p.takes = time.Second
				time.Sleep(p.lives - left)
				got := <-ask(t.Context(), replica(t, p, store, nil))
				require.NoError(t, got.err)
				assert.Equal(t, row.access, got.token.AccessToken)
				assert.Equal(t, row.takes, got.took)
			})
		})
	}
}

func TestOthersResultIsAdoptedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		all := replicas(t, 2, p, store, nil)
		for _, takes := range []time.Duration{10 * time.Millisecond, 300 * time.Millisecond, 3 * time.Second, 25 * time.Second} {
			atEnd(p)
			p.takes = takes
			answer := ask(t.Context(), all[0])
			synctest.Wait()
			loads := store.loads
			got := <-ask(t.Context(), all[1])
			require.NoError(t, got.err)
			assert.LessOrEqual(t, got.took, takes+time.Second)
			assert.Equal(t, (<-answer).token.AccessToken, got.token.AccessToken)
			// At least a quarter of a second apart on average: a second with jitter, and less in
			// the beginning.
			assert.LessOrEqual(t, store.loads-loads, 8+4*int(takes.Seconds()), "looks at the store")
		}
		assert.Equal(t, 4, p.asked())
	})
}

func TestWaitForAnotherEndsWithTheLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		all := replicas(t, 2, p, store, nil)
		atEnd(p)
		leaveLease(t, store, "of another process", time.Minute)
		answer := ask(t.Context(), all[0])
		time.Sleep(5 * time.Second)
		require.NoError(t, all[1].Delete(t.Context(), "user"))
		got := <-answer
		require.ErrorIs(t, got.err, tokens.ErrNotFound)
		assert.LessOrEqual(t, got.took, 6*time.Second)
		assert.Equal(t, 0, p.asked())
	})
}
