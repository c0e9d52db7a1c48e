package tokens_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// What a Manager is given may fail, hang, or say too little: its store, its locks, its Refresher,
// and records that others wrote.

// A failingLocker has locks while it does not fail.
type failingLocker struct {
	lockedMemory
	fails error
}

func (l *failingLocker) Lock(ctx context.Context, key string) (func(), error) {
	if l.fails != nil {
		return nil, l.fails
	}
	return l.lockedMemory.Lock(ctx, key)
}

func TestLockThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &failingLocker{lockedMemory{lock: make(chan struct{}, 1)}, errors.New("no locks left")}
		m := replicas(t, 1, p, store, nil)[0]
		nearEnd(p)
		assert.Equal(t, "access-user-1", access(t, m))
		time.Sleep(5 * time.Minute)
		_, err := m.Token(t.Context(), "user")
		require.ErrorIs(t, err, store.fails)
		require.NotErrorIs(t, err, csoauth.ErrLoginRequired)
		assert.Zero(t, p.asked(), "nothing is sent without the lock of a store that has locks")
		synctest.Wait()
		store.fails = nil
		time.Sleep(5 * time.Minute)
		assert.Equal(t, "access-user-2", access(t, m))
	})
}

func TestStoreCallEndsAfterTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(newProvider().config(), hangingStore{new(tokens.Memory)}, nil)
		start := time.Now()
		_, err := m.Token(t.Context(), "user")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, csoauth.ErrLoginRequired)
		assert.Equal(t, 10*time.Second, time.Since(start))
		require.ErrorIs(t, m.Put(t.Context(), "user", storedToken()), context.DeadlineExceeded)
		assert.Equal(t, 20*time.Second, time.Since(start))
		require.NoError(t, m.Close())
	})
}

// A hangingStore responds to nothing.
type hangingStore struct{ tokens.Store }

func (hangingStore) Load(ctx context.Context, _ string) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A store that is back is noticed within five seconds by those who wait for it, and not sooner by
// each of them.
func TestStoreThatIsBackIsNoticedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		m := replicas(t, 1, p, store, nil)[0]
		atEnd(p)
		store.change(func() { store.load = func(int, string) error { return errStoreDown } })
		_, err := m.Token(t.Context(), "user")
		require.ErrorIs(t, err, errStoreDown)
		synctest.Wait()
		var loads int
		store.change(func() { store.load = nil; loads = store.loads })
		_, err = m.Token(t.Context(), "user")
		require.ErrorIs(t, err, errStoreDown, "not at once")
		store.change(func() { assert.Equal(t, loads, store.loads) })
		time.Sleep(5 * time.Second)
		assert.Equal(t, "access-user-2", access(t, m))
	})
}

// A server that does not rotate may leave the refresh token out.
func TestRefresherThatReturnsNoRefreshToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(tokens.Memory)
		m := newManager(storedRefresher(func() (*csoauth.Token, error) {
			return &csoauth.Token{AccessToken: "B", Expiry: time.Now().Add(time.Hour)}, nil
		}), store, nil)
		require.NoError(t, m.Put(t.Context(), "user", storedToken()))
		for range 3 {
			time.Sleep(time.Hour)
			assert.Equal(t, "B", access(t, m))
			assert.Equal(t, "R", readStored(t, store).token.RefreshToken)
		}
		require.NoError(t, m.Close())
	})
}

// A record may ask others to wait for an hour at most.
func TestLeaseOfARecordIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		m := replicas(t, 1, p, store, nil)[0]
		atEnd(p)
		leaveLease(t, store, "of nobody", 1000*time.Hour)
		got := <-ask(t.Context(), m)
		require.NoError(t, got.err)
		assert.GreaterOrEqual(t, got.took, time.Hour)
		assert.Less(t, got.took, time.Hour+10*time.Minute)
	})
}

// Close does not wait for another process's lease.
func TestCloseEndsTheWaitForALease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		m := newManager(p.config(), store, nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		atEnd(p)
		leaveLease(t, store, "of another process", 30*time.Second)
		waiting := ask(t.Context(), m)
		time.Sleep(2 * time.Second)
		start := time.Now()
		require.NoError(t, m.Close())
		assert.Less(t, time.Since(start), 2*time.Second)
		got := <-waiting
		require.Error(t, got.err)
		require.NotErrorIs(t, got.err, csoauth.ErrLoginRequired)
		assert.Zero(t, p.asked())
	})
}
