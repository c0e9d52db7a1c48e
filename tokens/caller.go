package tokens

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/contentstack/csoauth"
)

var errClosed = errors.New("tokens: the Manager is closed")

// ask is the slow path of Token. The keyState is the one of key, if it is in memory.
func (m *Manager) ask(ctx context.Context, key string) (*view, *keyState, error) {
	if err := checkKey(key); err != nil {
		return nil, nil, fmt.Errorf("tokens: %w", err)
	}
	for {
		k := m.cache.find(key)
		if k == nil {
			if m.isClosed() {
				return nil, nil, errClosed
			}
			k = m.cache.add(key)
		}
		v, f, err := k.join(m.start)
		switch {
		case errors.Is(err, errEvicted):
			continue
		case f != nil:
			v, err = f.wait(ctx, v)
		}
		return v, k, err
	}
}

// start starts a flight, unless the Manager is closed.
func (m *Manager) start(k *keyState) *flight {
	if !m.enlist() {
		return nil
	}
	return m.launch(k)
}

// launch starts a flight that m.flights counts already.
func (m *Manager) launch(k *keyState) *flight {
	f := &flight{m: m, k: k, done: make(chan struct{}), news: make(chan struct{}), stalled: make(chan struct{})}
	f.stall = sync.OnceFunc(func() { close(f.stalled) })
	go func() {
		defer m.flights.Done()
		for !f.finish(f.run(m.ctx)) {
		}
		for _, event := range f.events {
			m.report(event)
		}
	}()
	return f
}

// finish ends the flight and wakes the callers. It reports false if the flight must run again,
// because an API has rejected the access token meanwhile.
func (f *flight) finish(err error) bool {
	r, ok := f.k.finish(err, f.lookedAt, f.knowsRejected, f.m.ctx.Err() == nil)
	if !ok {
		return false
	}
	if r.empty {
		f.m.cache.remove(f.k)
	}
	if r.ended {
		f.event(EventLoginRequired, r.err, 0)
	}
	f.view, f.err = r.view, r.err
	close(f.done)
	return true
}

func (f *flight) event(t EventType, err error, took time.Duration) {
	f.events = append(f.events, Event{Type: t, Key: f.k.key, Err: err, Took: took})
}

// wait returns what the flight finds out, or gives up with ctx. old is a token that is still valid,
// or nil.
func (f *flight) wait(ctx context.Context, old *view) (*view, error) {
	switch {
	case old == nil:
		return f.waitForToken(ctx)
	case f.isStale(old):
		return f.waitForLook(ctx, old)
	}
	return f.waitForBetter(ctx, old)
}

// waitForToken returns the first valid token that memory has.
func (f *flight) waitForToken(ctx context.Context) (*view, error) {
	f.addWaiter()
	for {
		news := f.nextNews()
		if v := f.k.valid(); v != nil {
			return f.settle(ctx, v)
		}
		select {
		case <-f.done:
			return f.view, f.err
		case <-news:
		case <-ctx.Done():
			return nil, fmt.Errorf("tokens: the wait for a refresh ended, and the refresh continues: %w", context.Cause(ctx))
		}
	}
}

// lookPatience is how long a look may take before callers with a valid token go on without it (law
// M11).
const lookPatience = 2 * time.Second

// waitForLook returns what the next look shows, or else old, whose own look is long ago. Callers
// wait once for a store that hangs: those who come later have waited already.
func (f *flight) waitForLook(ctx context.Context, old *view) (*view, error) {
	left := lookPatience - f.busyFor()
	if left <= 0 {
		return old, nil
	}
	patience := time.NewTimer(left)
	defer patience.Stop()
	login, isOld := f.k.loginOf(old)
	replaced := func() bool { return !isOld || f.k.loginID() != login }
	for {
		news := f.nextNews()
		switch v := f.k.valid(); {
		case v != nil && !f.isStale(v):
			return f.settle(ctx, v)
		case replaced(): // by a login whose token is over
			return f.waitForToken(ctx)
		}
		select {
		case <-f.done:
			if f.err == nil || replaced() {
				return f.view, f.err
			}
			return old, nil
		case <-news:
		case <-patience.C:
			return old, nil
		case <-ctx.Done():
			return old, nil
		}
	}
}

func (f *flight) isStale(v *view) bool { return v.stale(f.m.now(), f.m.recheck) }

// settle returns a token that came meanwhile, at once or, near its end, after a little while for a
// better one.
func (f *flight) settle(ctx context.Context, v *view) (*view, error) {
	if v.left(f.m.now()) > f.m.windows(f.k.key, v.lifetime).hard {
		return v, nil
	}
	return f.waitForBetter(ctx, v)
}

// waitForBetter returns what the flight brings, or else old, which is still valid. It waits for no
// longer than half the time that old has left, nor than half the hard window; and, unless the
// Options say so, not while the flight waits for others.
func (f *flight) waitForBetter(ctx context.Context, old *view) (*view, error) {
	patience := time.NewTimer(min(old.left(f.m.now()), hardWindow) / 2)
	defer patience.Stop()
	stalled := f.stalled
	if f.m.waits {
		stalled = nil
	}
	select {
	case <-f.done:
		if f.err == nil || errors.Is(f.err, csoauth.ErrLoginRequired) {
			return f.view, f.err
		}
	case <-stalled:
	case <-patience.C:
	case <-ctx.Done():
	}
	return old, nil
}

// addWaiter moves the flight to the refreshes that callers wait for.
func (f *flight) addWaiter() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = true
	if f.ticket != nil {
		f.places.promote(f.ticket)
	}
	if f.lookTicket != nil {
		f.m.limits.looks.promote(f.lookTicket)
	}
}

// tellNews wakes callers, who look at what memory has now.
func (f *flight) tellNews() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.news)
	f.news = make(chan struct{})
}

func (f *flight) nextNews() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.news
}

// setBusy is called where the flight begins to ask someone, and done at the end.
func (f *flight) setBusy() (done func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.busy
	if before == (instant{}) {
		f.busy = f.m.now()
	}
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.busy = before
	}
}

func (f *flight) busyFor() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.busy == (instant{}) {
		return 0
	}
	return f.m.now().since(f.busy)
}
