package tokens

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/contentstack/csoauth"
)

// limits bound how much goes on at a time in this process (law M8).
type limits struct {
	each  int    // refreshes at one token endpoint
	looks places // looks at the store, each for its first slowCall

	mu        sync.Mutex
	refreshes map[string]*places // by token endpoint
}

const (
	maxLooks      = 64
	slowCall      = 250 * time.Millisecond // a longer call to the store holds up no other key
	placePatience = 30 * time.Second       // for a place among the refreshes
)

// at returns the places for refreshes at a token endpoint. A Config has few of them.
func (l *limits) at(tokenURL string) *places {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.refreshes[tokenURL]
	if p == nil {
		p = &places{free: l.each}
		l.refreshes[tokenURL] = p
	}
	return p
}

// places are handed out to those who queue for them. Those that a caller waits for go first.
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

// takeFree takes a free place; nil: there is none.
func (p *places) takeFree() *ticket {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.free == 0 {
		return nil
	}
	p.free--
	t := &ticket{called: make(chan struct{})}
	close(t.called)
	return t
}

// queueFirst is queue, and before all others.
func (p *places) queueFirst() *ticket {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &ticket{called: make(chan struct{})}
	if p.free > 0 {
		p.free--
		close(t.called)
	} else {
		t.queue, t.at = &p.urgent, p.urgent.PushFront(t)
	}
	return t
}

// wait reports whether t has a place, as soon as it has or when patience is over. t goes on
// queueing.
func (t *ticket) wait(ctx context.Context, patience time.Duration) (bool, error) {
	if t.isCalled() {
		return true, nil
	}
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

// leave gives place and lock back, if it has them.
func (f *flight) leave() {
	if f.unlock != nil {
		f.unlock()
		f.unlock = nil
		f.forgetLock()
	}
	f.leavePlace()
}

// forgetLock makes the next refresh ask for the lock again, if the store has locks.
func (f *flight) forgetLock() {
	f.lock = noLock
	if f.m.locker != nil {
		f.lock = lockUnasked
	}
}

// errNoPlace says that too many refreshes were under way.
var errNoPlace = fmt.Errorf("tokens: too many refreshes ran at this token endpoint for %v: %w", placePatience, csoauth.ErrNotSent)

// takePlace waits for a place among the refreshes at the token's endpoint, but not past the time
// for another look at the store (law M11).
func (f *flight) takePlace(ctx context.Context) error {
	now := f.m.now()
	places := f.m.limits.at(f.m.tokenURL(f.rec.token)) // without a lock: it may be the application's code
	f.mu.Lock()
	if f.ticket == nil {
		f.places = places
		f.ticket, f.queued = places.queue(f.waiting), now
	}
	ticket := f.ticket
	f.mu.Unlock()
	if !ticket.isCalled() {
		f.stall()
	}
	left := placePatience - now.since(f.queued)
	patience := left
	if f.m.recheck > 0 {
		patience = min(left, f.m.recheck)
	}
	called, err := ticket.wait(ctx, patience)
	if err != nil || called || patience < left {
		return err
	}
	return f.refreshFailed(f.rec.token.RefreshToken, errNoPlace, 0)
}

// retakePlace takes a place again that was given back because the store took long. It is the next
// one, and has some time.
func (f *flight) retakePlace(ctx context.Context) error {
	f.mu.Lock()
	f.ticket = f.places.queueFirst()
	ticket := f.ticket
	f.mu.Unlock()
	if called, err := ticket.wait(ctx, f.m.lease/8); err != nil || !called {
		return errNoPlace
	}
	return nil
}

// takeFreePlace takes a place again if one is free.
func (f *flight) takeFreePlace() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ticket = f.places.takeFree()
	return f.ticket != nil
}

// hasPlace reports whether the flight has a place among the refreshes.
func (f *flight) hasPlace() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ticket != nil && f.ticket.isCalled()
}

func (f *flight) leavePlace() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ticket != nil {
		f.places.giveBack(f.ticket)
		f.ticket = nil
	}
}

// takeLookPlace waits for a place among the looks. leave gives it back.
func (f *flight) takeLookPlace(ctx context.Context) (leave func(), err error) {
	looks := &f.m.limits.looks
	f.mu.Lock()
	ticket := looks.queue(f.waiting)
	f.lookTicket = ticket
	f.mu.Unlock()
	if _, err := ticket.wait(ctx, forever); err != nil {
		looks.giveBack(ticket)
		return nil, err
	}
	giveBack := sync.OnceFunc(func() { looks.giveBack(ticket) })
	slow := time.AfterFunc(slowCall, giveBack)
	return func() { slow.Stop(); giveBack() }, nil
}

// tokenURL returns what tells the token endpoints of a Refresher apart; empty: it has one.
func (m *Manager) tokenURL(t csoauth.Token) string {
	r, ok := m.refresher.(interface {
		TokenURLFor(t *csoauth.Token) (string, error)
	})
	if !ok {
		return ""
	}
	tokenURL, _ := r.TokenURLFor(&t) // with an error the refresh fails, and says why
	return tokenURL
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
