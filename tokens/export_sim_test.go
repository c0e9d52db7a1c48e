package tokens

import "time"

// Simulate gives m, in which nothing has happened yet, a wall clock that is off, random numbers
// that can be repeated, and a hash of keys that is the same in each run.
func (m *Manager) Simulate(off func() time.Duration, random func(key string, n time.Duration) time.Duration, hash func(key string) uint64) {
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
	e := m.cache.find(key)
	if e == nil {
		return false, 0, 0
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	v, now := e.view.Load(), m.now()
	if v == nil {
		return false, 0, 0
	}
	return m.snapshot(e, now).valid(), v.left(now), m.windows(key, v).hard
}

// Active returns how many keys m must not evict now.
func (m *Manager) Active() (n int) {
	m.cache.entries.Range(func(_, value any) bool {
		e := value.(*entry)
		e.mu.Lock()
		defer e.mu.Unlock()
		if !e.idle(m.now()) {
			n++
		}
		return true
	})
	return n
}
