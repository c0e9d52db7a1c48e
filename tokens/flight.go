package tokens

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/contentstack/csoauth"
)

// A flight is the one thing that goes on for a key in this process: a look into the store, and a
// refresh if one is due. It belongs to nobody who waits for it.
type flight struct {
	m *Manager
	e *entry

	done    chan struct{} // closed when token and err are set
	stalled chan struct{} // closed when it has to wait for others, so that whoever has a token need not wait for it
	stall   func()
	offered chan struct{} // closed when early is set: a token that the store had, while the flight goes on
	early   *view
	token   *view
	err     error

	mu      sync.Mutex
	waiting bool    // somebody waits for it
	ticket  *ticket // its place at the gate

	// The flight's goroutine alone has these.
	rec      record        // what the store held when last looked
	lookedAt time.Duration // when that was
	pending  *pair         // a new pair that nobody gets before it is saved
	kept     bool          // it was saved
	unlock   func()        // frees the key's lock
	events   []Event

	// e.mu guards these.
	dropped  bool // the login was deleted meanwhile
	rejected bool // it knows that an API has refused the access token
	forced   bool // it refreshes because of that
}

// launch starts a flight, which m.flights counts already. e.mu is held.
func (m *Manager) launch(e *entry, run func(*flight) error) *flight {
	f := &flight{m: m, e: e, done: make(chan struct{}), stalled: make(chan struct{}), offered: make(chan struct{}), lookedAt: never}
	f.stall = sync.OnceFunc(func() { close(f.stalled) })
	if e.work == nil {
		e.work = new(work)
	}
	e.work.flight = f
	go func() {
		defer m.flights.Done()
		err := run(f)
		for !f.land(err) {
			err = f.run(m.ctx)
		}
		for _, event := range f.events {
			m.report(event)
		}
	}()
	return f
}

// run brings what is known of the login up to date.
func (f *flight) run(ctx context.Context) error {
	if !f.due() || f.isUnsaved() { // what is not saved is saved first: that frees the lock
		err := f.agree(ctx)
		if err == nil && f.isRejected() && f.othersTurn(false) {
			f.stall()
			err = f.awaitOther(ctx, f.isRejected) // it may be about to store a token that is not refused
		}
		if err != nil || !f.due() {
			return err
		}
	}
	return f.refresh(ctx)
}

// due reports whether it is time to refresh, as far as memory knows.
func (f *flight) due() bool {
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	f.rejected = f.e.work.rejected
	return f.m.snapshot(f.e, f.m.now()).due()
}

func (f *flight) isRejected() bool {
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	return f.e.work.rejected
}

func (f *flight) isUnsaved() bool {
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	return f.e.work.unsaved != nil
}

// offer lets those who wait without a token have the one that the store had, if it is still good.
func (f *flight) offer() {
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	f.offerNow()
}

// offerNow is offer for who holds e.mu.
func (f *flight) offerNow() {
	if f.early == nil && f.m.snapshot(f.e, f.m.now()).valid() {
		f.early = f.e.view.Load()
		close(f.offered)
	}
}

// hurry says that a caller has no token before this flight lands.
func (f *flight) hurry() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = true
	if f.ticket != nil {
		f.m.gate.hurry(f.ticket)
	}
}

// land publishes what the flight found out. err is why there is no newer token than the one in
// memory. It reports false if an API has refused that one meanwhile, so that there is more to do.
func (f *flight) land(err error) bool {
	e, m := f.e, f.m
	e.mu.Lock()
	w, v, now := e.work, e.view.Load(), m.now()
	if w.rejected && !f.rejected && m.ctx.Err() == nil {
		e.mu.Unlock()
		return false
	}
	w.flight = nil
	if w.refused == nil {
		w.rejected = false // one API's word against it is not enough to go without a token
	}
	switch {
	case v == nil:
		e.work = gone
		f.err = err
		if f.err == nil { // deleted, just after it was there
			f.err = errNoLogin
		}
	case m.snapshot(e, now).valid():
		w.lookAt = 0
		m.freshen(e, now)
		f.token = e.view.Load()
		e.work = w.tidy(now)
	default:
		if f.err = err; err == nil {
			f.err = w.why(v)
		}
		if w.lookAt <= now.mono {
			w.lookAt = now.mono + lookEvery
		}
		if errors.Is(f.err, csoauth.ErrLoginRequired) && !w.told {
			w.told = true
			f.event(EventLoginRequired, f.err, 0)
		}
	}
	dead := e.work == gone
	e.mu.Unlock()
	if dead {
		m.cache.remove(e)
	}
	close(f.done)
	return true
}

// tidy returns w, or nil if there is nothing in it any more.
func (w *work) tidy(now instant) *work {
	if !w.justForced(now) {
		w.forcedAt = 0
	}
	if *w == (work{}) {
		return nil
	}
	return w
}

func (f *flight) event(t EventType, err error, took time.Duration) {
	f.events = append(f.events, Event{Type: t, Key: f.e.key, Err: err, Took: took})
}
