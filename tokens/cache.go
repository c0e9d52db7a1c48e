package tokens

import (
	"cmp"
	"slices"
	"sync"
)

// A cache holds entries by key, and keeps their number near a limit. It gives up those that were
// not used for longest among a few that it looks at; never one with something to remember.
type cache struct {
	entries sync.Map // string: *entry
	limit   int

	mu   sync.Mutex
	ring []*entry
	hand int
}

// lookedAt is how many entries are compared to give one up.
const lookedAt = 16

func (c *cache) find(key string) *entry {
	if e, ok := c.entries.Load(key); ok {
		return e.(*entry)
	}
	return nil
}

// add returns the entry of key, a new one if there is none.
func (c *cache) add(key string, now instant) *entry {
	if e := c.find(key); e != nil {
		return e
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh := &entry{key: key}
	if e, loaded := c.entries.LoadOrStore(key, fresh); loaded {
		return e.(*entry)
	}
	for range 2 { // so that it shrinks again after it had to be larger
		if len(c.ring) >= c.limit {
			c.giveUpOne(now)
		}
	}
	fresh.slot = int32(len(c.ring))
	c.ring = append(c.ring, fresh)
	return fresh
}

// giveUpOne removes an idle entry if it finds one. c.mu is held.
func (c *cache) giveUpOne(now instant) {
	candidates := make([]*entry, 0, lookedAt)
	for range min(lookedAt, len(c.ring)) {
		c.hand = (c.hand + 1) % len(c.ring)
		candidates = append(candidates, c.ring[c.hand])
	}
	slices.SortStableFunc(candidates, func(a, b *entry) int { return cmp.Compare(a.used.Load(), b.used.Load()) })
	for _, e := range candidates {
		if e.kill(now) {
			c.take(e)
			return
		}
	}
}

// remove takes e out. Its work is gone already, so that nobody begins anything with it.
func (c *cache) remove(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.take(e)
}

// take closes the gap that e leaves in the ring with the last entry. c.mu is held.
func (c *cache) take(e *entry) {
	c.entries.CompareAndDelete(e.key, e)
	last := len(c.ring) - 1
	c.ring[e.slot] = c.ring[last]
	c.ring[e.slot].slot = e.slot
	c.ring[last] = nil
	c.ring = c.ring[:last]
}

// kill makes an idle entry a dead one.
func (e *entry) kill(now instant) bool {
	if !e.mu.TryLock() {
		return false
	}
	defer e.mu.Unlock()
	if !e.idle(now) {
		return false
	}
	e.work = gone
	e.view.Store(nil)
	return true
}

// idle reports whether nothing is lost with e: no flight, and with it nobody who waits, no unsaved
// pair, and no failure that is still to keep others from trying. e.mu is held.
func (e *entry) idle(now instant) bool {
	w := e.work
	switch {
	case e.view.Load() == nil:
		return false // it was just made, or is dead
	case w == nil:
		return true
	}
	return w.flight == nil && w.unsaved == nil && max(w.retryAt, w.lookAt) <= now.mono && !w.justForced(now)
}
