package tokens

// Cached returns how many keys m has in memory.
func (m *Manager) Cached() int {
	m.cache.mu.Lock()
	defer m.cache.mu.Unlock()
	n := 0
	m.cache.keys.Range(func(any, any) bool { n++; return true })
	if n != len(m.cache.ring) {
		panic("the ring and the map of the cache differ")
	}
	return n
}

// MaxCached returns how many keys m keeps in memory.
func (m *Manager) MaxCached() int { return m.cache.limit }

// IsCached reports whether m has key in memory.
func (m *Manager) IsCached(key string) bool { return m.cache.find(key) != nil }

// Remembers reports whether m remembers anything of key besides its login.
func (m *Manager) Remembers(key string) bool {
	k := m.cache.find(key)
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.work != nil
}

// Stamp returns when key was used last, as the cache knows it: a shared write each time it changes.
func (m *Manager) Stamp(key string) uint32 { return m.cache.find(key).used.Load() }

// WithLocksHeld calls f while every lock of m that has to do with key is held.
func (m *Manager) WithLocksHeld(key string, f func()) {
	k := m.cache.find(key)
	for _, lock := range []interface{ Lock() }{&m.mu, &m.cache.mu, &m.limits.mu, &m.limits.looks.mu, &k.mu} {
		lock.Lock()
	}
	f()
	for _, lock := range []interface{ Unlock() }{&m.mu, &m.cache.mu, &m.limits.mu, &m.limits.looks.mu, &k.mu} {
		lock.Unlock()
	}
}
