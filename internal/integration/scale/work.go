package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// newToken is a user's token, as long as Contentstack's, with a name of its own. As is usual there,
// it has no scopes.
func newToken(user int, left time.Duration) *csoauth.Token {
	return &csoauth.Token{
		AccessToken: fmt.Sprintf("access-%040d", user), RefreshToken: fmt.Sprintf("refresh-%040d", user), TokenType: "Bearer",
		Expiry: time.Now().Add(left), UserUID: fmt.Sprintf("user-%020d", user), OrganizationUID: "blt0123456789abcdef",
		ClientID: "client", RedirectURI: "http://localhost:8184/callback",
	}
}

// keyOf is a new string every time, as the key of a request is.
func keyOf(user int) string { return fmt.Sprintf("user/%07d", user) }

// A refresher is a function that refreshes tokens.
type refresher func(ctx context.Context, t *csoauth.Token) (*csoauth.Token, error)

func (r refresher) Refresh(ctx context.Context, t *csoauth.Token) (*csoauth.Token, error) {
	return r(ctx, t)
}

// unused is for parts in which no token is near its end.
var unused = refresher(func(context.Context, *csoauth.Token) (*csoauth.Token, error) {
	return nil, fmt.Errorf("a refresh that nobody needs: %w", csoauth.ErrNotSent)
})

// renew returns a token in place of t.
func renew(t *csoauth.Token, lives time.Duration) *csoauth.Token {
	next := *t
	// Another name of the same length.
	n := renewed.Add(1)
	next.AccessToken, next.RefreshToken = fmt.Sprintf("access+%040d", n), fmt.Sprintf("refresh+%040d", n)
	next.Expiry = time.Now().Add(lives)
	return &next
}

var renewed atomic.Int64

// logIn stores the tokens of n users.
func logIn(ctx context.Context, store tokens.Store, n int, token func(user int) *csoauth.Token) error {
	m, err := tokens.New(unused, store, &tokens.Options{MaxCached: 1})
	if err != nil {
		return err
	}
	if err := each(n, 64, func(user int) error { return m.Put(ctx, keyOf(user), token(user)) }); err != nil {
		return fmt.Errorf("store the logins: %w", err)
	}
	return m.Close()
}

// each calls f for 0 to n-1, by some goroutines, until one fails.
func each(n, goroutines int, f func(i int) error) (err error) {
	var next atomic.Int64
	var once sync.Once
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if failed := f(i); failed != nil {
					once.Do(func() { err = failed })
					next.Store(int64(n))
				}
			}
		})
	}
	all.Wait()
	return err
}

// An outcome is how n callers fared who asked at once.
type outcome struct {
	took   []time.Duration // of each, from the common start, in ascending order
	failed int
	first  error // one of the errors
}

// atOnce calls f for 0 to n-1, each by a goroutine of its own. All begin together.
func atOnce(n int, f func(i int) error) outcome {
	o := outcome{took: make([]time.Duration, n)}
	errs := make([]error, n)
	start := make(chan struct{})
	var began time.Time
	var ready, all sync.WaitGroup
	ready.Add(n)
	for i := range n {
		all.Go(func() {
			ready.Done()
			<-start
			errs[i] = f(i)
			o.took[i] = time.Since(began)
		})
	}
	ready.Wait()
	began = time.Now()
	close(start)
	all.Wait()
	for _, err := range errs {
		if err != nil {
			o.failed++
			o.first = err
		}
	}
	slices.Sort(o.took)
	return o
}

// slowest returns when the last of them had its response.
func (o outcome) slowest() time.Duration { return o.took[len(o.took)-1] }

// quantile is for times in ascending order.
func quantile(took []time.Duration, q float64) time.Duration {
	return took[min(len(took)-1, int(q*float64(len(took))))]
}

// median sorts what it is given.
func median(numbers []float64) float64 {
	slices.Sort(numbers)
	return numbers[len(numbers)/2]
}

// heap returns how many bytes are in use on the heap.
func heap() float64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // what has a finalizer, or is in a pool, goes with the second
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
}

// dice are random numbers in the same order in each run: SplitMix64.
type dice uint64

func (d *dice) roll(n int) int {
	*d += 0x9e3779b97f4a7c15
	z := uint64(*d)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int((z ^ z>>31) % uint64(n))
}
