package tokens

import (
	"context"
	"errors"
	"slices"
	"time"
)

// A saver swaps a new pair over the record that led to it, again and again (law M4). It always
// swaps the same bytes, so a try that was done without our knowledge counts. A try that hangs does
// not hold up the others: a second one runs beside it.
type saver struct {
	m    *Manager
	key  string
	old  value
	next record

	began, nextTry instant
	running        [2]bool        // the tries of tryTimes that are under way
	results        chan tryResult // of both
}

type tryResult struct {
	of  int // an index of tryTimes
	err error
}

// tryTimes are for a first try, and for others beside it.
var tryTimes = [2]time.Duration{storeTimeout, time.Second}

const saveEvery = 250 * time.Millisecond // between two tries

func (m *Manager) newSaver(key string, old value, next record) *saver {
	return &saver{m: m, key: key, old: old, next: next, began: m.now(), results: make(chan tryResult, 2)}
}

// try returns the result of the next try that ends. It starts one at once, and then one after each
// pause. over ends it as ctx does.
func (s *saver) try(ctx context.Context, over <-chan struct{}) error {
	if s.next.raw == nil {
		if err := s.next.encode(); err != nil {
			return err
		}
		s.next.sealed = s.m.store.seal(s.key, s.next.raw)
	}
	timer := time.NewTimer(s.startDue(ctx))
	defer timer.Stop()
	for {
		select {
		case r := <-s.results:
			s.running[r.of] = false
			return r.err
		case <-timer.C:
			timer.Reset(s.startDue(ctx))
		case <-over:
			return errReplaced
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// startDue starts a try if it is time for one, and returns how long it is to the next.
func (s *saver) startDue(ctx context.Context) time.Duration {
	now := s.m.now()
	if wait := s.nextTry.mono - now.mono; wait > 0 {
		return wait
	}
	if free := slices.Index(s.running[:], false); free >= 0 {
		s.start(context.WithoutCancel(ctx), free)
	}
	s.nextTry = now.add(s.pause())
	return s.pause()
}

func (s *saver) start(ctx context.Context, n int) {
	s.running[n] = true
	s.m.flights.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, tryTimes[n])
		defer cancel()
		next := s.next.value()
		s.results <- tryResult{n, s.m.swap(ctx, s.key, s.old, &next)}
	})
}

// pause returns the time between two tries. A process that takes over gives a holder that runs 2
// seconds: that is several tries.
func (s *saver) pause() time.Duration {
	if s.m.now().since(s.began) > 10*s.m.lease {
		return time.Second
	}
	return min(saveEvery, s.m.lease/32)
}

// saveLater lets callers have the pending pair, and goes on trying to save it. The lease in the
// store stands meanwhile, and the lock is kept: a process that got it would take this one for dead.
// It reports false if the login was deleted or put meanwhile.
func (f *flight) saveLater(s *saver) bool {
	p := f.pending
	f.pending = nil
	u := &unsaved{spent: p.spent, over: make(chan struct{})}
	if !f.k.setRenewed(&p.record, f.forced, u) {
		return false
	}
	unlock := f.unlock
	f.unlock = nil
	f.forgetLock()
	f.m.flights.Go(func() {
		if unlock != nil {
			defer unlock()
		}
		f.m.saveUntilStored(f.k, u, s)
	})
	return true
}

// saveUntilStored goes on until an unsaved pair is stored or the Manager is closed.
func (m *Manager) saveUntilStored(k *keyState, u *unsaved, s *saver) {
	for {
		switch err := s.try(m.ctx, u.over); {
		case err == nil:
			if k.setSaved(u, &s.next) {
				m.report(Event{Type: EventRefreshed, Key: k.key})
			}
			return
		case errors.Is(err, errReplaced):
			return
		case m.ctx.Err() != nil:
			m.saveByFlight(k, u)
			return
		case errors.Is(err, ErrConflict): // the record has changed: a look decides
			m.saveByFlight(k, u)
		}
	}
}

// saveByFlight tries once, in a flight of its own: its first step is to save.
func (m *Manager) saveByFlight(k *keyState, u *unsaved) {
	begin := func(k *keyState) *flight {
		m.flights.Add(1) // also after Close, which waits for the caller
		return m.launch(k)
	}
	for {
		f, isNew := k.joinToSave(u, begin)
		if f == nil {
			return
		}
		select {
		case <-f.done:
		case <-u.over: // the flight may go on to refresh, and wants the lock
			return
		}
		if isNew {
			return
		}
	}
}
