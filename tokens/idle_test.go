package tokens_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// Law: M10
func TestMissesAreNotCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		m := replica(t, p, store, nil)
		for n := range 1000 {
			_, err := m.Token(t.Context(), []string{"user", "another"}[n%2])
			require.ErrorIs(t, err, csoauth.ErrLoginRequired)
			require.ErrorIs(t, err, tokens.ErrNotFound)
		}
		assert.Equal(t, 1000, store.loads)
		assert.Zero(t, m.Cached())

		replicas(t, 1, p, store, nil) // so that a login elsewhere counts at once
		access(t, m)
	})
}

func TestClosedManagerRemembersNobodyNew(t *testing.T) {
	m := newManager(newProvider().config(), new(tokens.Memory), &tokens.Options{MaxCached: 10})
	require.NoError(t, m.Close())
	for n := range 1000 {
		_, err := m.Token(t.Context(), fmt.Sprint(n))
		require.Error(t, err)
	}
	assert.LessOrEqual(t, m.Cached(), 10)
}

// Law: M10
func TestIdleManagerHasNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		m := newManager(p.config(), store, nil)
		idle := func() {
			t.Helper()
			synctest.Wait()
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			require.NotContains(t, string(stacks), "csoauth/tokens.")
		}
		idle()
		evictionFlood(t, p, m, "user", 10)
		idle()
		time.Sleep(p.lives)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for n := range 10 {
			if n%2 == 0 {
				_, err := m.Token(ctx, fmt.Sprint("user", n)) // leaves; the refresh goes on
				require.ErrorIs(t, err, context.Canceled)
			}
			_, err := m.Token(t.Context(), fmt.Sprint("user", n))
			require.NoError(t, err)
		}
		idle()
		store.load = func(int, string) error { return errStoreDown }
		for range 100 {
			time.Sleep(time.Minute)
			_, _ = m.Token(t.Context(), "user1")
		}
		idle()
		require.NoError(t, m.Close())
	})
}
