package tokens

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// A Memory is a [Store] in memory, so its values end with the process. It is for tests, and for
// programs whose users log in again after a restart. The zero value is empty and ready to use. It
// is safe for concurrent use, and must not be copied.
//
// It is not a Locker: no other process can see it, and a Manager needs no lock within one process.
type Memory struct {
	mu sync.Mutex
	// values is guarded by mu. It is an atomic pointer because fmt, given whatever has a Memory in
	// it, follows any other kind under some verb and prints the secrets.
	values atomic.Pointer[map[string][]byte]
}

// Load returns a copy of the value. It fails only for a key that is missing or not allowed, and if
// ctx has ended.
func (m *Memory) Load(ctx context.Context, key string) ([]byte, error) {
	if err := checkCall(ctx, key); err != nil {
		return nil, fmt.Errorf("tokens: load: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.all()[key]
	if !ok {
		return nil, fmt.Errorf("tokens: load: %w", ErrNotFound)
	}
	return bytes.Clone(value), nil
}

// CompareAndSwap replaces old with a copy of new. It fails only with ErrConflict, for a key that is
// not allowed, and if ctx has ended. If it fails, nothing has changed.
func (m *Memory) CompareAndSwap(ctx context.Context, key string, old, new []byte) error {
	if err := checkCall(ctx, key); err != nil {
		return fmt.Errorf("tokens: swap: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	values := m.all()
	current := values[key] // nil if it is missing: no value in the map is nil
	switch {
	case sameValue(current, new):
	case !sameValue(current, old):
		return fmt.Errorf("tokens: swap: %w", ErrConflict)
	case new == nil:
		delete(values, key)
	default:
		values[key] = bytes.Clone(new)
	}
	return nil
}

// all returns the map, which the zero Memory does not have yet. The caller holds the mutex.
func (m *Memory) all() map[string][]byte {
	values := m.values.Load()
	if values == nil {
		values = &map[string][]byte{}
		m.values.Store(values)
	}
	return *values
}

// sameValue reports whether two values are the same. nil is no value and differs from an empty one.
func sameValue(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// checkCall returns why a Store need not begin: a key that is not allowed, or a context that has
// ended.
func checkCall(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	return ctx.Err()
}
