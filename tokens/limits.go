package tokens

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// places bound how many refreshes run at a time (law M8). Those that a caller waits for go first.
type places struct {
	mu      sync.Mutex
	free    int
	urgent  list.List // of *ticket
	patient list.List
}

// A ticket is a place, or a position in a queue for one.
type ticket struct {
	called chan struct{} // closed when it has a place
	queue  *list.List    // nil: it does not queue
	at     *list.Element
}

// queue takes a free place, or queues for one.
func (p *places) queue(urgent bool) *ticket {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &ticket{called: make(chan struct{})}
	switch {
	case p.free > 0:
		p.free--
		close(t.called)
	case urgent:
		t.enqueueLocked(&p.urgent)
	default:
		t.enqueueLocked(&p.patient)
	}
	return t
}

// wait reports whether t has a place, as soon as it has or when patience is over. t goes on
// queueing.
func (p *places) wait(ctx context.Context, t *ticket, patience time.Duration) (bool, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-t.called:
		return true, nil
	case <-timer.C:
		return false, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// giveBack gives t's place to the next in the queues, or takes t out of its queue.
func (p *places) giveBack(t *ticket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.queue != nil {
		t.dequeueLocked()
		return
	}
	for _, queue := range []*list.List{&p.urgent, &p.patient} {
		if first := queue.Front(); first != nil {
			next := first.Value.(*ticket)
			next.dequeueLocked()
			close(next.called)
			return
		}
	}
	p.free++
}

// promote moves t, if it still queues, to those that a caller waits for.
func (p *places) promote(t *ticket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.queue == &p.patient {
		t.dequeueLocked()
		t.enqueueLocked(&p.urgent)
	}
}

func (t *ticket) isCalled() bool {
	select {
	case <-t.called:
		return true
	default:
		return false
	}
}

func (t *ticket) enqueueLocked(queue *list.List) { t.queue, t.at = queue, queue.PushBack(t) }

func (t *ticket) dequeueLocked() {
	t.queue.Remove(t.at)
	t.queue, t.at = nil, nil
}

// lockPatience is how long to wait for the lock with a place in hand.
const lockPatience = 20 * time.Millisecond

// forgetLock makes the next refresh ask for the lock again, if the store has locks.
func (f *flight) forgetLock() {
	f.lock = noLock
	if f.m.locker != nil {
		f.lock = lockUnasked
	}
}

// takePlace waits for a place, but not past the time for another look at the store (law M11).
func (f *flight) takePlace(ctx context.Context) (err error) {
	f.mu.Lock()
	if f.ticket == nil {
		f.ticket = f.m.places.queue(f.waiting)
	}
	f.mu.Unlock()
	if !f.ticket.isCalled() {
		f.stall()
	}
	patience := f.m.recheck
	if patience < 0 {
		patience = forever
	}
	f.hasPlace, err = f.m.places.wait(ctx, f.ticket, patience)
	return err
}

func (f *flight) leavePlace() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ticket != nil {
		f.m.places.giveBack(f.ticket)
		f.ticket, f.hasPlace = nil, false
	}
}

func (f *flight) takeLock(ctx context.Context, patience time.Duration) error {
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	unlock, err := f.m.locker.Lock(within, f.k.key)
	switch {
	case err == nil:
		f.unlock, f.lock = unlock, lockHeld
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case within.Err() != nil:
		f.lock = noLock
	default:
		return f.storeFailed(&storeError{"lock", err})
	}
	return nil
}
