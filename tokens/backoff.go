package tokens

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/contentstack/csoauth"
)

const (
	minBackoff = time.Second
	maxBackoff = 5 * time.Minute
)

// backoff is how long to wait after the nth failure in a row: 1 to 2 s, then twice as long each
// time, up to 5 minutes, or what the server asked for if that is longer. A caller without a token
// waits for 5 minutes at most all the same: see trouble.retryBy.
func (m *Manager) backoff(key string, n int, err error) time.Duration {
	most := min(2*minBackoff<<min(n-1, 16), maxBackoff)
	wait := most/2 + m.random(key, most/2)
	var said *csoauth.Error
	if errors.As(err, &said) && said.RetryAfter > 0 {
		wait = max(wait, said.RetryAfter+m.random(key, said.RetryAfter/10+1))
	}
	return wait
}

// jittered is d with up to a half of it taken off, so that replicas do not look at the same moment.
func (m *Manager) jittered(key string, d time.Duration) time.Duration {
	return d - m.random(key, d/2+1)
}

// random returns a random length of time below n. It does not depend on the key; the simulation's
// does.
func random(_ string, n time.Duration) time.Duration { return rand.N(n) }
