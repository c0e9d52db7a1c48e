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

// ask gets a token where a hit is not enough. The keyState is the one of key, if it is in memory.
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
	f := &flight{m: m, k: k, done: make(chan struct{}), offered: make(chan struct{}), stalled: make(chan struct{})}
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

// finish gives those who wait what the flight has found out. It reports false if there is more to
// do: an API has rejected the access token meanwhile.
func (f *flight) finish(err error) bool {
	r, ok := f.k.finish(err, f.knowsRejected, f.m.ctx.Err() == nil)
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
	if old != nil {
		return f.waitForBetter(ctx, old)
	}
	f.addWaiter()
	offered := f.offered
	for {
		select {
		case <-f.done:
			return f.view, f.err
		case <-offered:
			if f.k.valid() == f.early {
				return f.settle(ctx, f.early)
			}
			offered = nil // it was replaced since
		case <-ctx.Done():
			return nil, fmt.Errorf("tokens: waiting for a refresh, which goes on: %w", context.Cause(ctx))
		}
	}
}

// settle returns a token that the store had, at once or, near its end, after a little while for a
// better one.
func (f *flight) settle(ctx context.Context, early *view) (*view, error) {
	if early.left(f.m.now()) > f.m.windows(f.k.key, early.lifetime).hard {
		return early, nil
	}
	return f.waitForBetter(ctx, early)
}

// waitForBetter returns what the flight brings, or else old, which is still valid: it does not wait
// while the flight waits for others, nor longer than half the time that old has left.
func (f *flight) waitForBetter(ctx context.Context, old *view) (*view, error) {
	patience := time.NewTimer(old.left(f.m.now()) / 2)
	defer patience.Stop()
	select {
	case <-f.done:
		if f.err == nil || errors.Is(f.err, csoauth.ErrLoginRequired) {
			return f.view, f.err
		}
	case <-f.stalled:
	case <-patience.C:
	case <-ctx.Done():
	}
	return old, nil
}

// addWaiter says that a caller has no token before this flight ends.
func (f *flight) addWaiter() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = true
	if f.ticket != nil {
		f.m.places.promote(f.ticket)
	}
}
