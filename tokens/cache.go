package tokens

import (
	"cmp"
	"slices"
	"sync"
)

// A cache holds keys, and keeps their number near a limit. It looks at a few keys, and evicts the
// least recently used one. It never evicts a key with something to remember (law M10).
type cache struct {
	set   *settings
	keys  sync.Map // string: *keyState
	limit int

	mu   sync.Mutex
	ring []*keyState
	hand int
}

// compared is how many keys are compared to evict one.
const compared = 16

func (c *cache) find(key string) *keyState {
	if k, ok := c.keys.Load(key); ok {
		return k.(*keyState)
	}
	return nil
}

// add returns the state of key, a new one if there is none.
func (c *cache) add(key string) *keyState {
	if k := c.find(key); k != nil {
		return k
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh := &keyState{key: key, set: c.set}
	if k, loaded := c.keys.LoadOrStore(key, fresh); loaded {
		return k.(*keyState)
	}
	for range 2 { // so that it shrinks again after it had to be larger
		if len(c.ring) >= c.limit {
			c.evictOneLocked()
		}
	}
	fresh.slot = int32(len(c.ring))
	c.ring = append(c.ring, fresh)
	return fresh
}

// evictOneLocked removes an idle key if it finds one.
func (c *cache) evictOneLocked() {
	candidates := make([]*keyState, 0, compared)
	for range min(compared, len(c.ring)) {
		c.hand = (c.hand + 1) % len(c.ring)
		candidates = append(candidates, c.ring[c.hand])
	}
	slices.SortStableFunc(candidates, func(a, b *keyState) int { return cmp.Compare(a.used.Load(), b.used.Load()) })
	for _, k := range candidates {
		if k.evict() {
			c.takeLocked(k)
			return
		}
	}
}

// remove takes out a key that is marked as evicted, so that nothing begins with it.
func (c *cache) remove(k *keyState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.takeLocked(k)
}

// takeLocked takes k out, and closes the gap in the ring with the last key.
func (c *cache) takeLocked(k *keyState) {
	c.keys.CompareAndDelete(k.key, k)
	last := len(c.ring) - 1
	c.ring[k.slot] = c.ring[last]
	c.ring[k.slot].slot = k.slot
	c.ring[last] = nil
	c.ring = c.ring[:last]
}
