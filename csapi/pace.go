package csapi

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// paces are those of the organizations that a Client's tokens were for.
type paces struct {
	mu sync.Mutex
	of map[string]*pace
}

func (p *paces) at(organizationUID string) *pace {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil {
		p.of = map[string]*pace{}
	}
	one := p.of[organizationUID]
	if one == nil {
		one = &pace{turn: make(chan struct{}, 1)}
		if len(p.of) >= maxPaces {
			clear(p.of) // requests that wait keep the pace that they have
		}
		p.of[organizationUID] = one
	}
	return one
}

// maxPaces is how many organizations are remembered. More are not likely.
const maxPaces = 10_000

const (
	firstGap = 100 * time.Millisecond // Contentstack documents ten requests a second for an organization
	leastGap = 5 * time.Millisecond   // below which there is no limit to be seen
	mostGap  = 2 * time.Second

	// longestPause is how long a request waits for its time to go, if its context has no deadline.
	longestPause = time.Minute
	// rest is how long nothing is sent until there is no gap any more.
	rest = time.Minute
	// recovery is how long a gap lasts at most until it shrinks.
	recovery = 10 * time.Second
)

// A pace is how fast a Client sends requests for one organization: as fast as they come, until the
// first 429. All of them wait then, and go on one after the other with a gap between them. The gap
// grows with each 429, shrinks while there is none, and goes when nothing was sent for a minute.
type pace struct {
	turn chan struct{} // has a value while a request waits for its time to go

	mu     sync.Mutex
	pause  time.Time     // before which nothing is sent
	gap    time.Duration // between two requests; 0: none
	last   time.Time     // when the last one went
	period int           // counts the 429s that were not the echo of an earlier one
	good   int           // responses since then, or since the gap has shrunk
	shrunk time.Time     // when the gap has changed
}

// wait returns when a request may go, and the period that it belongs to; waited says that this took
// time. It fails at once if that would be after the context's deadline, or in more than a minute.
func (p *pace) wait(ctx context.Context) (period int, waited bool, err error) {
	p.mu.Lock()
	if now := time.Now(); now.Sub(p.last) > rest && now.Sub(p.pause) > rest {
		p.gap = 0
	}
	if p.gap == 0 && !time.Now().Before(p.pause) {
		defer p.mu.Unlock()
		return p.period, false, ctx.Err()
	}
	p.mu.Unlock()
	if err := p.reaches(ctx); err != nil {
		return 0, true, err
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return 0, true, ctx.Err()
	}
	for {
		if err := p.reaches(ctx); err != nil {
			return 0, true, err
		}
		p.mu.Lock()
		now := time.Now()
		next := p.last.Add(p.gap)
		if next.Before(p.pause) {
			next = p.pause
		}
		if !now.Before(next) {
			p.last = now
			period = p.period
			p.mu.Unlock()
			return period, true, nil
		}
		p.mu.Unlock()
		if err := sleep(ctx, next.Sub(now)); err != nil {
			return 0, true, err
		}
	}
}

// reaches returns an error if the pause goes on for longer than a request may wait.
func (p *pace) reaches(ctx context.Context) error {
	p.mu.Lock()
	pause := p.pause
	p.mu.Unlock()
	if wait := time.Until(pause); !reaches(ctx, wait) {
		return &pausedError{wait}
	}
	return nil
}

// A pausedError says that a request was not sent, because all wait for longer than it may.
type pausedError struct{ wait time.Duration }

func (e *pausedError) Error() string {
	return fmt.Sprintf("requests for this organization are paused for %v", e.wait.Round(time.Second))
}

func (e *pausedError) Is(target error) bool { return target == ErrRateLimited }

// limited records a 429 to a request of that period, and until when all requests are to wait.
func (p *pace) limited(period int, wait time.Duration, limit int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := time.Now().Add(wait); until.After(p.pause) {
		p.pause = until
	}
	if period != p.period {
		return // it went before the pace was slowed down
	}
	p.period++
	p.good, p.shrunk = 0, time.Now()
	switch {
	case limit > 0:
		p.gap = max(p.gap*11/10, time.Second/time.Duration(limit)*101/100) // a little slower than allowed
	case p.gap == 0:
		p.gap = firstGap
	default:
		p.gap = p.gap * 11 / 10
	}
	p.gap = min(p.gap, mostGap)
}

// went records a response that is no 429.
func (p *pace) went() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gap == 0 {
		return
	}
	if p.good++; p.good >= 50 || time.Since(p.shrunk) >= recovery {
		p.good, p.shrunk = 0, time.Now()
		if p.gap = p.gap * 19 / 20; p.gap < leastGap {
			p.gap = 0
		}
	}
}

// limitOf returns how many requests a second a response says that there may be; 0: it does not.
func limitOf(h http.Header) int {
	n, err := strconv.Atoi(h.Get("X-RateLimit-Limit"))
	if err != nil || n < 0 {
		return 0
	}
	return min(n, 1000)
}

// maxRetryAfter is the longest wait that a response is believed.
const maxRetryAfter = 24 * time.Hour

// retryAfter returns how long a response asks to wait; 0: it does not.
func retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return min(max(0, time.Duration(min(seconds, 1<<30))*time.Second), maxRetryAfter)
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(0, time.Until(at)), maxRetryAfter)
	}
	return 0
}

// backoff returns how long to wait after the nth failure, with jitter, if the response does not
// say.
func backoff(n int, first time.Duration) time.Duration {
	wait := min(first<<min(n-1, 10), time.Minute)
	return wait + rand.N(wait/4+1)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
