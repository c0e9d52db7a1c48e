package tokens

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/contentstack/csoauth"
)

const (
	minPoll      = 50 * time.Millisecond // between two looks at another's lease
	maxPoll      = time.Second
	maxAttempts  = 10              // to take a lease, while others are always faster
	savePatience = 5 * time.Second // for the first save, before callers get a pair that is not stored
)

// errConflict says that the record has changed since the last look.
var errConflict = errors.New("another process was faster")

// A flight is the one thing that goes on for a key in this process (law M1): a look at the store,
// and a refresh if one is due. This file has what it does, in the order in which it happens: look,
// next, lease, ask, save. How it waits is in limits.go and takeover.go, and what callers do in
// caller.go. It ends by itself, whichever caller waits for it or leaves.
type flight struct {
	m *Manager
	k *keyState

	done    chan struct{} // closed when view and err are set
	view    *view
	err     error
	stalled chan struct{} // closed when it has to wait for others: callers who have a token do not
	stall   func()

	mu         sync.Mutex
	news       chan struct{} // closed, and replaced, when a look or a Put has changed what memory has
	busy       instant       // since when it asks the store or the token endpoint; zero: it does not
	waiting    bool          // a caller without a token waits
	ticket     *ticket       // for its place among the refreshes
	lookTicket *ticket       // for its place among the looks

	// The flight's goroutine alone has these.
	rec           record        // what the store has, as the last look or swap showed
	places        *places       // at the token's endpoint
	queued        instant       // when it began to queue there
	lookedAt      time.Duration // when that was
	knowsRejected bool          // it has seen that an API has rejected the access token
	forced        bool          // it refreshes because of that
	pending       *pair         // a new pair that nobody gets before it is saved
	kept          bool          // that was saved, and callers get it
	heldSince     instant       // when it began to wait for other processes
	tookOver      string        // the id of the lease with which it has begun to take over
	lock          lockState
	unlock        func() // nil: it has no lock
	events        []Event
}

// run takes one step after the other, until there is nothing to do any more or something fails.
func (f *flight) run(ctx context.Context) error {
	defer f.leave()
	f.lookedAt, f.heldSince = never, instant{}
	f.forgetLock()
	for conflicts := 0; ; {
		var err error
		switch f.next() {
		case serve, fail:
			return nil
		case holdBack:
			f.k.suspectLost()
			return nil
		case look:
			err = f.look(ctx)
		case saveFirst:
			err = f.look(context.WithoutCancel(ctx)) // it writes back; Close waits for that
		case waitForHolder:
			err = f.waitForHolder(ctx)
		case takeOver:
			err = f.takeOver(ctx)
		case refresh:
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if !f.hasPlace() {
				err = f.enter(ctx) // while it waits, the next step may become another
				break
			}
			err = f.refresh(ctx)
			if !errors.Is(err, errConflict) && !errors.Is(err, errReplaced) {
				return err
			}
			f.leave()
		}
		switch {
		case errors.Is(err, errReplaced):
		case errors.Is(err, errConflict):
			if conflicts++; conflicts == maxAttempts {
				return f.storeFailed(&storeError{"swap the value that it has just returned: does it return values unchanged?", ErrConflict})
			}
			f.lookedAt, f.tookOver = never, ""
		case err != nil:
			return err
		}
	}
}

// next returns the next step.
func (f *flight) next() step {
	s := f.k.snapshot()
	s.lookAge, s.lock = f.m.now().mono-f.lookedAt, f.lock
	s.tookOver = f.tookOver != "" && f.tookOver == s.lease.id
	f.knowsRejected = s.rejected
	return next(s)
}

// look loads the record and makes memory and store one (law M2): what is newer in the store is
// adopted, and what the store has lost is written back.
func (f *flight) look(ctx context.Context) error {
	if f.pending == nil { // a save does not wait for others
		leave, err := f.takeLookPlace(ctx)
		if err != nil {
			return err
		}
		defer leave()
	}
	defer f.setBusy()()
	for range maxConflicts {
		f.k.beginLook()
		shown, err := f.m.loadRecord(ctx, f.k.key)
		if err != nil {
			return f.storeFailed(err)
		}
		f.lookedAt = f.m.now().mono
		what, truth, known := f.k.compare(shown, f.pending)
		switch what {
		case again:
			continue
		case gone:
			if known {
				f.event(EventLoginRequired, errNoLogin, 0)
			}
			f.pending = nil
			return errNoLogin
		case adopt:
			f.rec, f.pending = truth, nil
		case writeBack:
			if f.pending != nil {
				f.pending.record = truth
			}
			err := f.m.swapRecord(ctx, f.k.key, shown.value(), &truth)
			if errors.Is(err, ErrConflict) {
				continue
			} else if err != nil {
				return f.storeFailed(err)
			}
			f.stored(&truth)
		case same:
			f.stored(&truth)
		}
		f.tellNews()
		return nil
	}
	return f.storeFailed(&storeError{"swap", ErrConflict})
}

