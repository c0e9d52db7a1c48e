package tokens

import (
	"context"
	"errors"
	"time"

	"github.com/contentstack/csoauth"
)

// keep stores a new pair over the record that led to it before anybody gets it (law M4). If the
// store cannot take it, it is used all the same, and saved again later. problem is what was wrong
// with the answer, if anything was.
func (f *flight) keep(ctx context.Context, base, marked record, token csoauth.Token, problem error, took time.Duration) error {
	if token.RefreshToken == "" {
		token.RefreshToken = base.token.RefreshToken
	}
	next := base.renewed(&token, f.m.now().time())
	if problem != nil {
		next.lifetime = base.lifetime // of the old access token, which stays
	}
	f.pending = &pair{next, base.token.RefreshToken}
	if err := f.save(ctx, marked); errors.Is(err, csoauth.ErrLoginRequired) {
		return err // deleted meanwhile
	} else if err != nil {
		f.event(EventSaveFailed, err, took)
		f.useUnsaved()
	}
	if problem != nil {
		return f.unrenewed(next, problem, took)
	}
	if f.kept {
		f.event(EventRefreshed, nil, took)
	}
	return nil
}

// save swaps the pending pair over the marked record, or over whatever it turns out that it
// belongs.
func (f *flight) save(ctx context.Context, marked record) error {
	ctx, cancel := context.WithTimeout(ctx, savePatience)
	defer cancel()
	next := f.pending.record
	if err := next.encode(); err != nil {
		return err
	}
	written, err := f.m.swap(ctx, f.e.key, marked.value(), next.raw)
	if err == nil {
		next.sealed = written.sealed
		f.saved(next)
		return nil
	}
	for pause := minPoll; ; pause *= 2 {
		if err = f.agree(ctx); err == nil || errors.Is(err, csoauth.ErrLoginRequired) {
			return err
		}
		select {
		case <-time.After(f.m.jittered(f.e.key, pause)):
		case <-ctx.Done():
			return err
		}
	}
}

// unsaved is a pair that callers have, and the store has not.
type unsaved struct {
	spent string        // the refresh token that it was got with
	over  chan struct{} // closed when it is saved, or not ours to save any more
}

// settle ends what was to be saved. The entry's mu is held.
func (w *work) settle() {
	if w.unsaved != nil {
		close(w.unsaved.over)
		w.unsaved = nil
	}
}

// useUnsaved lets callers have a pair that the store could not take, and goes on trying to save it.
// The mark in the store stands meanwhile, and the lock is kept: a process that
// got it would take this one for dead.
func (f *flight) useUnsaved() {
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	p := f.pending
	f.pending = nil
	if v := f.e.view.Load(); f.dropped || v == nil || v.seq >= p.seq {
		return // deleted or put meanwhile
	}
	f.adoptOwn(p.record)
	u := &unsaved{spent: p.spent, over: make(chan struct{})}
	f.e.work.unsaved = u
	unlock := f.handOver()
	f.m.flights.Go(func() {
		defer unlock()
		f.m.saveLater(f.e, u)
	})
}

// saveLater saves an unsaved pair again until that works or the Manager is closed, with pauses that
// grow once the mark in the store keeps nobody away any more.
func (m *Manager) saveLater(e *entry, u *unsaved) {
	began := m.now()
	for n := 1; ; n++ {
		pause := m.backoff(e.key, n, nil)
		if m.now().since(began) < 2*m.lease {
			pause = min(pause, m.lease/8)
		}
		select {
		case <-time.After(pause):
			m.saveAgain(e, u)
		case <-u.over:
			return
		case <-m.ctx.Done():
			m.saveAgain(e, u)
			return
		}
	}
}

// saveAgain tries once, in a flight.
func (m *Manager) saveAgain(e *entry, u *unsaved) {
	e.mu.Lock()
	for e.work != nil && e.work.flight != nil {
		running := e.work.flight
		e.mu.Unlock()
		<-running.done
		e.mu.Lock()
	}
	if e.work == nil || e.work.unsaved != u {
		e.mu.Unlock()
		return
	}
	m.flights.Add(1)
	f := m.launch(e, func(f *flight) error {
		if err := f.agree(context.WithoutCancel(m.ctx)); err != nil || !f.due() {
			return err
		}
		return f.refresh(m.ctx)
	})
	e.mu.Unlock()
	select {
	case <-f.done:
	case <-u.over: // the flight may go on to refresh, and wants the lock
	}
}
