package tokens

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/contentstack/csoauth"
)

const (
	defaultLease = 30 * time.Second
	minLease     = time.Second           // a store and a token endpoint answer within it
	lockPatience = 20 * time.Millisecond // a lock that takes longer is somebody else's
	minPoll      = 50 * time.Millisecond // between two looks at another's mark
	maxPoll      = time.Second
	maxAttempts  = 10              // of which somebody else is always faster
	freshLook    = time.Second     // a look at the store that is younger need not be repeated
	savePatience = 5 * time.Second // for the first save, before callers get a pair that is not stored
)

// Errors of one attempt.
var (
	errMarked   = errors.New("somebody else is refreshing")
	errConflict = errors.New("somebody else was faster")
	errDone     = errors.New("somebody else has refreshed")
	errReplaced = errors.New("somebody stored another login meanwhile")
	errLost     = errors.New("a process that began to refresh did not say how it went")
)

// refresh gets a new pair and stores it (laws M3 to M6). While another replica is at it, it waits,
// and holds no place at the gate.
func (f *flight) refresh(ctx context.Context) error {
	for conflicts := 0; ; {
		err := f.attempt(ctx)
		switch {
		case errors.Is(err, errMarked):
			f.stall()
			err = f.awaitOther(ctx, f.due)
		case errors.Is(err, errConflict):
			if conflicts++; conflicts == maxAttempts {
				return f.storeFailed(&storeError{"swap the value that it has just shown: does it return values as it got them?", ErrConflict})
			}
			if err = f.agree(ctx); err == nil && f.othersTurn(false) {
				f.stall()
				err = f.awaitOther(ctx, f.due)
			}
		case errors.Is(err, errReplaced), errors.Is(err, errDone):
			err = nil
		default:
			return err
		}
		if err != nil || !f.due() {
			return err
		}
	}
}

// attempt refreshes once: so many at a time in this process, waiting callers' first, and one at a
// time per key wherever the store can lock.
func (f *flight) attempt(ctx context.Context) error {
	end, locked, err := f.admit(ctx)
	if err != nil {
		return err
	}
	defer end()
	// What the store showed a moment ago still counts: if it has changed, the swap will find out.
	if f.m.now().mono-f.lookedAt > freshLook {
		if err := f.agree(ctx); err != nil {
			return err
		}
	}
	if !f.due() {
		return nil
	}
	if f.othersTurn(locked) {
		return errMarked
	}
	if f.holdBack() {
		return nil
	}
	return f.trade(ctx, locked)
}

// admit takes a place at the gate, and the key's lock if that is to be had.
func (f *flight) admit(ctx context.Context) (end func(), locked bool, err error) {
	leave, err := f.passGate(ctx)
	if err != nil {
		return nil, false, err
	}
	unlock, locked, err := f.lock(ctx, lockPatience)
	if err != nil {
		leave()
		return nil, false, err
	}
	if !locked && f.m.locker != nil {
		// Somebody else is at it, and a place at the gate is for those who are.
		leave()
		f.stall()
		if unlock, locked, err = f.lock(ctx, f.m.lease); err != nil {
			return nil, false, err
		}
		f.lookedAt = never
		if leave, err = f.passGate(ctx); err != nil {
			unlock()
			return nil, false, err
		}
	}
	f.unlock = unlock
	return func() { f.handOver()(); leave() }, locked, nil
}

// passGate waits for a place at the gate. While it does, somebody else may have refreshed.
func (f *flight) passGate(ctx context.Context) (leave func(), err error) {
	f.mu.Lock()
	ticket, queued := f.m.gate.enter(f.waiting)
	f.ticket = ticket
	f.mu.Unlock()
	if queued {
		f.stall()
		if err := f.agree(ctx); err != nil || !f.due() {
			f.m.gate.giveUp(ticket)
			return nil, cmp.Or(err, errDone)
		}
	}
	if err := f.m.gate.wait(ctx, ticket); err != nil {
		return nil, err
	}
	return f.m.gate.leave, nil
}

// lock takes the key's lock, if the store has any and it is free within patience. A process that
// has it is alone, except for those who went on without: a lock that is not to be had within a
// lease may belong to a process that was stopped.
func (f *flight) lock(ctx context.Context, patience time.Duration) (unlock func(), locked bool, err error) {
	if f.m.locker == nil {
		return func() {}, false, nil
	}
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	unlock, err = f.m.locker.Lock(within, f.e.key)
	switch {
	case err == nil:
		return unlock, true, nil
	case ctx.Err() != nil:
		return nil, false, context.Cause(ctx)
	case within.Err() != nil:
		return func() {}, false, nil
	}
	return nil, false, f.storeFailed(&storeError{"lock", err})
}

// handOver returns what frees the key's lock, whose owner the caller becomes. It returns it once.
func (f *flight) handOver() (unlock func()) {
	unlock, f.unlock = f.unlock, func() {}
	return unlock
}

// trade sends the refresh token, under a mark, and stores what it gets before anybody else sees it.
// The store has shown by then that it can be written.
func (f *flight) trade(ctx context.Context, locked bool) error {
	m, e := f.m, f.e
	base, began := f.rec, m.now()
	marked, err := base.marked(m.newMark(), m.lease, locked)
	if err != nil {
		return f.storeFailed(err)
	}
	// From here on nothing waits for ctx: the mark keeps everybody else away.
	ctx = context.WithoutCancel(ctx)
	switch written, err := m.swap(ctx, e.key, base.value(), marked.raw); {
	case errors.Is(err, ErrConflict):
		return errConflict
	case err != nil:
		return f.storeFailed(err)
	default:
		marked.sealed = written.sealed
	}
	f.rec = marked
	e.mu.Lock()
	f.forced = e.work.rejected
	e.mu.Unlock()
	left := m.lease - m.now().since(began)
	if left < m.lease/2 {
		f.unmark(ctx, base, marked)
		return f.storeFailed(fmt.Errorf("tokens: the store needed %v for a swap, which leaves no time to refresh", (m.lease - left).Round(time.Millisecond)))
	}
	asked := m.now()
	within, cancel := context.WithTimeout(ctx, left-min(savePatience, m.lease/4)) // what is left must do to save
	old := base.token
	token, err := m.refresher.Refresh(within, &old)
	cancel()
	took := m.now().since(asked)
	if errors.Is(err, csoauth.ErrNotSent) {
		took = 0
	}

	var said *csoauth.Error
	switch {
	case err == nil && token != nil:
		return f.keep(ctx, base, marked, *token, nil, took)
	case errors.As(err, &said) && said.Token != nil:
		return f.keep(ctx, base, marked, *said.Token, err, took)
	case err == nil:
		err = errors.New("tokens: the Refresher returned neither a token nor an error")
	}
	// An earlier response that was lost stays lost, unless this one says that the login is over:
	// then the mark goes on telling others that the refresh token may be spent.
	if !wasLost(err) && (!f.isLost() || errors.Is(err, csoauth.ErrLoginRequired)) {
		f.unmark(ctx, base, marked)
	}
	return f.unrenewed(base, err, took)
}
