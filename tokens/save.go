package tokens

import "time"

// An unsaved pair is one that callers have, and the store has not.
type unsaved struct {
	spent string        // the refresh token that it cost
	over  chan struct{} // closed when it is saved, or not ours to save any more
}

// saveLater lets callers have the pending pair, and goes on trying to save it (law M4). The lease
// in the store stands meanwhile, and the lock is kept: a process that got it would take this one
// for dead.
func (f *flight) saveLater() {
	p := f.pending
	f.pending = nil
	u := &unsaved{spent: p.spent, over: make(chan struct{})}
	if !f.k.setRenewed(&p.record, f.forced, u) {
		return // deleted or put meanwhile
	}
	unlock := f.unlock
	f.unlock = nil
	f.m.flights.Go(func() {
		if unlock != nil {
			defer unlock()
		}
		f.m.saveUntilStored(f.k, u)
	})
}

// saveUntilStored saves an unsaved pair again until that works or the Manager is closed, with
// pauses that grow once the lease in the store keeps nobody away any more.
func (m *Manager) saveUntilStored(k *keyState, u *unsaved) {
	began := m.now()
	for n := 1; ; n++ {
		pause := backoff(n, nil, m.random(k.key))
		if m.now().since(began) < 2*m.lease {
			pause = min(pause, m.lease/8)
		}
		select {
		case <-time.After(pause):
			m.saveOnce(k, u)
		case <-u.over:
			return
		case <-m.ctx.Done():
			m.saveOnce(k, u)
			return
		}
	}
}

// saveOnce tries once, in a flight of its own: its first step is to save.
func (m *Manager) saveOnce(k *keyState, u *unsaved) {
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
