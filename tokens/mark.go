package tokens

import (
	"context"
	"crypto/rand"
	"strings"
	"time"
)

// newMark returns the id of a new attempt. It begins with the Manager's, which has one attempt at a
// time for a key: a mark of its own in the store is a left-over of an attempt that it knows all
// about.
func (m *Manager) newMark() string { return m.id + "." + rand.Text() }

func (m *Manager) ownMark(mark string) bool { return strings.HasPrefix(mark, m.id+".") }

// othersTurn reports whether the record bears a mark whose owner may still be at work. A process
// that has the lock, and finds a mark that was made under it, knows that the owner is gone.
func (f *flight) othersTurn(locked bool) bool {
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	return leaseIsAnothers(&f.rec, f.m.ownMark(f.rec.mark), locked && f.rec.locked, f.m.now().mono-f.e.work.markSeen, f.m.lease)
}

// awaitOther polls until another's mark is gone, or was seen for the whole lease of its owner. Only
// our own monotonic clock counts: two machines' clocks are never compared. It ends when what it
// finds out is not wanted any more.
func (f *flight) awaitOther(ctx context.Context, wanted func() bool) error {
	for pause := minPoll; ; pause = min(2*pause, maxPoll) {
		select {
		case <-time.After(f.m.jittered(f.e.key, pause)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := f.agree(ctx); err != nil || !wanted() || !f.othersTurn(false) {
			return err
		}
	}
}

// holdBack reports whether the refresh token may have been spent already, while the access token is
// still good: a second use could end the login before its time (law M6).
func (f *flight) holdBack() bool {
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	w := f.e.work
	if f.rec.mark != "" && w.lost == nil && !f.m.ownMark(f.rec.mark) {
		w.lost = errLost
	}
	return f.m.snapshot(f.e, f.m.now()).holdsBack()
}

// isLost reports whether the refresh token may have been spent by a request whose response was
// lost.
func (f *flight) isLost() bool {
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	return f.e.work.lost != nil
}

// unmark takes the mark off. If that fails it stands, and others wait for the end of its lease; we
// know it for ours.
func (f *flight) unmark(ctx context.Context, base, marked record) {
	plain, err := base.unmarked()
	if err != nil {
		return
	}
	if written, err := f.m.swap(ctx, f.e.key, marked.value(), plain.raw); err == nil {
		plain.sealed = written.sealed
		f.saved(plain)
	}
}
