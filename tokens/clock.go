package tokens

import (
	"math/rand/v2"
	"time"
)

// An instant is a moment on two clocks. The monotonic one is right when the time is set; the wall
// clock is right when the machine was suspended, for then the other stood still. What is over on
// one of them is over.
type instant struct {
	mono time.Duration // since the clock began
	wall int64         // Unix time in nanoseconds
}

// never is before the beginning of any clock.
const never = -forever

// forever is longer than any process runs, and short enough to add to.
const forever = 100 * 365 * 24 * time.Hour

// now is the one function of this package that reads a clock.
func now() time.Time { return time.Now() }

// newClock returns a Manager's clock, which begins now.
func newClock() func() instant {
	began := now()
	return func() instant {
		t := now()
		return instant{t.Sub(began), t.UnixNano()}
	}
}

// before reports whether both clocks say so.
func (i instant) before(j instant) bool { return i.mono < j.mono && i.wall < j.wall }

func (i instant) add(d time.Duration) instant { return instant{i.mono + d, i.wall + int64(d)} }

// since returns what passed from j to i by the clock on which more did.
func (i instant) since(j instant) time.Duration {
	return max(i.mono-j.mono, time.Duration(i.wall-j.wall))
}

func (i instant) time() time.Time { return time.Unix(0, i.wall) }

// random returns a number from 0 to 1, for jitter. It does not depend on the key; the simulation's
// does.
func random(string) float64 { return rand.Float64() }
