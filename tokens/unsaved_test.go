package tokens_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

// A brokenLater is a store for key "user" that takes the lease of the next refresh and nothing
// after it, until it is repaired.
type brokenLater struct {
	*hooked
	mu     sync.Mutex
	swaps  int // of key "user", while it is broken
	broken bool
}

func newBrokenLater() *brokenLater {
	b := &brokenLater{hooked: &hooked{Store: new(tokens.Memory)}}
	b.load = func(_ int, key string) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.broken && b.swaps > 1 && key == "user" {
			return errStoreDown
		}
		return nil
	}
	b.swap = func(_ int, key string, _, _ []byte) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if !b.broken || key != "user" {
			return nil
		}
		if b.swaps++; b.swaps > 1 {
			return errStoreDown
		}
		return nil
	}
	return b
}

// setBroken breaks it, or fixes it.
func (b *brokenLater) setBroken(broken bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.broken, b.swaps = broken, 0
}

// unsavedReplica returns a Manager that has the pair access-user-2, which the store could not take.
func unsavedReplica(t *testing.T, p *provider, store *brokenLater, o *tokens.Options) *tokens.Manager {
	t.Helper()
	m := replicas(t, 1, p, store, o)[0]
	atEnd(p)
	store.setBroken(true)
	got := <-ask(t.Context(), m)
	require.NoError(t, got.err)
	require.Equal(t, "access-user-2", got.token.AccessToken)
	require.LessOrEqual(t, got.took, 10*time.Second, "callers do not wait for a store that is down for long")
	require.Equal(t, "access-user-1", readStored(t, store.Store).token.AccessToken)
	return m
}

// Law: M4
func TestUnsavedPairIsUsedAndReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store, events := newProvider(), newBrokenLater(), new(eventLog)
		m := unsavedReplica(t, p, store, &tokens.Options{OnEvent: events.add})
		synctest.Wait()
		require.Equal(t, []tokens.EventType{tokens.EventSaveFailed}, events.types())
		require.ErrorIs(t, events.all[0].Err, errStoreDown)
		for range 50 { // nearly to its end
			time.Sleep(time.Minute)
			assert.Equal(t, "access-user-2", access(t, m))
		}
		assert.Equal(t, 1, p.asked())
	})
}

// The store takes anything but the new pair, as one does that is full.
//
// Law: M4
func TestLeaseOfAnUnsavedPairStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		m := replicas(t, 1, p, store, nil)[0]
		store.swap = func(_ int, _ string, _, value []byte) error {
			if bytes.Contains(value, []byte("access-user-2")) {
				return errStoreDown
			}
			return nil
		}
		atEnd(p)
		assert.Equal(t, "access-user-2", access(t, m))
		lease := readStored(t, store).lease
		require.NotEmpty(t, lease)
		for range 10 {
			time.Sleep(time.Minute)
			access(t, m)
			assert.Equal(t, lease, readStored(t, store).lease)
		}
	})
}

// Law: M4
func TestUnsavedPairIsSavedWhenTheStoreIsBack(t *testing.T) {
	for _, down := range []time.Duration{20 * time.Second, 5 * time.Minute, 40 * time.Minute} {
		t.Run(down.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), newBrokenLater()
				unsavedReplica(t, p, store, nil)
				time.Sleep(down)
				// Nobody calls the Manager. It tries by itself, less and less often.
				store.hooked.mu.Lock()
				tries := store.loads
				store.hooked.mu.Unlock()
				assert.LessOrEqual(t, tries, 30+int(down/(2*time.Minute)))
				store.setBroken(false)
				time.Sleep(min(5*time.Minute, down+5*time.Second))
				synctest.Wait()
				now := readStored(t, store)
				assert.Equal(t, "access-user-2", now.token.AccessToken)
				assert.Empty(t, now.lease)
				assert.Equal(t, 1, p.asked())
				p.requireAlive(t, &now.token)
			})
		})
	}
}

func TestUnsavedPairGivesWayToPutAndDelete(t *testing.T) {
	for who, other := range map[string]int{"here": 0, "elsewhere": 1} {
		for _, deleted := range []bool{false, true} {
			t.Run(fmt.Sprintf("deleted %t %s", deleted, who), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p, store := newProvider(), newBrokenLater()
					m := unsavedReplica(t, p, store, nil)
					all := []*tokens.Manager{m, replica(t, p, store.Store, nil)}
					if other == 0 {
						store.setBroken(false)
					}
					if deleted {
						require.NoError(t, all[other].Delete(t.Context(), "user"))
					} else {
						require.NoError(t, all[other].Put(t.Context(), "user", p.login("other")))
					}
					store.setBroken(false)
					time.Sleep(10 * time.Minute)
					_, _ = m.Token(t.Context(), "user") // has the store looked at
					synctest.Wait()
					token, err := m.Token(t.Context(), "user")
					if deleted {
						require.ErrorIs(t, err, tokens.ErrNotFound)
						_, err := store.Load(t.Context(), "user")
						require.ErrorIs(t, err, tokens.ErrNotFound)
						return
					}
					require.NoError(t, err)
					assert.Equal(t, "other", token.UserUID)
					assert.Equal(t, "other", readStored(t, store).token.UserUID)
				})
			})
		}
	}
}
