package tokens

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/contentstack/csoauth"
)

var (
	errClosed  = errors.New("tokens: the Manager is closed")
	errTooSoon = errors.New("the token was got less than 30 s ago and counts as expired already: compare the clocks of these machines")
	errNoRenew = errors.New("the access token has ended, and there is no refresh token")
)

// ask is how a token is got when a hit is not enough.
func (m *Manager) ask(ctx context.Context, key string) (*view, *entry, error) {
	if err := checkKey(key); err != nil {
		return nil, nil, fmt.Errorf("tokens: %w", err)
	}
	for {
		now := m.now()
		e := m.cache.add(key, now)
		e.mu.Lock()
		if e.work == gone {
			e.mu.Unlock()
			continue
		}
		v, s := e.view.Load(), m.snapshot(e, now)
		valid := s.valid()
		if s.fails() {
			err := e.work.why(v)
			e.mu.Unlock()
			return nil, e, err
		}
		f := m.flightFor(e, v, now)
		wait := !valid || f != nil && s.callerWaits()
		if f == nil && v == nil {
			e.work = gone
		}
		e.mu.Unlock()
		switch {
		case f == nil && v == nil:
			m.cache.remove(e)
			return nil, nil, errClosed
		case f == nil && !valid:
			return nil, nil, errClosed
		case !wait:
			return v, e, nil
		}
		if !valid {
			v = nil
		}
		v, err := f.wait(ctx, v, now)
		return v, e, err
	}
}

// flightFor returns the flight of e. If there is none, it starts one, unless a hit would have been
// enough or the Manager is closed. e.mu is held.
func (m *Manager) flightFor(e *entry, v *view, now instant) *flight {
	if e.work != nil && e.work.flight != nil {
		return e.work.flight
	}
	if v != nil && now.before(v.fresh) || !m.enlist() {
		return nil
	}
	return m.launch(e, func(f *flight) error { return f.run(m.ctx) })
}

// wait returns what the flight finds out, or gives up with ctx. old is a token that is still good;
// nobody waits for a better one when that depends on others, or longer than half the time it has
// left.
func (f *flight) wait(ctx context.Context, old *view, now instant) (*view, error) {
	if old == nil {
		f.hurry()
		select {
		case <-f.done:
			return f.token, f.err
		case <-f.offered:
			if v := f.stillGood(f.early); v != nil {
				return f.settleFor(ctx, v)
			}
		case <-ctx.Done():
			return nil, waitedTooLong(ctx)
		}
		select {
		case <-f.done:
			return f.token, f.err
		case <-ctx.Done():
			return nil, waitedTooLong(ctx)
		}
	}
	patience := time.NewTimer(old.left(now) / 2)
	defer patience.Stop()
	select {
	case <-f.done:
		if f.err == nil || errors.Is(f.err, csoauth.ErrLoginRequired) {
			return f.token, f.err
		}
	case <-f.stalled:
	case <-patience.C:
	case <-ctx.Done():
	}
	return old, nil
}

// settleFor returns a token that the store had, at once or, near its end, after a little while for
// a better one.
func (f *flight) settleFor(ctx context.Context, early *view) (*view, error) {
	now := f.m.now()
	if early.left(now) > f.m.windows(f.e.key, early).hard {
		return early, nil
	}
	return f.wait(ctx, early, now)
}

// stillGood returns v if it is what memory has and may be handed out, and nil otherwise.
func (f *flight) stillGood(v *view) *view {
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	if v != f.e.view.Load() || !f.m.snapshot(f.e, f.m.now()).valid() {
		return nil
	}
	return v
}

func waitedTooLong(ctx context.Context) error {
	return fmt.Errorf("tokens: waiting for a refresh, which goes on: %w", context.Cause(ctx))
}
