package tokens_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

// A lockedMemory is a store whose locks end with their process.
type lockedMemory struct {
	tokens.Memory
	lock  chan struct{}
	locks int
	most  time.Duration // that a lock was held
}

func (l *lockedMemory) Lock(ctx context.Context, _ string) (func(), error) {
	select {
	case l.lock <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	l.locks++
	began := time.Now()
	return sync.OnceFunc(func() { l.most = max(l.most, time.Since(began)); <-l.lock }), nil
}

// A process that could not get the lock in time went on without. Its lease says so, and the lock
// says nothing about it.
//
// Law: M3
func TestLockProvesTheOwnerGone(t *testing.T) {
	for name, row := range map[string]struct {
		locked bool
		takes  time.Duration
	}{
		"who had the lock":       {true, 0},
		"but not one without it": {false, 30*time.Second + 30*time.Second/8},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), &lockedMemory{lock: make(chan struct{}, 1)}
				m := replicas(t, 1, p, store, nil)[0]
				atEnd(p)
				leaveLease(t, store, "of a dead process", 30*time.Second)
				change(t, store, map[string]any{"locked": row.locked})
				got := <-ask(t.Context(), m)
				require.NoError(t, got.err)
				assert.GreaterOrEqual(t, got.took, row.takes+p.takes)
				assert.Less(t, got.took, row.takes+2*time.Second)
				assert.Equal(t, 1, p.asked())
			})
		})
	}
}

// The process with the lock may be stopped, not dead. After a lease the others go on, under leases.
func TestLockThatIsNeverFreedIsNotWaitedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &lockedMemory{lock: make(chan struct{}, 1)}
		all := replicas(t, 2, p, store, nil)
		store.lock <- struct{}{}
		atEnd(p)
		answers := []<-chan asked{ask(t.Context(), all[0]), ask(t.Context(), all[1])}
		for _, answer := range answers {
			got := <-answer
			require.NoError(t, got.err)
			assert.Equal(t, "access-user-2", got.token.AccessToken)
			assert.Less(t, got.took, 40*time.Second)
		}
		assert.Equal(t, 1, p.asked())
	})
}

func TestLockIsHeldUntilThePairIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &lockedMemory{lock: make(chan struct{}, 1)}
		all := replicas(t, 3, p, store, nil)
		p.takes = 10 * time.Second
		atEnd(p)
		var answers []<-chan asked
		for _, m := range all {
			answers = append(answers, ask(t.Context(), m))
		}
		for _, answer := range answers {
			got := <-answer
			require.NoError(t, got.err)
			assert.Equal(t, "access-user-2", got.token.AccessToken)
			assert.Equal(t, p.takes, got.took, "the next in line looks at once")
		}
		synctest.Wait()
		assert.Equal(t, 1, p.asked())
		assert.Equal(t, p.takes, store.most)
		assert.Empty(t, store.lock, "all is unlocked")
	})
}

func TestOldTokenIsServedWhileAnotherHasTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &lockedMemory{lock: make(chan struct{}, 1)}
		m := replicas(t, 1, p, store, nil)[0]
		store.lock <- struct{}{}
		time.Sleep(p.lives - 20*time.Second)
		got := <-ask(t.Context(), m)
		require.NoError(t, got.err)
		assert.Equal(t, "access-user-1", got.token.AccessToken)
		assert.LessOrEqual(t, got.took, 50*time.Millisecond)

		<-store.lock
		time.Sleep(time.Second)
		assert.Equal(t, "access-user-2", access(t, m))
	})
}

// While a pair is not saved its process keeps the lock, because the others would take it for gone.
// It does not wait for its own lock when the pair ends and the store is back.
func TestLockIsKeptWithAnUnsavedPair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, broken := newProvider(), newBrokenLater()
		locks := &lockedMemory{lock: make(chan struct{}, 1)}
		store := struct {
			tokens.Store
			tokens.Locker
		}{broken, locks}
		m := replicas(t, 1, p, store, nil)[0]
		atEnd(p)
		broken.setBroken(true)
		require.Equal(t, "access-user-2", access(t, m))
		assert.Len(t, locks.lock, 1)

		atEnd(p)
		for range 300 {
			got := <-ask(t.Context(), m)
			require.ErrorIs(t, got.err, errStoreDown)
			assert.Less(t, got.took, 10*time.Second)
			assert.Len(t, locks.lock, 1)
			time.Sleep(time.Second)
		}
		broken.setBroken(false)
		for {
			time.Sleep(time.Second)
			got := <-ask(t.Context(), m)
			assert.Less(t, got.took, 10*time.Second)
			if got.err == nil {
				assert.Equal(t, "access-user-3", got.token.AccessToken)
				break
			}
		}
		synctest.Wait()
		assert.Empty(t, locks.lock)
		now := readStored(t, store)
		p.requireAlive(t, &now.token)
	})
}
