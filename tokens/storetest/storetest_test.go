package storetest_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/contentstack/csoauth/tokens"
	"github.com/contentstack/csoauth/tokens/storetest"
)

func TestMemoryPasses(t *testing.T) { storetest.Run(t, memories()) }

// TestStoreThatRefusesLargerValuesPasses: nothing over 64 KiB reaches the store, sealed or not.
func TestStoreThatRefusesLargerValuesPasses(t *testing.T) {
	storetest.Run(t, swap(func(s tokens.Store, ctx context.Context, key string, old, new []byte) error {
		if len(new) > 1<<16 {
			return errors.New("too big")
		}
		return s.CompareAndSwap(ctx, key, old, new)
	})())
}

// TestDirPasses runs in a subtest, where the other process of the lock's tests must find its way,
// too.
func TestDirPasses(t *testing.T) {
	t.Parallel()
	t.Run("a name (with signs)", func(t *testing.T) { storetest.Run(t, openDir) })
}

func TestHostileKeysAreKeys(t *testing.T) {
	seen := map[string]bool{}
	for _, key := range storetest.HostileKeys() {
		assert.False(t, seen[key], "%q is in the list twice", key)
		seen[key] = true
		assert.NoError(t, new(tokens.Memory).CompareAndSwap(t.Context(), key, nil, nil), "%q", key)
	}
}

func openDir(_ testing.TB, dir string) tokens.Store { return tokens.Dir(dir) }

// memories returns an open that keeps one Memory for each dir.
func memories() func(testing.TB, string) tokens.Store {
	var mu sync.Mutex
	stores := map[string]*tokens.Memory{}
	return func(_ testing.TB, dir string) tokens.Store {
		mu.Lock()
		defer mu.Unlock()
		if stores[dir] == nil {
			stores[dir] = &tokens.Memory{}
		}
		return stores[dir]
	}
}
