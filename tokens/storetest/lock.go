package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/contentstack/csoauth/tokens"
)

// How long a test watches for what must not happen.
const (
	aMoment = 50 * time.Millisecond
	aWhile  = 600 * time.Millisecond // a lock must not be freed by a timeout, and this finds the short ones
)

// testLock checks the lock of a store that is a Locker. Another passes.
func testLock(t *testing.T, s suite) {
	if _, ok := s.one(t).Store.(tokens.Locker); !ok {
		t.Log("the store is no Locker")
		return
	}
	for _, test := range []struct {
		name string
		run  func(*testing.T, suite)
	}{
		{"exclusion", testExclusion},
		{"unlock-twice", testUnlockTwice},
		{"context", testLockContext},
		{"given-up", testGivenUp},
		{"turns", testTurns},
		{"values", testLockAndValues},
		{"keys", testLockKeys},
		{"death", testDeath},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, s) })
	}
}

// A claim is a call of Lock that may still wait.
type claim struct {
	t      testing.TB
	result chan error
	unlock func() // once it was got
}

func (h handle) claim(ctx context.Context, key string) *claim {
	c := &claim{t: h.t, result: make(chan error, 1)}
	go func() {
		unlock, err := h.Store.(tokens.Locker).Lock(ctx, key)
		c.unlock = unlock
		c.result <- err
	}()
	return c
}

// got ends the test unless the claim gets the lock soon.
func (c *claim) got() (unlock func()) {
	c.t.Helper()
	select {
	case err := <-c.result:
		if err != nil {
			c.t.Fatalf("Lock: %v", err)
		}
	case <-time.After(patience):
		c.t.Fatalf("Lock did not return in %v, although nobody has the lock", patience)
	}
	if c.unlock == nil {
		c.t.Fatal("Lock returned neither unlock nor an error")
	}
	c.t.Cleanup(func() { returns(c.unlock) }) // if the test fails before it unlocks
	return c.unlock
}

// waits ends the test if the claim has come to its end d from now.
func (c *claim) waits(d time.Duration) {
	c.t.Helper()
	time.Sleep(d)
	select {
	case err := <-c.result:
		c.t.Fatalf("Lock returned while another holder has the lock, with the error: %v", err)
	default:
	}
}

// gaveUp ends the test unless the claim ends soon with the error of its context.
func (c *claim) gaveUp(want error) {
	c.t.Helper()
	select {
	case err := <-c.result:
		if !errors.Is(err, want) {
			c.t.Fatalf("Lock = %v after its context ended, want an error that wraps %v", err, want)
		}
	case <-time.After(patience):
		c.t.Fatalf("Lock did not return in %v after its context ended", patience)
	}
}

func (h handle) lock(key string) (unlock func()) {
	h.t.Helper()
	return h.claim(h.t.Context(), key).got()
}

// returns reports whether f does soon.
func returns(f func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
		return true
	case <-time.After(patience):
		return false
	}
}

// testExclusion: one at a time, from whichever handle, until unlock and not before; the context of
// the call does not matter any more. After that it is the next one's.
func testExclusion(t *testing.T, s suite) {
	h := s.two(t)
	ctx, cancel := context.WithCancel(t.Context())
	first := h[0].claim(ctx, key)
	unlock := first.got()
	cancel()
	same, other := h[0].claim(t.Context(), key), h[1].claim(t.Context(), key)
	other.waits(aWhile)
	same.waits(0)
	unlock()

	next, last := firstOf(same, other) // they may get it in any order
	unlock = next.got()
	last.waits(aMoment)
	unlock()
	last.got()()
	h[1].lock(key)()
}

// firstOf waits for one of two claims to come to its end, and returns that one first.
func firstOf(a, b *claim) (first, second *claim) {
	a.t.Helper()
	select {
	case err := <-a.result:
		a.result <- err
		return a, b
	case err := <-b.result:
		b.result <- err
		return b, a
	case <-time.After(patience):
		a.t.Fatalf("unlock let nobody in for %v", patience)
		return nil, nil
	}
}

// testUnlockTwice: a second unlock does nothing, and above all does not free the lock of another
// holder.
func testUnlockTwice(t *testing.T, s suite) {
	h := s.two(t)
	stale := h[0].lock(key)
	if !returns(func() {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(stale)
		}
		wg.Wait()
	}) {
		t.Fatalf("a second unlock did not return in %v", patience)
	}
	unlock := h[1].lock(key)
	stale()
	waiter := h[0].claim(t.Context(), key)
	stale()
	waiter.waits(aMoment)
	unlock()
	unlock = waiter.got()
	stale()
	unlock()
	unlock()
	h[0].lock(key)()
}

