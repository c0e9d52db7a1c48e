package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
	"github.com/contentstack/csoauth/tokens/storetest"
)

// brokenEnv names the broken store that a process of TestRunFailsForABrokenStore runs the suite
// over.
const brokenEnv = "CSOAUTH_STORETEST_BROKEN"

// TestRunFailsForABrokenStore runs the suite over stores that break one promise each, in processes
// of their own, because a failure of the suite fails the test around it.
func TestRunFailsForABrokenStore(t *testing.T) {
	if name := os.Getenv(brokenEnv); name != "" {
		for _, b := range brokenStores {
			if b.name == name {
				storetest.Run(t, b.open())
			}
		}
		return
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	for _, b := range brokenStores {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			levels := append([]string{"TestRunFailsForABrokenStore"}, strings.Split(b.found, "/")...)
			cmd := exec.Command(exe, "-test.run=^"+strings.Join(levels, "$/^")+"$", "-test.timeout=30s")
			// The race detector would let a process sleep for a second before it ends.
			cmd.Env = append(os.Environ(), brokenEnv+"="+b.name, "GORACE=atexit_sleep_ms=0")
			out, err := cmd.CombinedOutput()
			assert.Error(t, err, "the suite passes")
			assert.Contains(t, string(out), "--- FAIL: "+strings.Join(levels, "/")+" (")
			for _, accident := range []string{"panic:", "DATA RACE", "fatal error:"} {
				assert.NotContains(t, string(out), accident)
			}
		})
	}
}

