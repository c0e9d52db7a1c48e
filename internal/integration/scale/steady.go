package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

const (
	steadyUsers    = 100_000
	steadyRequests = 200 // a second, of all replicas together
	steadyLife     = time.Hour
	steadyRecheck  = time.Minute      // the default
	steadySoft     = 10 * time.Minute // the default
)

// measureSteady counts what a store and a token endpoint are asked while requests for random users
// come at random replicas. It waits for no hour: time runs faster, because tokens, Recheck and
// SoftWindow are that much shorter and requests come that much more often. What is not an option of
// the Manager stays: callers wait in the last tenth of a token, instead of the last half minute of
// an hour. Rates are per second of the faster time. To leave time for what is measured, only a
// share of the users and of their requests is there, and the rates are multiplied: no user has to
// do with another, because all fit into memory. One replica and four run beside each other.
//
// The bare limit gets the same requests. Each replica keeps a token until it ends, then reads the
// store, and refreshes the token if that has no newer one. It does not notice a login that ended
// elsewhere.
func measureSteady(ctx context.Context, s *sizes) (rows []row, err error) {
	runs := []struct {
		replicas   int
		most       float64 // loads a second
		ours, bare asked
		err        error
	}{{replicas: 1, most: 45}, {replicas: 4, most: 75}}
	var both sync.WaitGroup
	for i := range runs {
		r := &runs[i]
		both.Go(func() { r.ours, r.bare, r.err = steadyOf(ctx, s, r.replicas) })
	}
	both.Wait()
	window := s.steadyWindow.Seconds()
	loads := func(a asked) float64 { return float64(a.loads) * float64(s.steadyShare) / window }
	posts := func(a asked) float64 { return float64(a.posts) / float64(steadyUsers/s.steadyShare) * 3600 / window }
	for _, r := range runs {
		if r.err != nil {
			err = errors.Join(err, fmt.Errorf("%d replica(s): %w", r.replicas, r.err))
			continue
		}
		what := fmt.Sprintf("steady: %s users, %d requests/s, %d replica(s), %v, ", count(steadyUsers), steadyRequests, r.replicas, s.steadyWindow)
		rows = append(rows,
			row{
				fmt.Sprintf("%sloads (1 user in %d, time %d times faster)", what, s.steadyShare, s.steadySpeed),
				number(loads(r.ours)) + "/s", number(loads(r.bare)) + "/s", times(loads(r.ours) / loads(r.bare)),
				aim(fmt.Sprintf("≤ %g/s", r.most), loads(r.ours) <= r.most),
			},
			row{what + "POSTs per user and hour", number(posts(r.ours)), number(posts(r.bare)), times(posts(r.ours) / posts(r.bare)), none})
	}
	return rows, err
}

// asked is how often the store and the token endpoint were.
type asked struct{ loads, posts int64 }

func (a asked) minus(b asked) asked { return asked{a.loads - b.loads, a.posts - b.posts} }

// A countingStore counts its loads.
type countingStore struct {
	tokens.Store
	loads atomic.Int64
}

func (s *countingStore) Load(ctx context.Context, key string) ([]byte, error) {
	s.loads.Add(1)
	return s.Store.Load(ctx, key)
}

func steadyOf(ctx context.Context, s *sizes, replicas int) (ours, bare asked, err error) {
	faster := func(d time.Duration) time.Duration { return d / time.Duration(s.steadySpeed) }
	life, random, users := faster(steadyLife), dice(1), steadyUsers/s.steadyShare
	store := &countingStore{Store: new(tokens.Memory)}
	fleet := newBareFleet(replicas, users, life)
	began := time.Now()
	if err := logIn(ctx, store, users, func(user int) *csoauth.Token {
		left := life * time.Duration(user+1) / time.Duration(users) // so that they do not end together
		fleet.stored[user] = left
		return newToken(user, left-time.Since(began))
	}); err != nil {
		return ours, bare, err
	}
	var posts atomic.Int64
	endpoint := refresher(func(_ context.Context, t *csoauth.Token) (*csoauth.Token, error) {
		posts.Add(1)
		return renew(t, life), nil
	})
	var managers []*tokens.Manager
	for range replicas {
		m, err := tokens.New(endpoint, store, &tokens.Options{Recheck: faster(steadyRecheck), SoftWindow: faster(steadySoft)})
		if err != nil {
			return ours, bare, err
		}
		managers = append(managers, m)
	}

	type request struct{ replica, user int }
	requests := make(chan request, 100_000)
	var failed atomic.Pointer[error]
	var workers sync.WaitGroup
	for range 256 {
		workers.Go(func() {
			for r := range requests {
				if _, err := managers[r.replica].Token(ctx, keyOf(r.user)); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	count := func() asked { return asked{store.loads.Load(), posts.Load()} }
	var oursBefore, bareBefore asked
	started := time.Now()
	warmUp, end := faster(s.steadyWarmUp), faster(s.steadyWarmUp+s.steadyWindow)
	perSecond := float64(steadyRequests*s.steadySpeed) / float64(s.steadyShare)
	warm, full := false, false
	for sent, now := 0, time.Duration(0); now < end && failed.Load() == nil && ctx.Err() == nil; {
		time.Sleep(2 * time.Millisecond)
		now = time.Since(started)
		if !warm && now >= warmUp {
			warm, oursBefore, bareBefore = true, count(), fleet.asked
		}
		for ; sent < int(now.Seconds()*perSecond); sent++ {
			r := request{random.roll(replicas), random.roll(users)}
			fleet.request(r.replica, r.user, time.Since(began))
			select {
			case requests <- r:
			default:
				full = true
				requests <- r
			}
		}
	}
	ours, bare = count().minus(oursBefore), fleet.asked.minus(bareBefore)
	close(requests)
	workers.Wait()
	for _, m := range managers {
		err = errors.Join(err, m.Close())
	}
	switch {
	case failed.Load() != nil:
		err = errors.Join(err, *failed.Load())
	case ctx.Err() != nil:
		err = errors.Join(err, context.Cause(ctx))
	case full:
		err = errors.Join(err, errors.New("the machine is too slow for so many requests: choose a lower -steady-speed or a greater -steady-share"))
	}
	return ours, bare, err
}

// A bareFleet is replicas that do only what cannot be left out. Times are since it began.
type bareFleet struct {
	asked
	life   time.Duration
	stored []time.Duration   // when the token of each user ends that the store has
	known  [][]time.Duration // the same, for each replica
}

func newBareFleet(replicas, users int, life time.Duration) *bareFleet {
	f := &bareFleet{life: life, stored: make([]time.Duration, users)}
	for range replicas {
		f.known = append(f.known, make([]time.Duration, users))
	}
	return f
}

func (f *bareFleet) request(replica, user int, now time.Duration) {
	known := &f.known[replica][user]
	if now < *known {
		return
	}
	f.loads++
	if now >= f.stored[user] {
		f.posts++
		f.stored[user] = now + f.life
	}
	*known = f.stored[user]
}
