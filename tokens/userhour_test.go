package tokens_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

var allUserHours = flag.Bool("all-user-hours", false, "TestUserHour: every row, with five times as many users; for make scale")

// A userHour is what the requests of one user cost in an hour, on average.
type userHour struct {
	loads, swaps, posts float64
	bareLoads           float64 // of clients that read the store only when their token has ended
}

// TestUserHour counts, in fake time and with all defaults, what the store and the token endpoint
// are asked while users make requests at random moments, at random replicas. The formulas are those
// of docs/scale.md. make scale reads the lines that begin with "user-hour".
func TestUserHour(t *testing.T) {
	users, rechecks, fleets, rates := 60, []time.Duration{0, -1}, []int{1, 4}, []float64{7.2, 30}
	if *allUserHours {
		users, rechecks, fleets, rates = 300, []time.Duration{0, 10 * time.Minute, -1}, []int{1, 4, 16}, []float64{1, 2, 4, 7.2, 15, 30, 60, 120}
	}
	for _, recheck := range rechecks {
		for _, replicas := range fleets {
			for _, requests := range rates {
				t.Run(fmt.Sprintf("recheck=%v/replicas=%d/requests=%g", recheck, replicas, requests), func(t *testing.T) {
					t.Parallel()
					o := &tokens.Options{Recheck: recheck}
					var got userHour
					synctest.Test(t, func(t *testing.T) { got = simulateUserHour(t, o, replicas, users, requests) })
					want := reckonedUserHour(recheck, float64(replicas), requests)
					t.Logf("user-hour recheck=%v replicas=%d requests=%g loads=%.3f swaps=%.3f posts=%.3f bare-loads=%.3f",
						recheck, replicas, requests, got.loads, got.swaps, got.posts, got.bareLoads)
					assert.InEpsilon(t, want.posts, got.posts, 0.15, "POSTs")
					assert.InEpsilon(t, want.swaps, got.swaps, 0.15, "swaps")
					if recheck >= 0 {
						assert.InEpsilon(t, want.loads, got.loads, 0.15, "loads")
					}
				})
			}
		}
	}
}

// reckonedUserHour is what docs/scale.md says. A replica that gets n requests an hour for a user
// looks at the first one after Recheck, less up to half of it. A token is replaced at the first
// request after its soft window has begun, on average 52.4 minutes after it came.
func reckonedUserHour(recheck time.Duration, replicas, requests float64) userHour {
	posts := 60 / (52.4 + 60/requests)
	if recheck < 0 {
		return userHour{swaps: 2 * posts, posts: posts}
	}
	if recheck == 0 {
		recheck = time.Minute
	}
	each := requests / replicas
	return userHour{loads: replicas * each / (1 + each*0.75*recheck.Hours()), swaps: 2 * posts, posts: posts}
}

// simulateUserHour has users make requests for four hours, and counts in the last two.
func simulateUserHour(t *testing.T, o *tokens.Options, replicas, users int, requests float64) userHour {
	const warmUp, window = 2 * time.Hour, 2 * time.Hour
	random := rand.New(rand.NewPCG(1, uint64(replicas)))
	store := &hooked{Store: new(tokens.Memory)}
	endpoint := &hourly{}
	var managers []*tokens.Manager
	for range replicas {
		managers = append(managers, newManager(endpoint, store, o))
	}
	for user := range users {
		token := benchToken(fmt.Sprint(user))
		token.Expiry = time.Now().Add(time.Hour * time.Duration(user+1) / time.Duration(users)) // so that they do not end together
		require.NoError(t, managers[0].Put(t.Context(), fmt.Sprint(user), token))
	}
	bare := newBareFleet(replicas, users)
	count := func() [4]int {
		synctest.Wait()
		return [4]int{store.loads, store.swaps, int(endpoint.posts.Load()), bare.loads}
	}
	var before [4]int
	warm := false
	for end := time.Now().Add(warmUp + window); time.Now().Before(end); {
		if !warm && time.Until(end) <= window {
			warm, before = true, count()
		}
		time.Sleep(time.Duration(random.ExpFloat64() * float64(time.Hour) / (requests * float64(users))))
		replica, user := random.IntN(replicas), random.IntN(users)
		bare.request(replica, user)
		_, err := managers[replica].Token(t.Context(), fmt.Sprint(user))
		require.NoError(t, err)
	}
	after := count()
	for _, m := range managers {
		require.NoError(t, m.Close())
	}
	per := func(i int) float64 { return float64(after[i]-before[i]) / float64(users) / window.Hours() }
	return userHour{per(0), per(1), per(2), per(3)}
}

// A bareFleet is replicas that do only what no client can leave out. A replica keeps a token until
// it ends. Then it reads the store, and refreshes the token if the store has no newer one. It does
// not notice a login that ended elsewhere.
type bareFleet struct {
	loads  int
	stored []time.Time   // when the token of each user ends that the store has
	known  [][]time.Time // the same, of each replica
}

func newBareFleet(replicas, users int) *bareFleet {
	f := &bareFleet{stored: make([]time.Time, users)}
	for range replicas {
		f.known = append(f.known, make([]time.Time, users))
	}
	return f
}

func (f *bareFleet) request(replica, user int) {
	now, known := time.Now(), &f.known[replica][user]
	if now.Before(*known) {
		return
	}
	f.loads++
	if !now.Before(f.stored[user]) {
		f.stored[user] = now.Add(time.Hour)
	}
	*known = f.stored[user]
}

// hourly refreshes tokens at once, for an hour.
type hourly struct{ posts atomic.Int64 }

func (h *hourly) Refresh(_ context.Context, t *csoauth.Token) (*csoauth.Token, error) {
	next := *t
	n := h.posts.Add(1)
	next.AccessToken, next.RefreshToken = fmt.Sprintf("access+%d", n), fmt.Sprintf("refresh+%d", n)
	next.Expiry = time.Now().Add(time.Hour)
	return &next, nil
}
