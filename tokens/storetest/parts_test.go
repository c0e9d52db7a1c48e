package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/contentstack/csoauth/tokens"
)

// The parts that the broken stores are made of.

func compareThenSwap(s tokens.Store, ctx context.Context, key string, old, new []byte) error {
	current, _ := s.Load(ctx, key)
	if !bytes.Equal(current, old) && !bytes.Equal(current, new) {
		return tokens.ErrConflict
	}
	time.Sleep(time.Millisecond)
	for {
		current, _ = s.Load(ctx, key)
		if err := s.CompareAndSwap(ctx, key, current, new); !errors.Is(err, tokens.ErrConflict) {
			return err
		}
	}
}

// changed is a Memory, one of whose methods is another.
type changed struct {
	tokens.Store
	load func(s tokens.Store, ctx context.Context, key string) ([]byte, error)
	swap func(s tokens.Store, ctx context.Context, key string, old, new []byte) error
}

func (c *changed) Load(ctx context.Context, key string) ([]byte, error) {
	if c.load == nil {
		return c.Store.Load(ctx, key)
	}
	return c.load(c.Store, ctx, key)
}

func (c *changed) CompareAndSwap(ctx context.Context, key string, old, new []byte) error {
	if c.swap == nil {
		return c.Store.CompareAndSwap(ctx, key, old, new)
	}
	return c.swap(c.Store, ctx, key, old, new)
}

func (c changed) over() func() func(testing.TB, string) tokens.Store {
	return func() func(testing.TB, string) tokens.Store {
		inner := memories()
		return func(t testing.TB, dir string) tokens.Store {
			c := c
			c.Store = inner(t, dir)
			return &c
		}
	}
}

func load(do func(s tokens.Store, ctx context.Context, key string) ([]byte, error)) func() func(testing.TB, string) tokens.Store {
	return changed{load: do}.over()
}

func swap(do func(s tokens.Store, ctx context.Context, key string, old, new []byte) error) func() func(testing.TB, string) tokens.Store {
	return changed{swap: do}.over()
}

// keyed takes one key for another.
func keyed(change func(string) string) func() func(testing.TB, string) tokens.Store {
	return changed{
		load: func(s tokens.Store, ctx context.Context, key string) ([]byte, error) {
			return s.Load(ctx, change(key))
		},
		swap: func(s tokens.Store, ctx context.Context, key string, old, new []byte) error {
			return s.CompareAndSwap(ctx, change(key), old, new)
		},
	}.over()
}

// slices is a store for one goroutine, which gives away its slices, or keeps those of the caller.
type slices struct {
	give, take bool
	values     map[string][]byte
}

func sharing(s *slices) func(testing.TB, string) tokens.Store {
	s.values = map[string][]byte{}
	return func(testing.TB, string) tokens.Store { return s }
}

func (s *slices) Load(_ context.Context, key string) ([]byte, error) {
	value, ok := s.values[key]
	if !ok {
		return nil, tokens.ErrNotFound
	}
	if s.give {
		return value, nil
	}
	return bytes.Clone(value), nil
}

func (s *slices) CompareAndSwap(_ context.Context, key string, old, new []byte) error {
	switch current := s.values[key]; {
	case bytes.Equal(current, new):
	case !bytes.Equal(current, old):
		return tokens.ErrConflict
	case s.take:
		s.values[key] = new
	default:
		s.values[key] = bytes.Clone(new)
	}
	return nil
}

// caching remembers what it loaded until it swaps by itself.
type caching struct {
	tokens.Store
	mu     sync.Mutex
	values map[string][]byte
}

func (c *caching) Load(ctx context.Context, key string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if value := c.values[key]; value != nil {
		return bytes.Clone(value), nil
	}
	value, err := c.Store.Load(ctx, key)
	c.values[key] = value
	return bytes.Clone(value), err
}

func (c *caching) CompareAndSwap(ctx context.Context, key string, old, new []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.values, key)
	return c.Store.CompareAndSwap(ctx, key, old, new)
}

type lock = func(ctx context.Context, key string) (func(), error)

// locker is a Memory with locks.
type locker struct {
	tokens.Store
	lock lock
}

func (l *locker) Lock(ctx context.Context, key string) (func(), error) { return l.lock(ctx, key) }

// table has a channel for each key. The holder of the lock has filled it.
type table struct{ m sync.Map }

func (l *table) of(key string) chan struct{} {
	c, _ := l.m.LoadOrStore(key, make(chan struct{}, 1))
	return c.(chan struct{})
}

// locking has one table for all handles of a dir.
func locking(make func(*table) lock) func() func(testing.TB, string) tokens.Store {
	return func() func(testing.TB, string) tokens.Store {
		inner := memories()
		var tables sync.Map
		return func(t testing.TB, dir string) tokens.Store {
			all, _ := tables.LoadOrStore(dir, &table{})
			return &locker{inner(t, dir), make(all.(*table))}
		}
	}
}

// fair is a lock as it should be, in one process.
func fair(all *table) lock {
	return func(ctx context.Context, key string) (func(), error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		select {
		case all.of(key) <- struct{}{}:
			return sync.OnceFunc(func() { <-all.of(key) }), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

type lockedSwaps struct{ *locker }

func (l *lockedSwaps) CompareAndSwap(ctx context.Context, key string, old, new []byte) error {
	unlock, err := l.Lock(ctx, key)
	if err != nil {
		return err
	}
	defer unlock()
	return l.locker.CompareAndSwap(ctx, key, old, new)
}

// unlockingSwaps has a lock that a swap of its key frees, as if it were in the value.
type unlockingSwaps struct {
	*locker
	all *table
}

func (l *unlockingSwaps) CompareAndSwap(ctx context.Context, key string, old, new []byte) error {
	select {
	case <-l.all.of(key):
	default:
	}
	return l.locker.CompareAndSwap(ctx, key, old, new)
}

// fileLocks holds a lock by a file that is there, which nobody removes for the dead.
type fileLocks struct{ tokens.Dir }

func (l fileLocks) Lock(ctx context.Context, key string) (func(), error) {
	name := filepath.Join(string(l.Dir), fmt.Sprintf("%x.lock", key))
	for ctx.Err() == nil {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			return sync.OnceFunc(func() { _ = os.Remove(name) }), f.Close()
		}
		time.Sleep(5 * time.Millisecond)
	}
	return nil, ctx.Err()
}
