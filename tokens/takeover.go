package tokens

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/contentstack/csoauth"
)

// newLease returns the lease of an attempt that begins now. Its id begins with the Manager's, which
// has one attempt at a time for a key: one of its own that it finds in the store is left over from
// an earlier attempt.
func (s *settings) newLease(locked bool) lease {
	return lease{id: s.id + "." + rand.Text(), length: s.lease, locked: locked}
}

// tookLease reports whether l is this Manager's, of an attempt.
func (s *settings) tookLease(l lease) bool { return strings.HasPrefix(l.id, s.id+".") }

// newTakeover returns the lease that announces a takeover. Nothing is sent under it, so it says
// nothing about the refresh token, and is one more process's to others.
func (s *settings) newTakeover() lease { return lease{id: s.id + "~" + rand.Text(), length: s.lease} }

func (s *settings) announced(l lease) bool { return strings.HasPrefix(l.id, s.id+"~") }

// takeOver begins to take over from a holder whose lease has ended (law M3). The holder may still
// be alive, with a pair that the store did not save. It saves that pair over any lease. So this
// process first announces the takeover, which also shows that the store is writable. Then the
// holder gets some time, in which this process sends nothing. If the lease is still there
// afterwards, a refresh follows.
func (f *flight) takeOver(ctx context.Context) error {
	f.leave()
	f.stall()
	announced := f.rec.with(f.m.newTakeover())
	switch err := f.m.swapRecord(ctx, f.k.key, f.rec.value(), &announced); {
	case errors.Is(err, ErrConflict):
		return errConflict
	case err != nil:
		return f.storeFailed(err)
	}
	f.rec = announced
	select {
	case <-time.After(max(minGrace, f.m.lease/8)):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	f.tookOver = announced.lease.id
	f.lookedAt = never
	return nil
}

// minGrace is how long at least a holder has to save what it has, after its lease.
const minGrace = 2 * time.Second

// errHeld ends the wait for one holder after another, such as while the token endpoint hangs.
var errHeld = fmt.Errorf("tokens: other processes try to refresh this token, one after the other: %w", csoauth.ErrNotSent)

// waitForHolder looks at the store again and again until another's lease is gone, was seen for its
// whole length, or does not matter any more. Only this process's monotonic clock counts: the clocks
// of two machines are never compared.
func (f *flight) waitForHolder(ctx context.Context) error {
	f.leave()
	f.stall()
	f.lock = noLock // it was not to be had, or this lease was taken without it
	defer f.forgetLock()
	if f.heldSince == (instant{}) {
		f.heldSince = f.m.now()
	}
	for pause := minPoll; f.next() == waitForHolder; pause = min(2*pause, maxPoll) {
		if patience := 3 * max(f.m.lease, f.rec.lease.length); f.m.now().since(f.heldSince) > patience {
			return f.refreshFailed(f.rec.token.RefreshToken, errHeld, 0)
		}
		select {
		case <-time.After(jittered(pause, f.m.random(f.k.key))):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := f.look(ctx); err != nil {
			return err
		}
	}
	return nil
}
