package tokens

import (
	"sync/atomic"
	"time"
)

// SkewClock returns a function that moves m's monotonic clock, and not the wall clock. Forward is
// what setting the wall clock back does to the two: more time passed than the wall clock tells.
// Back, after a sleep as long, is setting the wall clock forward, and a suspended machine: the wall
// clock went on, and the other stood still. Nothing may be going on in m when it is called.
func (m *Manager) SkewClock() (advanceMonotonic func(time.Duration)) {
	var off atomic.Int64
	now := m.now
	m.now = func() instant {
		i := now()
		i.mono += time.Duration(off.Load())
		return i
	}
	return func(d time.Duration) { off.Add(int64(d)) }
}
