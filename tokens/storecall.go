package tokens

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// storeTimeout bounds one call to the store. A refresh, and whoever waits for it, must not hang on a store that does.
const storeTimeout = 10 * time.Second

// A storeError is a failure of the store, which says nothing about the login.
type storeError struct {
	what string
	err  error
}

func (e *storeError) Error() string {
	return fmt.Sprintf("tokens: the store failed to %s: %v", e.what, e.err)
}
func (e *storeError) Unwrap() error { return e.err }

func (m *Manager) load(ctx context.Context, key string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	raw, err := m.store.Load(ctx, key)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, &storeError{"load", err}
	}
	return raw, err
}

// swap asks twice if the first answer leaves open what happened. That is safe, because a swap that was done counts as
// done.
func (m *Manager) swap(ctx context.Context, key string, old, new []byte) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	err := m.store.CompareAndSwap(ctx, key, old, new)
	if err != nil && !errors.Is(err, ErrConflict) && ctx.Err() == nil {
		err = m.store.CompareAndSwap(ctx, key, old, new)
	}
	if err != nil && !errors.Is(err, ErrConflict) {
		return &storeError{"swap", err}
	}
	return err
}

// maxConflicts is how often in a row somebody else may be faster.
const maxConflicts = 100
