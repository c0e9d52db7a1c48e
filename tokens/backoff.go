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

// backoff is how long to wait after the nth failure in a row: 1 to 2 s, then twice as long each time,
// up to 5 minutes, or what the server asked for if that is longer. A caller without a token waits for 5
// minutes at most all the same: see trouble.retryBy.
func backoff(n int, err error) time.Duration {
	most := min(2*minBackoff<<min(n-1, 16), maxBackoff)
	wait := most/2 + rand.N(most/2)
	var said *csoauth.Error
	if errors.As(err, &said) && said.RetryAfter > 0 {
		wait = max(wait, said.RetryAfter+rand.N(said.RetryAfter/10+1))
	}
	return wait
}

// jittered is d with up to a half of it taken off, so that replicas do not look at the same moment.
func jittered(d time.Duration) time.Duration { return d - rand.N(d/2+1) }