// brokenStores says where the suite finds what is wrong with each.
var brokenStores = []struct {
	name, found string
	open        func() func(testing.TB, string) tokens.Store
}{
	{"a miss is no ErrNotFound", "miss", load(func(s tokens.Store, ctx context.Context, key string) ([]byte, error) {
		value, err := s.Load(ctx, key)
		if errors.Is(err, tokens.ErrNotFound) {
			err = errors.New("no rows")
		}
		return value, err
	})},
	{"a miss is no error", "miss", load(func(s tokens.Store, ctx context.Context, key string) ([]byte, error) {
		value, err := s.Load(ctx, key)
		if errors.Is(err, tokens.ErrNotFound) {
			err = nil
		}
		return value, err
	})},
	{"a miss is an empty value", "miss", load(func(s tokens.Store, ctx context.Context, key string) ([]byte, error) {
		value, err := s.Load(ctx, key)
		if errors.Is(err, tokens.ErrNotFound) {
			value, err = []byte{}, nil
		}
		return value, err
	})},
	{"a miss has a value beside its error", "miss", load(func(s tokens.Store, ctx context.Context, key string) ([]byte, error) {
		value, err := s.Load(ctx, key)
		if err != nil {
			value = []byte{}
		}
		return value, err
	})},
	{"a miss is a conflict as well", "miss", load(func(s tokens.Store, ctx context.Context, key string) ([]byte, error) {
		value, err := s.Load(ctx, key)
		if err != nil {
			err = errors.Join(err, tokens.ErrConflict)
		}
		return value, err
	})},
	{"an empty value is loaded as nil", "empty", load(func(s tokens.Store, ctx context.Context, key string) ([]byte, error) {
		value, err := s.Load(ctx, key)
		return append([]byte(nil), value...), err
	})},
	{"an empty value is a delete", "empty", swap(func(s tokens.Store, ctx context.Context, key string, old, new []byte) error {
		return s.CompareAndSwap(ctx, key, old, append([]byte(nil), new...))
	})},
	{"old is compared as if nil were empty", "empty", swap(func(s tokens.Store, ctx context.Context, key string, old, new []byte) error {
		err := s.CompareAndSwap(ctx, key, old, new)
		if errors.Is(err, tokens.ErrConflict) && len(old) == 0 {
			err = s.CompareAndSwap(ctx, key, []byte{}, new)
		}
		return err
	})},
	{"swaps whatever is there", "swap", swap(func(s tokens.Store, ctx context.Context, key string, _, new []byte) error {
		current, _ := s.Load(ctx, key)
		return s.CompareAndSwap(ctx, key, current, new)
	})},
	{"deletes whatever is there", "swap", swap(func(s tokens.Store, ctx context.Context, key string, old, new []byte) error {
		if new == nil {
			old, _ = s.Load(ctx, key)
		}
		return s.CompareAndSwap(ctx, key, old, new)
	})},
	{"a conflict is no ErrConflict", "swap", swap(func(s tokens.Store, ctx context.Context, key string, old, new []byte) error {
		if err := s.CompareAndSwap(ctx, key, old, new); err != nil {
			return errors.New("0 rows")
		}
		return nil
	})},
	{"a conflict with nothing is ErrNotFound", "swap", swap(func(s tokens.Store, ctx context.Context, key string, old, new []byte) error {
		err := s.CompareAndSwap(ctx, key, old, new)
		if _, missing := s.Load(ctx, key); errors.Is(err, tokens.ErrConflict) && missing != nil {
			return missing
		}
		return err
	})},
	{"a conflict swaps all the same", "swap", swap(func(s tokens.Store, ctx context.Context, key string, old, new []byte) error {
		err := s.CompareAndSwap(ctx, key, old, new)
		if errors.Is(err, tokens.ErrConflict) {
			current, _ := s.Load(ctx, key)
			_ = s.CompareAndSwap(ctx, key, current, new)
		}
		return err
	})},
	{"a conflict is silent", "swap", swap(func(s tokens.Store, ctx context.Context, key string, old, new []byte) error {
		if err := s.CompareAndSwap(ctx, key, old, new); !errors.Is(err, tokens.ErrConflict) {
			return err
		}
		return nil
	})},
	{"a repeat is a conflict", "repeat", swap(func(s tokens.Store, ctx context.Context, key string, old, new []byte) error {
		if current, _ := s.Load(ctx, key); !bytes.Equal(current, old) || (current == nil) != (old == nil) {
			return tokens.ErrConflict
		}
		return s.CompareAndSwap(ctx, key, old, new)
	})},
	{"a repeated delete is a conflict", "repeat", swap(func(s tokens.Store, ctx context.Context, key string, old, new []byte) error {
		if current, _ := s.Load(ctx, key); current == nil && old != nil && new == nil {
			return tokens.ErrConflict
		}
		return s.CompareAndSwap(ctx, key, old, new)
	})},
	{"compares, then swaps", "increments", swap(compareThenSwap)},
	{"compares, then swaps; two win", "one-winner", swap(compareThenSwap)},
	{"compares, then swaps, under Sealed", "sealed/increments", swap(compareThenSwap)},
	{"fails when busy", "same-swap", func() func(testing.TB, string) tokens.Store {
		var busy sync.Mutex
		return swap(func(s tokens.Store, ctx context.Context, key string, old, new []byte) error {
			if !busy.TryLock() {
				return tokens.ErrConflict
			}
			defer busy.Unlock()
			time.Sleep(time.Millisecond)
			return s.CompareAndSwap(ctx, key, old, new)
		})()
	}},
	{"returns its own slice", "aliasing", func() func(testing.TB, string) tokens.Store {
		return sharing(&slices{give: true})
	}},
	{"keeps the caller's slice", "aliasing", func() func(testing.TB, string) tokens.Store {
		return sharing(&slices{take: true})
	}},
	{"wipes what it was given", "aliasing", swap(func(s tokens.Store, ctx context.Context, key string, old, new []byte) error {
		defer clear(new)
		return s.CompareAndSwap(ctx, key, old, new)
	})},
	{"appends to what it was given", "aliasing", swap(func(s tokens.Store, ctx context.Context, key string, old, new []byte) error {
		_ = append(old, '\n')
		_ = append(new, '\n')
		return s.CompareAndSwap(ctx, key, old, new)
	})},
	{"a value is a line", "values", load(func(s tokens.Store, ctx context.Context, key string) ([]byte, error) {
		value, err := s.Load(ctx, key)
		return bytes.TrimSuffix(value, []byte("\n")), err
	})},
	{"a value is text", "values", load(func(s tokens.Store, ctx context.Context, key string) ([]byte, error) {
		value, err := s.Load(ctx, key)
		return bytes.ToValidUTF8(value, []byte("\ufffd")), err
	})},
	{"a value ends at 65,535 bytes", "values", swap(func(s tokens.Store, ctx context.Context, key string, old, new []byte) error {
		return s.CompareAndSwap(ctx, key, old, new[:min(len(new), 1<<16-1)])
	})},
	{"a value of 64 KiB is refused", "values", swap(func(s tokens.Store, ctx context.Context, key string, old, new []byte) error {
		if len(new) >= 1<<16 {
			return errors.New("too big")
		}
		return s.CompareAndSwap(ctx, key, old, new)
	})},
	{"trims keys", "keys", keyed(strings.TrimSpace)},
	{"folds keys", "keys", keyed(strings.ToLower)},
	{"makes keys valid UTF-8", "keys", keyed(func(key string) string { return strings.ToValidUTF8(key, "\ufffd") })},
	{"ends keys at NUL", "keys", keyed(func(key string) string { key, _, _ = strings.Cut(key, "\x00"); return key + "." })},
	{"cleans keys as paths", "keys", keyed(path.Clean)},
	{"roots keys", "keys", keyed(func(key string) string { return path.Join("/", key) })},
	{"takes the last part of keys", "keys", keyed(path.Base)},
	{"replaces separators", "keys", keyed(strings.NewReplacer("/", "_", "\\", "_").Replace)},
	{"cuts keys to 255 bytes", "keys", keyed(func(key string) string { return key[:min(len(key), 255)] })},
	{"escapes some of a key", "keys", keyed(strings.NewReplacer("/", "%2f").Replace)},
	{"takes an empty key", "key-limits", keyed(func(key string) string { return key[:min(len(key), 512)] + strings.Repeat("x", 1-min(1, len(key))) })},
	{"cuts keys to 512 bytes", "key-limits", keyed(func(key string) string { return key[:min(len(key), 512)] })},
	{"a key that is not allowed is a miss", "key-limits", load(func(s tokens.Store, ctx context.Context, key string) ([]byte, error) {
		if key == "" || len(key) > 512 {
			return nil, tokens.ErrNotFound
		}
		return s.Load(ctx, key)
	})},
	{"a swap of a key that is not allowed is a conflict", "key-limits", swap(func(s tokens.Store, ctx context.Context, key string, old, new []byte) error {
		if key == "" || len(key) > 512 {
			return tokens.ErrConflict
		}
		return s.CompareAndSwap(ctx, key, old, new)
	})},
	{"only a swap refuses keys", "key-limits", load(func(s tokens.Store, ctx context.Context, key string) ([]byte, error) {
		if key == "" || len(key) > 512 {
			key = "any"
		}
		return s.Load(ctx, key)
	})},
	{"a delete takes every key", "key-limits", swap(func(s tokens.Store, ctx context.Context, key string, old, new []byte) error {
		if new == nil && (key == "" || len(key) > 512) {
			return nil
		}
		return s.CompareAndSwap(ctx, key, old, new)
	})},
	{"each handle has a cache", "handles", func() func(testing.TB, string) tokens.Store {
		inner := memories()
		return func(t testing.TB, dir string) tokens.Store {
			return &caching{Store: inner(t, dir), values: map[string][]byte{}}
		}
	}},
	{"each handle is a store", "handles", func() func(testing.TB, string) tokens.Store {
		return func(testing.TB, string) tokens.Store { return &tokens.Memory{} }
	}},
	{"all dirs are one store", "dirs", func() func(testing.TB, string) tokens.Store {
		var one tokens.Memory
		return func(testing.TB, string) tokens.Store { return &one }
	}},
	{"Load does not look at the context", "context", load(func(s tokens.Store, _ context.Context, key string) ([]byte, error) {
		return s.Load(context.Background(), key)
	})},
	{"Load returns a value beside the error of the context", "context", load(func(s tokens.Store, ctx context.Context, key string) ([]byte, error) {
		value, err := s.Load(context.Background(), key)
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return value, err
	})},
	{"Load with a context that has ended is a miss", "context", load(func(s tokens.Store, ctx context.Context, key string) ([]byte, error) {
		if ctx.Err() != nil {
			return nil, errors.Join(ctx.Err(), tokens.ErrNotFound)
		}
		return s.Load(ctx, key)
	})},
	{"a swap does not look at the context", "context", swap(func(s tokens.Store, _ context.Context, key string, old, new []byte) error {
		return s.CompareAndSwap(context.Background(), key, old, new)
	})},
	{"a swap looks at the context when it is done", "context", swap(func(s tokens.Store, ctx context.Context, key string, old, new []byte) error {
		return errors.Join(s.CompareAndSwap(context.Background(), key, old, new), ctx.Err())
	})},
	{"the error of the context is lost", "context", swap(func(s tokens.Store, ctx context.Context, key string, old, new []byte) error {
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		return s.CompareAndSwap(ctx, key, old, new)
	})},

	{"the lock locks nothing", "lock/exclusion", locking(func(*table) lock {
		return func(ctx context.Context, _ string) (func(), error) { return func() {}, ctx.Err() }
	})},
	{"the lock is the handle's", "lock/exclusion", func() func(testing.TB, string) tokens.Store {
		inner := memories()
		return func(t testing.TB, dir string) tokens.Store {
			return &locker{Store: inner(t, dir), lock: fair(&table{})}
		}
	}},
	{"the lock ends by a timeout", "lock/exclusion", locking(func(all *table) lock {
		return func(ctx context.Context, key string) (func(), error) {
			unlock, err := fair(all)(ctx, key)
			if err == nil {
				time.AfterFunc(300*time.Millisecond, unlock)
			}
			return unlock, err
		}
	})},
	{"the lock ends with the context it was got with", "lock/exclusion", locking(func(all *table) lock {
		return func(ctx context.Context, key string) (func(), error) {
			unlock, err := fair(all)(ctx, key)
			if err == nil {
				context.AfterFunc(ctx, unlock)
			}
			return unlock, err
		}
	})},
	{"unlock does nothing", "lock/exclusion", locking(func(all *table) lock {
		return func(ctx context.Context, key string) (func(), error) {
			_, err := fair(all)(ctx, key)
			return func() {}, err
		}
	})},
	{"unlock is nil", "lock/exclusion", locking(func(*table) lock {
		return func(context.Context, string) (func(), error) { return nil, nil }
	})},
	{"a second unlock unlocks for somebody else", "lock/unlock-twice", locking(func(all *table) lock {
		return func(ctx context.Context, key string) (func(), error) {
			select {
			case all.of(key) <- struct{}{}:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			return func() {
				select {
				case <-all.of(key):
				default:
				}
			}, nil
		}
	})},
	{"a second unlock waits", "lock/unlock-twice", locking(func(all *table) lock {
		return func(ctx context.Context, key string) (func(), error) {
			_, err := fair(all)(ctx, key)
			return func() { <-all.of(key) }, err
		}
	})},
	{"Lock does not look at the context", "lock/context", locking(func(all *table) lock {
		return func(_ context.Context, key string) (func(), error) { return fair(all)(context.Background(), key) }
	})},
	{"Lock looks at the context only while it waits", "lock/context", locking(func(all *table) lock {
		return func(ctx context.Context, key string) (func(), error) {
			select {
			case all.of(key) <- struct{}{}:
				return sync.OnceFunc(func() { <-all.of(key) }), nil
			default:
				return fair(all)(ctx, key)
			}
		}
	})},
	{"who gave up gets the lock all the same", "lock/given-up", locking(func(all *table) lock {
		return func(ctx context.Context, key string) (func(), error) {
			got := make(chan struct{})
			go func() {
				all.of(key) <- struct{}{}
				close(got)
			}()
			select {
			case <-got:
				return sync.OnceFunc(func() { <-all.of(key) }), nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
	})},
	{"the first waiter starves", "lock/turns", locking(func(all *table) lock {
		return func(ctx context.Context, key string) (func(), error) {
			for ctx.Err() == nil {
				select {
				case all.of(key) <- struct{}{}:
					return sync.OnceFunc(func() { <-all.of(key) }), nil
				default:
					time.Sleep(20 * time.Millisecond) // and a waiter that comes in between is first
				}
			}
			return nil, ctx.Err()
		}
	})},
	{"the lock does not keep out two", "lock/turns", locking(func(all *table) lock {
		return func(ctx context.Context, key string) (func(), error) {
			if len(all.of(key)) == cap(all.of(key)) && ctx.Err() == nil {
				return func() {}, nil
			}
			return fair(all)(ctx, key)
		}
	})},
	{"a swap takes the lock", "lock/values", func() func(testing.TB, string) tokens.Store {
		inner := locking(fair)()
		return func(t testing.TB, dir string) tokens.Store { return &lockedSwaps{inner(t, dir).(*locker)} }
	}},
	{"a swap frees the lock", "lock/values", func() func(testing.TB, string) tokens.Store {
		inner, all := memories(), &table{}
		return func(t testing.TB, dir string) tokens.Store {
			return &unlockingSwaps{&locker{inner(t, dir), fair(all)}, all}
		}
	}},
	{"the lock is a value", "lock/keys", func() func(testing.TB, string) tokens.Store {
		inner := memories()
		return func(t testing.TB, dir string) tokens.Store {
			store := inner(t, dir)
			return &locker{store, func(ctx context.Context, key string) (func(), error) {
				return func() {}, store.CompareAndSwap(ctx, key, nil, []byte("locked"))
			}}
		}
	}},
	{"the lock takes any key", "key-limits", locking(fair)},
	{"the lock is the process's", "lock/death", locking(fair)},
	{"the lock outlives its holder", "lock/death", func() func(testing.TB, string) tokens.Store {
		return func(_ testing.TB, dir string) tokens.Store { return fileLocks{tokens.Dir(dir)} }
	}},
}
