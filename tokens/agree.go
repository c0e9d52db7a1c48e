package tokens

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/contentstack/csoauth"
)

// agree loads the record and makes it and memory one (law M2). A newer record is adopted. An older
// one means that the store has lost a write: what is in memory is written back, and the old refresh
// token is not used. If there is none, the login was ended elsewhere.
func (f *flight) agree(ctx context.Context) error {
	for range maxConflicts {
		stored, err := f.m.load(ctx, f.e.key)
		if errors.Is(err, ErrNotFound) {
			return f.forget()
		}
		if err != nil {
			return f.storeFailed(err)
		}
		rec, err := decode(stored.plain)
		rec.sealed = stored.sealed
		if err != nil {
			return f.storeFailed(&storeError{"show a record that can be read", err})
		}
		f.lookedAt = f.m.now().mono
		back := f.compare(rec)
		if back == nil {
			f.offer()
			return nil
		}
		if err := back.encode(); err != nil {
			return f.storeFailed(err)
		}
		switch written, err := f.m.swap(ctx, f.e.key, stored, back.raw); {
		case err == nil:
			back.sealed = written.sealed
			f.saved(*back)
			f.offer()
			return nil
		case !errors.Is(err, ErrConflict):
			return f.storeFailed(err)
		}
	}
	return f.storeFailed(&storeError{"swap", ErrConflict})
}

// compare compares the record in the store to what this process has. It adopts the record, or
// returns what must be written over it.
func (f *flight) compare(rec record) (back *record) {
	e, m := f.e, f.m
	e.mu.Lock()
	defer e.mu.Unlock()
	f.rec = rec
	w, now := e.work, m.now()
	w.storeFailures = 0
	if rec.mark != w.mark {
		w.mark, w.markSeen = rec.mark, now.mono
	}
	if f.dropped {
		f.pending = nil
		return nil
	}
	ours := f.ours()
	switch what, truth := reconcile(ours, rec); what {
	case writeBack:
		if f.pending != nil {
			f.pending.record = truth
		}
		return &truth
	case same:
		f.publish(rec)
	case adopt:
		f.pending = nil
		m.adopt(e, &rec, w.rejected)
		if ours == nil && m.ownMark(rec.mark) {
			w.lost = errLost // what we knew about that attempt went with the entry
		}
	}
	return nil
}

// ours returns what this process believes to be the newest pair: one that is not saved yet, or the
// one in memory. e.mu is held.
func (f *flight) ours() *pair {
	if f.pending != nil {
		return f.pending
	}
	if f.e.view.Load() == nil {
		return nil
	}
	p := &pair{record: f.e.record()}
	if u := f.e.work.unsaved; u != nil {
		p.spent = u.spent
	}
	return p
}

// saved notes that the store now holds rec, which is ours.
func (f *flight) saved(rec record) {
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	f.rec = rec
	f.e.work.mark = ""
	f.publish(rec)
}

// publish makes rec, which is ours and in the store, what memory has: a new pair, or one that was
// not saved before. e.mu is held.
func (f *flight) publish(rec record) {
	w := f.e.work
	switch v := f.e.view.Load(); {
	case f.dropped || v == nil || v.seq > rec.seq: // deleted or put meanwhile
	case f.pending != nil:
		f.adoptOwn(rec)
		f.kept = true
	case v.seq < rec.seq:
		moved := *v
		moved.seq = rec.seq
		f.e.view.Store(&moved)
		f.e.login, f.e.over = rec.login, rec.over
		fallthrough
	default:
		if w.unsaved != nil {
			f.event(EventRefreshed, nil, 0)
		}
		w.settle()
	}
	f.pending = nil
}

// adoptOwn is adopt for a pair that this process has just got. One that has ended already, or
// nearly, says that a clock or the provider is wrong; asking for another at once would not help.
// e.mu is held.
func (f *flight) adoptOwn(rec record) {
	f.m.adopt(f.e, &rec, f.forced)
	if !rec.token.Expiry.IsZero() && rec.lifetime < minLifetime {
		until := f.m.now().mono + minPause
		f.e.work.pause(until, until)
	}
}

// minLifetime is what must be left of a new token for it to be any use.
const minLifetime = 100 * time.Millisecond

// adopt puts a record that is the truth into memory, and forgets what was remembered about the one
// before. forced says that an API refused that one: then the new one is not given up at once for
// another refusal. e.mu is held.
func (m *Manager) adopt(e *entry, rec *record, forced bool) {
	w, now := e.work, m.now()
	e.view.Store(m.newView(rec, now))
	e.login, e.over = rec.login, rec.over
	w.settle()
	*w = work{flight: w.flight, mark: w.mark, markSeen: w.markSeen}
	if forced {
		w.forcedAt = max(1, now.mono)
	}
}

// forget ends a login that the store does not have.
func (f *flight) forget() error {
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	err := errNoLogin
	if f.e.view.Load() != nil {
		f.event(EventLoginRequired, err, 0)
	}
	f.pending = nil
	f.m.drop(f.e)
	return err
}

// errNoLogin is for a key that the store does not have.
var errNoLogin = fmt.Errorf("tokens: %w: %w: the store has no login of this key", csoauth.ErrLoginRequired, ErrNotFound)

// drop empties e. A flight that is under way finds it so and removes it. e.mu is held.
func (m *Manager) drop(e *entry) {
	e.view.Store(nil)
	if w := e.work; w != nil {
		w.settle()
		if w.flight != nil {
			*w = work{flight: w.flight}
			return
		}
	}
	e.work = gone
}
