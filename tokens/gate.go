package tokens

import (
	"container/list"
	"context"
	"sync"
)

// A gate lets so many refreshes through at a time. Those that a caller waits for go first.
type gate struct {
	mu      sync.Mutex
	free    int
	urgent  list.List // of *ticket
	patient list.List
}

// A ticket is a place in one of the gate's queues.
type ticket struct {
	turn  chan struct{} // closed when it is its turn
	queue *list.List    // nil: not queued
	place *list.Element
}

// enter takes one of the free places or queues up for it, and returns whether it had to queue.
func (g *gate) enter(urgent bool) (t *ticket, queued bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t = &ticket{turn: make(chan struct{})}
	if g.free > 0 {
		g.free--
		close(t.turn)
		return t, false
	}
	t.queue = &g.patient
	if urgent {
		t.queue = &g.urgent
	}
	t.place = t.queue.PushBack(t)
	return t, true
}

// wait returns when it is t's turn. If ctx ends before, t gives its place up.
func (g *gate) wait(ctx context.Context, t *ticket) error {
	select {
	case <-t.turn:
		return nil
	case <-ctx.Done():
		g.giveUp(t)
		return context.Cause(ctx)
	}
}

// giveUp takes t out of its queue or, if its turn has come just now, gives its place to the next.
func (g *gate) giveUp(t *ticket) {
	g.mu.Lock()
	queued := t.queue != nil
	g.dequeue(t)
	g.mu.Unlock()
	if !queued {
		g.leave()
	}
}

// hurry moves t, if it still queues, to those that a caller waits for.
func (g *gate) hurry(t *ticket) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t.queue == &g.patient {
		g.dequeue(t)
		t.queue = &g.urgent
		t.place = t.queue.PushBack(t)
	}
}

// leave gives a place to whoever is next.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, queue := range []*list.List{&g.urgent, &g.patient} {
		if first := queue.Front(); first != nil {
			next := first.Value.(*ticket)
			g.dequeue(next)
			close(next.turn)
			return
		}
	}
	g.free++
}

func (g *gate) dequeue(t *ticket) {
	if t.queue != nil {
		t.queue.Remove(t.place)
		t.queue, t.place = nil, nil
	}
}
