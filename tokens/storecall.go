package tokens

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/contentstack/csoauth"
)

// storeTimeout bounds one call to the store. A refresh and its callers must not hang on a
// store that does.
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

// A value is the value of a key in a store. plain is nil if there is no value. sealed is its sealed
// form in the store under a [Sealed] store, if that is known.
type value struct{ plain, sealed []byte }

// An opener is a Store that seals. It remembers nothing, so a swap would have to load and open the
// value again. Callers pass the opened value back to avoid that.
type opener interface {
	open(ctx context.Context, key string) (value, error)
	seal(key string, plain []byte) (sealed []byte)
	// swapOpened seals new, unless that is done. If it is not known afterwards how the store has
	// new sealed, new.sealed is nil.
	swapOpened(ctx context.Context, key string, old value, new *value) error
}

// unsealed makes any other Store an opener.
type unsealed struct{ Store }

func (s unsealed) open(ctx context.Context, key string) (value, error) {
	plain, err := s.Load(ctx, key)
	return value{plain: plain}, err
}

func (s unsealed) seal(string, []byte) []byte { return nil }

func (s unsealed) swapOpened(ctx context.Context, key string, old value, new *value) error {
	return s.CompareAndSwap(ctx, key, old.plain, new.plain)
}

func (m *Manager) load(ctx context.Context, key string) (value, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	v, err := m.store.open(ctx, key)
	if err != nil && !errors.Is(err, ErrNotFound) {
		err = &storeError{"load", err}
	}
	return v, err
}

// swap asks twice if the first response leaves open what happened. That is safe, because a swap
// that was done counts as done.
func (m *Manager) swap(ctx context.Context, key string, old value, new *value) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	err := m.store.swapOpened(ctx, key, old, new)
	if err != nil && !errors.Is(err, ErrConflict) && ctx.Err() == nil {
		err = m.store.swapOpened(ctx, key, old, new)
	}
	if err != nil && !errors.Is(err, ErrConflict) {
		err = &storeError{"swap", err}
	}
	return err
}

// loadRecord returns the record of key; nil: the store has none.
func (m *Manager) loadRecord(ctx context.Context, key string) (*record, error) {
	shown, err := m.load(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	r, err := decode(shown.plain)
	if err != nil {
		return nil, &storeError{"return a readable record", fmt.Errorf("%w: %w", ErrUnreadable, err)}
	}
	r.sealed = shown.sealed
	if id := r.token.ClientID; m.clientID != "" && id != "" && id != m.clientID {
		return nil, fmt.Errorf("tokens: %w: the store has a token of the app with the client ID %q, but this app has %q: give each app its own table, directory or prefix", csoauth.ErrConfig, id, m.clientID)
	}
	return &r, nil
}

// swapRecord stores r in place of old.
func (m *Manager) swapRecord(ctx context.Context, key string, old value, r *record) error {
	if r.raw == nil {
		if err := r.encode(); err != nil {
			return err
		}
	}
	new := r.value()
	err := m.swap(ctx, key, old, &new)
	r.sealed = new.sealed
	return err
}

// maxConflicts is how often in a row another process may be faster.
const maxConflicts = 100