// testLockContext: the wait ends with its context, and one that has ended before gets nothing.
func testLockContext(t *testing.T, s suite) {
	h := s.two(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	h[0].claim(ended, key).gaveUp(context.Canceled)

	unlock := h[0].lock(key)
	for _, h := range h {
		h.claim(ended, key).gaveUp(context.Canceled)
		ctx, cancel := context.WithCancel(t.Context())
		waiter := h.claim(ctx, key)
		waiter.waits(aMoment)
		cancel()
		waiter.gaveUp(context.Canceled)
		ctx, cancel = context.WithTimeout(t.Context(), aMoment)
		h.claim(ctx, key).gaveUp(context.DeadlineExceeded)
		cancel()
	}
	unlock()
	h[1].lock(key)()
}

// testGivenUp: a waiter that gave up does not stop the others, neither those before it nor those
// behind it.
func testGivenUp(t *testing.T, s suite) {
	h := s.two(t)
	unlock := h[0].lock(key)
	ctx, cancel := context.WithCancel(t.Context())
	var waiters, quitters []*claim
	for i := range 6 {
		quitters = append(quitters, h[i%2].claim(ctx, key))
		waiters = append(waiters, h[i/2%2].claim(t.Context(), key))
	}
	waiters[0].waits(aMoment) // until all of them wait
	cancel()
	for _, q := range quitters {
		q.gaveUp(context.Canceled)
	}
	unlock()

	// They get it in any order, so each must give it back by itself.
	errs := make(chan error)
	for _, w := range waiters {
		go func() {
			err := <-w.result
			if err == nil {
				w.unlock()
			}
			errs <- err
		}()
	}
	timeout := time.After(patience)
	for range waiters {
		select {
		case err := <-errs:
			if err != nil {
				t.Fatalf("Lock: %v", err)
			}
		case <-timeout:
			t.Fatalf("a waiter did not get the lock in %v after others gave up", patience)
		}
	}
	h[1].lock(key)()
}

// testTurns: many who want the lock all the time all get it, and nobody gets it a hundred times as
// often as another.
func testTurns(t *testing.T, s suite) {
	const (
		turns = 5
		most  = 100 * turns * crowd
	)
	h := s.two(t)
	var (
		inside, total, satisfied atomic.Int32
		over                     = make(chan struct{})
		stop                     = sync.OnceFunc(func() { close(over) })
	)
	ctx := soon(t)
	errs := together(h, func(h handle, _ int) error {
		for mine := 0; ; {
			unlock, err := h.Store.(tokens.Locker).Lock(ctx, key)
			if err != nil {
				stop()
				return fmt.Errorf("after %d turns of this one, %d of all: %w", mine, total.Load(), err)
			}
			if n := inside.Add(1); n != 1 {
				err = fmt.Errorf("%d hold the lock at the same time", n)
			}
			if mine++; mine == turns && satisfied.Add(1) == crowd {
				stop()
			}
			if total.Add(1) > most {
				err = fmt.Errorf("the lock was taken %d times, and one waiter has not got it %d times: it starves", most, turns)
			}
			runtime.Gosched() // so that another waiter can come in, if the lock lets it
			inside.Add(-1)
			unlock()
			if err != nil {
				stop()
				return err
			}
			select {
			case <-over:
				return nil
			default:
			}
		}
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// testLockAndValues: the lock keeps nobody from the values, not even from that of its key.
func testLockAndValues(t *testing.T, s suite) {
	h := s.two(t)
	unlock := h[0].lock(key)
	done := make(chan error, 1)
	go func() {
		ctx := t.Context()
		for _, h := range h {
			for _, key := range []string{key, "user-2"} {
				for _, step := range [][2][]byte{{nil, a}, {a, b}, {b, nil}} {
					if err := h.CompareAndSwap(ctx, key, step[0], step[1]); err != nil {
						done <- err
						return
					}
					value, err := h.Load(ctx, key)
					if err != nil && !errors.Is(err, tokens.ErrNotFound) || !same(value, step[1]) {
						done <- fmt.Errorf("loaded %s, %v; want %s", show(value), err, show(step[1]))
						return
					}
				}
			}
		}
		done <- nil
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Fatalf("while the lock is held: %v", err)
		}
	case <-time.After(patience):
		t.Fatal("Load or CompareAndSwap waits for the lock")
	}
	waiter := h[1].claim(t.Context(), key)
	waiter.waits(aMoment) // and none of them freed it
	unlock()
	waiter.got()()
}

// testLockKeys: every key has a lock, which needs no value and makes none.
func testLockKeys(t *testing.T, s suite) {
	h := s.two(t)
	for i, key := range hostileKeys() {
		unlock := h[i%2].lock(key)
		unlock()
		h[(i+1)%2].want(key, nil)
	}
}
