package tokens

import "time"

// AdvanceMonotonic moves m's monotonic clock, and not the wall clock. Forward is what setting the
// wall clock back does to the two: more time passed than the wall clock tells. Back, after a sleep
// as long, is setting the wall clock forward, and a suspended machine: the wall clock went on, and
// the other stood still. Nothing may be going on in m.
func (m *Manager) AdvanceMonotonic(d time.Duration) {
	now := m.now
	m.now = func() instant {
		i := now()
		i.mono += d
		return i
	}
}