// stored notes that the store has r, and with it the pair that was pending or unsaved.
func (f *flight) stored(r *record) {
	f.rec, f.lookedAt = *r, f.m.now().mono
	if f.pending != nil {
		f.pending, f.kept = nil, f.k.setRenewed(r, f.forced, nil)
	} else if f.k.setStored(r) {
		f.event(EventRefreshed, nil, 0)
	}
}

// enter takes a place among the refreshes of this process (law M8) and, if the store has locks, the
// key's. A lock that is not to be had within a lease may be that of a process that was stopped:
// then the lease decides.
func (f *flight) enter(ctx context.Context) error {
	if err := f.takePlace(ctx); err != nil || !f.hasPlace() || f.lock != lockUnasked {
		return err
	}
	if err := f.takeLock(ctx, lockPatience); err != nil || f.lock == lockHeld {
		if f.rec.lease.locked {
			f.lookedAt = never // its holder may have freed the lock because it is done
		}
		return err
	}
	f.leave() // a place is for those who refresh, and not for those who wait for another process
	f.stall()
	err := f.takeLock(ctx, f.m.lease)
	f.lookedAt = never
	if err != nil {
		return err
	}
	return f.takePlace(ctx)
}

// refresh takes a lease (law M3), sends the refresh token, and saves what it gets. The lease shows
// the store writable before the refresh token is spent.
func (f *flight) refresh(ctx context.Context) error {
	defer f.setBusy()()
	began, leased := f.m.now(), f.rec.with(f.m.newLease(f.lock == lockHeld))
	if f.rec.lease.id != "" && !f.m.tookLease(f.rec.lease) {
		f.k.suspectLost()
	}
	ctx = context.WithoutCancel(ctx) // from here on: the lease keeps all others away
	slow := time.AfterFunc(slowCall, f.leavePlace)
	err := f.m.swapRecord(ctx, f.k.key, f.rec.value(), &leased)
	slow.Stop()
	switch {
	case errors.Is(err, ErrConflict):
		return errConflict
	case err != nil:
		return f.storeFailed(err)
	}
	f.rec = leased
	if !f.hasPlace() {
		if err := f.retakePlace(ctx); err != nil {
			f.endLease(ctx, f.rec.with(lease{}))
			return f.refreshFailed(leased.token.RefreshToken, err, 0)
		}
	}
	f.forced = f.k.snapshot().rejected
	left := f.m.lease - f.m.now().since(began)
	if left < f.m.lease/2 {
		f.endLease(ctx, f.rec.with(lease{}))
		return f.storeFailed(fmt.Errorf("tokens: the store needed %v for a swap, which leaves no time to refresh", (f.m.lease - left).Round(time.Millisecond)))
	}
	// The rest of the lease must do to save.
	within, cancel := context.WithTimeout(ctx, left-min(savePatience, f.m.lease/4))
	r := f.ask(within)
	f.leavePlace()
	if r.token == nil && mayAskAgain(r.err) && !f.k.snapshot().lost {
		r = f.askAgain(within, began, r)
	}
	cancel()
	switch {
	case r.token != nil:
		return f.keep(ctx, r)
	case errors.Is(r.err, csoauth.ErrLoginRequired):
		refused := newRefusal(leased.token.RefreshToken, r.err, f.m.now().time())
		f.endLease(ctx, f.rec.withRefusal(refused))
	case !wasLost(r.err) && !f.k.snapshot().lost: // a lost response stays lost, and the lease says so (law M6)
		f.endLease(ctx, f.rec.with(lease{}))
	}
	return f.refreshFailed(leased.token.RefreshToken, r.err, r.took)
}

// A response is what the Refresher returned. A token beside an error is what could be read of a
// broken one.
type response struct {
	token *csoauth.Token
	err   error
	took  time.Duration
}

