package tokens

import (
	"context"
	"crypto/rand"
	"strings"
	"time"
)

// newLease returns the lease of an attempt that begins now. Its id begins with the Manager's, which
// has one attempt at a time for a key: one of its own that it finds in the store is left over from
// an attempt of which it knows all.
func (s *settings) newLease(locked bool) lease {
	return lease{id: s.id + "." + rand.Text(), length: s.lease, locked: locked}
}

// tookLease reports whether l is this Manager's.
func (s *settings) tookLease(l lease) bool { return strings.HasPrefix(l.id, s.id+".") }

// waitForHolder looks at the store again and again until another's lease is off, was seen for its
// whole length, or does not matter any more. Only this process's monotonic clock counts: the clocks
// of two machines are never compared.
func (f *flight) waitForHolder(ctx context.Context) error {
	f.leave()
	f.stall()
	f.lock = noLock // it was not to be had, or proves nothing of this holder
	defer f.forgetLock()
	for pause := minPoll; f.next() == waitForHolder; pause = min(2*pause, maxPoll) {
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
