// Package storetest checks that a [tokens.Store] keeps its promises. A store is complete when [Run]
// passes:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t testing.TB, dir string) tokens.Store {
//			return mystore.Open(dir)
//		})
//	}
//
// The package depends only on package testing. Run takes a few seconds for a store that responds in
// milliseconds. The largest value that the store gets has 64 KiB, including what the seal
// adds.
//
// Run cannot make a store fail, hang or crash, and cannot see inside it. So it does not check
//
//   - that a swap that has returned survives a crash, and which errors a failure causes;
//   - that Load and CompareAndSwap return if the context ends while they wait;
//   - that a value that cannot be read, or was copied from another key, is an error;
//   - that the store does not use a key as a path where the test cannot see it;
//   - that several processes see each other's swaps: Run uses several handles instead;
//   - that a lock has no time-out of more than half a second.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/contentstack/csoauth/tokens"
)

// patience is how long a test waits for what must happen. It is long, because a test that fails may
// wait, and one that passes must do so on a slow machine.
var patience = 10 * time.Second

// Run checks the store that open returns, and then [tokens.Sealed] over it. If the store is a
// [tokens.Locker], Run checks the lock too. Call Run once in a test or subtest, before the test
// uses the store.
//
// open returns the store for dir. For a new dir it returns an empty store. For a dir that it got
// before, it returns the same store, by another handle if the store has handles. dir is the path of
// a directory that belongs to the test. A store that needs no directory may use dir as a name or a
// prefix. open may fail t, and may register clean-up functions with t.
//
// For a Locker, dir must name the same store in another process as well. Run starts a second
// process to check that the lock is freed when that process dies. It is the same test binary, and
// runs only the test that called Run, up to that call. There Run opens the store of the parent's
// dir and takes the lock. Then the parent kills the process.
func Run(t *testing.T, open func(t testing.TB, dir string) tokens.Store) {
	t.Helper()
	holdIfChild(t, open)
	test := t.Name()
	suite{test, open, maxValue}.run(t)
	t.Run("sealed", func(t *testing.T) {
		suite{test, func(t testing.TB, dir string) tokens.Store {
			inner := open(t, dir)
			sealed, err := tokens.Sealed(inner, bytes.Repeat([]byte{7}, 32))
			if err != nil {
				t.Fatalf("Sealed: %v", err)
			}
			_, want := inner.(tokens.Locker)
			if _, got := sealed.(tokens.Locker); got != want {
				t.Fatalf("the store is a Locker: %t; sealed, it is one: %t", want, got)
			}
			return sealed
		}, maxValue - maxSeal}.run(t)
	})
}

// A suite is the tests of one store.
type suite struct {
	test string // the name of the test that called Run
	open func(t testing.TB, dir string) tokens.Store
	max  int // bytes of the largest value
}

const (
	maxValue = 1 << 16 // what must fit
	maxSeal  = 1 << 8  // is more than a seal adds
)

func (s suite) run(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, suite)
	}{
		{"miss", testMiss},
		{"swap", testSwap},
		{"repeat", testRepeat},
		{"empty", testEmpty},
		{"values", testValues},
		{"aliasing", testAliasing},
		{"keys", testKeys},
		{"key-limits", testKeyLimits},
		{"handles", testHandles},
		{"dirs", testDirs},
		{"unreadable", testUnreadable},
		{"increments", testIncrements},
		{"one-winner", testOneWinner},
		{"same-swap", testSameSwap},
		{"context", testContext},
		{"lock", testLock},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, s) })
	}
}

// A handle is a store as a test uses it: what must work, or must be refused, ends the test if it is
// otherwise.
type handle struct {
	tokens.Store
	t testing.TB
}

// one opens an empty store.
func (s suite) one(t *testing.T) handle { return s.handle(t, t.TempDir()) }

// two opens an empty store twice.
func (s suite) two(t *testing.T) [2]handle {
	dir := t.TempDir()
	return [2]handle{s.handle(t, dir), s.handle(t, dir)}
}

func (s suite) handle(t *testing.T, dir string) handle {
	t.Helper()
	store := s.open(t, dir)
	if store == nil {
		t.Fatal("open returned a nil Store")
	}
	return handle{store, t}
}

// load returns the value, or nil if there is none.
func (h handle) load(key string) []byte {
	h.t.Helper()
	value, err := h.Load(h.t.Context(), key)
	switch {
	case errors.Is(err, tokens.ErrNotFound):
		if value != nil {
			h.t.Fatalf("Load(%s) returned a value and ErrNotFound", short(key))
		}
	case err != nil:
		h.t.Fatalf("Load(%s): %v", short(key), err)
	case value == nil:
		h.t.Fatalf("Load(%s) returned nil and no error: a value, even an empty one, is not nil, and none is an error", short(key))
	}
	return value
}

// want ends the test unless the value is this one; nil stands for none.
func (h handle) want(key string, want []byte) {
	h.t.Helper()
	if got := h.load(key); !same(got, want) {
		h.t.Fatalf("Load(%s) = %s, want %s", short(key), show(got), show(want))
	}
}

// swap ends the test unless the swap succeeds.
func (h handle) swap(key string, old, new []byte) {
	h.t.Helper()
	if err := h.CompareAndSwap(h.t.Context(), key, old, new); err != nil {
		h.t.Fatalf("CompareAndSwap(%s, %s, %s): %v", short(key), show(old), show(new), err)
	}
}

// conflict ends the test unless the swap is refused with ErrConflict.
func (h handle) conflict(key string, old, new []byte) {
	h.t.Helper()
	err := h.CompareAndSwap(h.t.Context(), key, old, new)
	if !errors.Is(err, tokens.ErrConflict) {
		h.t.Fatalf("CompareAndSwap(%s, %s, %s) = %v, want an error that wraps ErrConflict", short(key), show(old), show(new), err)
	}
	if errors.Is(err, tokens.ErrNotFound) {
		h.t.Fatalf("CompareAndSwap(%s, %s, %s) = %v, which also wraps ErrNotFound", short(key), show(old), show(new), err)
	}
}

// soon is a context for what must not take long.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// show prints a value for a failure.
func show(value []byte) string {
	if value == nil {
		return "no value"
	}
	return short(string(value))
}

func short(s string) string {
	if len(s) <= 40 {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q… (%d bytes)", s[:40], len(s))
}