// ask sends the refresh token.
func (f *flight) ask(ctx context.Context) (r response) {
	asked, old := f.m.now(), f.rec.token
	r.token, r.err = f.m.refresher.Refresh(ctx, &old)
	if !errors.Is(r.err, csoauth.ErrNotSent) {
		r.took = f.m.now().since(asked)
	}
	var said *csoauth.Error
	switch {
	case errors.As(r.err, &said):
		r.token = said.Token
	case r.err != nil:
		r.token = nil
	case r.token == nil:
		r.err = errors.New("tokens: the Refresher returned neither a token nor an error")
	}
	return r
}

// askAgain sends the refresh token once more, under the same lease, a moment after a response to it
// was lost (law M6): many servers give the same pair again for some seconds. It does not if less
// than half of the lease would be left, or no place is free. Anything but a new pair or a refusal
// leaves open what became of the first try.
func (f *flight) askAgain(ctx context.Context, began instant, first response) response {
	wait := jittered(maxAgain, f.m.random(f.k.key))
	if f.m.now().since(began)+wait > f.m.lease/2 {
		return first
	}
	select {
	case <-time.After(wait):
	case <-f.m.ctx.Done():
		return first
	}
	if !f.k.hasRefreshToken(f.rec.token.RefreshToken) || !f.takeFreePlace() {
		return first
	}
	second := f.ask(ctx)
	f.leavePlace()
	switch {
	case second.token != nil:
		return second
	case errors.Is(second.err, csoauth.ErrLoginRequired):
		second.err = fmt.Errorf("%w (before that: %w)", second.err, first.err)
		return second
	}
	return first
}

// endLease stores free, which has no lease. If that fails, the lease stays, and others wait for its
// end. A Put of the same refresh token keeps the lease, so endLease removes it from that record.
func (f *flight) endLease(ctx context.Context, free record) {
	err := f.m.swapRecord(ctx, f.k.key, f.rec.value(), &free)
	if errors.Is(err, ErrConflict) {
		var shown *record
		if shown, err = f.m.loadRecord(ctx, f.k.key); err != nil || shown == nil || shown.lease != f.rec.lease || !shown.has(f.rec.token.RefreshToken) {
			return
		}
		free = shown.withRefusal(free.refusal)
		err = f.m.swapRecord(ctx, f.k.key, shown.value(), &free)
	}
	if err == nil {
		f.stored(&free)
	}
}

// keep saves a new pair before anyone gets it (law M4). If the store cannot take it, callers get it
// all the same, and it is saved later.
func (f *flight) keep(ctx context.Context, r response) error {
	token, spent := *r.token, f.rec.token.RefreshToken
	if token.RefreshToken == "" {
		token.RefreshToken = spent
	}
	next := f.rec.renewed(&token, f.m.now().time())
	if r.err != nil {
		next.lifetime = f.rec.lifetime // of the old access token, which stays
	}
	f.pending, f.kept = &pair{next, spent}, false
	s := f.m.newSaver(f.k.key, f.rec.value(), next)
	if err := f.save(ctx, s); errors.Is(err, csoauth.ErrLoginRequired) {
		return err // deleted meanwhile
	} else if err != nil && f.saveLater(s) {
		f.event(EventSaveFailed, err, r.took)
	}
	if r.err != nil {
		return f.refreshFailed(next.token.RefreshToken, r.err, r.took)
	}
	if f.kept {
		f.event(EventRefreshed, nil, r.took)
	}
	return nil
}

// save stores the pending pair over the leased record. If that has changed, a look decides.
func (f *flight) save(ctx context.Context, s *saver) error {
	ctx, cancel := context.WithTimeout(ctx, savePatience)
	defer cancel()
	var last error
	for {
		err := s.try(ctx, nil)
		if err == nil {
			f.stored(&s.next)
			return nil
		}
		if errors.Is(err, ErrConflict) {
			if err = f.look(ctx); err == nil || errors.Is(err, csoauth.ErrLoginRequired) {
				return err
			}
		}
		if ctx.Err() != nil {
			return cmp.Or(last, err)
		}
		last = err
	}
}

// refreshFailed notes why there is no new pair.
func (f *flight) refreshFailed(refreshToken string, err error, took time.Duration) error {
	err = f.k.refreshFailed(refreshToken, err)
	if !errors.Is(err, errReplaced) {
		f.event(EventRefreshFailed, err, took)
	}
	return err
}

// storeFailed notes that the store did. A save that fails is reported as that, and Close is no
// failure.
func (f *flight) storeFailed(err error) error {
	saves := f.pending != nil || f.k.snapshot().unsaved
	if f.k.storeFailed(err) && !saves && f.m.ctx.Err() == nil {
		f.event(EventRefreshFailed, err, 0)
	}
	return err
}
