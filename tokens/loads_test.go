package tokens_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

// sealedOver seals s, or a Locker over it, with a key of the test's.
func sealedOver(t *testing.T, s tokens.Store, keys ...byte) tokens.Store {
	t.Helper()
	var all [][]byte
	for _, key := range keys {
		all = append(all, bytes.Repeat([]byte{key}, 32))
	}
	sealed, err := tokens.Sealed(s, all...)
	require.NoError(t, err)
	return sealed
}

// A refresh that nobody else is at costs one look at the store, a swap for the lease and a swap for
// the new pair.
//
// Law: M3
func TestRefreshCostsOneLoadAndTwoSwaps(t *testing.T) {
	for name, over := range map[string]func(t *testing.T, s tokens.Store) tokens.Store{
		"plain":  func(_ *testing.T, s tokens.Store) tokens.Store { return s },
		"sealed": func(t *testing.T, s tokens.Store) tokens.Store { return sealedOver(t, s, 1) },
		"sealed twice": func(t *testing.T, s tokens.Store) tokens.Store {
			return sealedOver(t, sealedOver(t, s, 1), 2)
		},
	} {
		for _, cold := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p, counted := newProvider(), &hooked{Store: new(tokens.Memory)}
					store := over(t, counted)
					m := replicas(t, 1, p, store, nil)[0]
					if cold {
						m = replica(t, p, store, nil)
					}
					time.Sleep(p.lives)
					loads, swaps := counted.loads, counted.swaps
					assert.Equal(t, "access-user-2", access(t, m))
					synctest.Wait()
					want := [2]int{1, 2}
					if name == "sealed twice" {
						want[0] = 3 // the inner one opens the value again for each swap: nobody seals twice
					}
					assert.Equal(t, want, [2]int{counted.loads - loads, counted.swaps - swaps}, "loads and swaps; cold: %t", cold)
				})
			})
		}
	}
}

// What another process seals anew has other bytes and the same value: the swap finds that out, and
// succeeds.
//
// Law: M3
func TestSwapOverAValueThatWasSealedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, inner := newProvider(), &hooked{Store: new(tokens.Memory)}
		m := replicas(t, 1, p, sealedOver(t, inner, 1), nil)[0]
		atEnd(p)
		resealed := 0
		inner.loaded = func(n int, key string) error {
			if resealed > 0 {
				return nil
			}
			resealed++
			other := sealedOver(t, inner.Store, 2, 1)
			plain, err := other.Load(t.Context(), key)
			require.NoError(t, err)
			old, err := inner.Store.Load(t.Context(), key)
			require.NoError(t, err)
			require.NoError(t, other.CompareAndSwap(t.Context(), key, plain, append(plain, ' ')))
			require.NoError(t, other.CompareAndSwap(t.Context(), key, append(plain, ' '), plain))
			now, err := inner.Store.Load(t.Context(), key)
			require.NoError(t, err)
			require.NotEqual(t, old, now)
			// Back to a key that m has.
			require.NoError(t, inner.Store.CompareAndSwap(t.Context(), key, now, nil))
			require.NoError(t, sealedOver(t, inner.Store, 1).CompareAndSwap(t.Context(), key, nil, plain))
			return nil
		}
		assert.Equal(t, "access-user-2", access(t, m))
		require.Equal(t, 1, resealed)
		assert.Equal(t, 1, p.asked())
		require.NoError(t, m.Close())
	})
}
