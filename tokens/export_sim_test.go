package tokens

import "time"

// Simulate gives m, in which nothing has happened yet, a wall clock that is off, random numbers
// that can be repeated, and a hash of keys that is the same in each run.
func (m *Manager) Simulate(off func() time.Duration, random func(key string) float64, hash func(key string) uint64) {
	clock := m.now
	m.now = func() instant {
		i := clock()
		i.wall += int64(off())
		return i
	}
	m.random, m.hash = random, hash
}

// Look returns what m has in memory for key: whether its token may be handed out, how long it is
// good for, and how long before its end callers wait for the next one.
func (m *Manager) Look(key string) (valid bool, left, hard time.Duration) {
	k := m.cache.find(key)
	if k == nil {
		return false, 0, 0
	}
	now := k.snapshot()
	return now.valid(), now.left, now.windows.hard
}

// Active returns how many keys m must not evict now.
func (m *Manager) Active() (n int) {
	m.cache.keys.Range(func(_, value any) bool {
		k := value.(*keyState)
		k.mu.Lock()
		defer k.mu.Unlock()
		if !k.idleLocked(m.now()) {
			n++
		}
		return true
	})
	return n
}
