// Package storetest checks that a [tokens.Store] keeps its promises. A store is complete when [Run]
// passes:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t testing.TB, dir string) tokens.Store {
//			return mystore.Open(dir)
//		})
//	}
//
// It depends on package testing only. It takes a few seconds for a store that responds in
// milliseconds. The largest value that the store gets has 64 KiB, also beneath the seal.
//
// Run cannot make a store fail, hang or crash, nor look behind it. So it does not check
//
//   - that a swap which has returned survives a crash, and which errors follow a failure;
//   - that Load and CompareAndSwap end with a context that ends while they wait;
//   - that a value which cannot be read, or which was copied from another key, is an error, and
//     that no key is used as a path where nobody sees it;
//   - that several processes see each other's swaps, which handles stand for here;
//   - that a lock does not end by a time-out of more than half a second.
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
// [tokens.Locker], Run checks the lock too. Call Run once in a test or subtest, and not after the
// store is in use there.
//
// open returns the store that dir stands for: an empty one for a dir that it has not seen, and the
// same one, by another handle if the store has handles, for a dir that it has. dir is the path of a
// directory of the test's; a store that needs none takes it as a name or a prefix. open may fail t,
// and may leave t to clean up.
//
// For a Locker, dir must stand for the same store in another process as well. Run starts one to see
// the lock freed when it dies: the same test binary, which runs only the test that called Run, up
// to that call. There Run opens the store of the parent's dir, takes the lock, and is killed.
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
