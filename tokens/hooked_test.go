package tokens_test

import (
	"context"
	"sync"

	"github.com/contentstack/csoauth/tokens"
)

// hooked is a Store that a test can get in the way of. A hook's error is returned, and what was
// asked for does not happen.
type hooked struct {
	tokens.Store
	mu      sync.Mutex
	loads   int
	swaps   int
	load    func(n int, key string) error                  // before the nth Load, from 1
	loaded  func(n int, key string) error                  // after it; an error replaces its result
	swap    func(n int, key string, old, new []byte) error // before the nth CompareAndSwap
	swapped func(n int, key string, err error) error       // after it; what it returns takes err's place
}

// change changes hooks, or reads counts, while calls may be under way.
func (h *hooked) change(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

func (h *hooked) Load(ctx context.Context, key string) ([]byte, error) {
	h.mu.Lock()
	h.loads++
	n, before, after := h.loads, h.load, h.loaded
	h.mu.Unlock()
	if before != nil {
		if err := before(n, key); err != nil {
			return nil, err
		}
	}
	value, err := h.Store.Load(ctx, key)
	if after != nil {
		if err := after(n, key); err != nil {
			return nil, err
		}
	}
	return value, err
}

func (h *hooked) CompareAndSwap(ctx context.Context, key string, old, new []byte) error {
	h.mu.Lock()
	h.swaps++
	n, before, after := h.swaps, h.swap, h.swapped
	h.mu.Unlock()
	if before != nil {
		if err := before(n, key, old, new); err != nil {
			return err
		}
	}
	err := h.Store.CompareAndSwap(ctx, key, old, new)
	if after != nil {
		return after(n, key, err)
	}
	return err
}
