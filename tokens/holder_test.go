package tokens_test

import (
	"errors"
	"flag"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

var holderLogins = flag.Int("holder-logins", 10, "how many logins go through each outage; make test has 100")

// An outage is when the store refuses writes, since the refresh began.
type outage struct {
	name    string
	refuses func(since time.Duration) bool
}

// TestHolderThatRunsLosesNothing: the store refuses writes for most of a lease, or longer, and
// others ask for the same tokens all the time. As long as the process that has the new pair runs
// and the store takes writes for two seconds before another takes over, no login is lost (law M4).
//
// Law: M4
func TestHolderThatRunsLosesNothing(t *testing.T) {
	t.Parallel()
	logins := *holderLogins
	for _, lease := range []time.Duration{3 * time.Second, 10 * time.Second, 30 * time.Second} {
		until := func(part float64) outage {
			end := time.Duration(part * float64(lease))
			return outage{fmt.Sprintf("until %v", end), func(since time.Duration) bool { return since < end }}
		}
		for _, takes := range []time.Duration{lease / 50, lease / 4} {
			for _, o := range []outage{
				until(0.5), until(0.87), until(0.94), until(1), until(1.05), until(1.3), until(4),
				{"full and free in turn", func(since time.Duration) bool { return since%(3*time.Second) < 2200*time.Millisecond }},
			} {
				t.Run(fmt.Sprintf("lease=%v/takes=%v/%s", lease, takes, o.name), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						p, memory := newProvider(), new(tokens.Memory)
						p.takes = takes
						options := &tokens.Options{Lease: lease, MaxRefreshesPerHost: logins}
						var began time.Time // of the first refresh
						store := &hooked{Store: memory, swap: func(int, string, []byte, []byte) error {
							since := time.Since(began)
							if began.IsZero() || since < takes/2 || !o.refuses(since) { // the leases are taken
								return nil
							}
							return errors.New("the disk is full")
						}}
						holder, other := replica(t, p, store, options), replica(t, p, store, options)
						for n := range logins {
							key := fmt.Sprint("user", n)
							require.NoError(t, holder.Put(t.Context(), key, p.login(key)))
						}
						atEnd(p)
						began = time.Now()
						var all sync.WaitGroup
						for n := range logins {
							all.Go(func() {
								key := fmt.Sprint("user", n)
								_, _ = holder.Token(t.Context(), key)
							})
							all.Go(func() {
								time.Sleep(takes / 4 * time.Duration(n) / time.Duration(logins))
								for range 5 {
									_, _ = other.Token(t.Context(), fmt.Sprint("user", n))
									time.Sleep(lease)
								}
							})
						}
						all.Wait()
						time.Sleep(time.Minute)
						lost := 0
						for n := range logins {
							now := readStoredOf(t, memory, fmt.Sprint("user", n))
							if !p.isAlive(&now.token) {
								lost++
							}
						}
						assert.Zero(t, lost, "logins of %d", logins)
					})
				})
			}
		}
	}
}
