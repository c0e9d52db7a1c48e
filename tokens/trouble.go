package tokens

import (
	"errors"
	"fmt"
	"time"

	"github.com/contentstack/csoauth"
)

// trouble is what failures leave to remember about a login. The zero value is nothing.
type trouble struct {
	lost          error         // an answer to the refresh token of this view was, or may have been, lost
	failures      int           // in a row, of the refresh
	storeFailures int           // in a row, of the store
	failed        error         // the last of them
	refused       error         // the refresh token is not taken any more; retryAt is how long that is remembered
	retryAt       time.Duration // no other refresh before it
	retryBy       time.Duration // the same while a caller without a token waits: it may be earlier
	lookAt        time.Duration // callers without a token have the store looked at from then on
	told          bool          // the end of the login was reported
}

// why returns why there is no token to be had for v.
func (w *work) why(v *view) error {
	switch {
	case v.token.RefreshToken == "":
		return fmt.Errorf("tokens: %w: %w", csoauth.ErrLoginRequired, errNoRenew)
	case w != nil && w.refused != nil:
		return w.refused
	case w != nil && w.failed != nil:
		return w.failed
	}
	return fmt.Errorf("tokens: %w", errTooSoon)
}

// storeFailed notes that the store did, and when to ask it again.
func (f *flight) storeFailed(err error) error {
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	w, v, now := f.e.work, f.e.view.Load(), f.m.now()
	w.storeFailures++
	pause := f.m.backoff(f.e.key, w.storeFailures, nil)
	w.lookAt = now.mono + max(pause, lookEvery)
	w.failed = err
	if v == nil {
		return err // nothing is remembered of a key that nobody knows
	}
	if f.m.snapshot(f.e, now).due() {
		w.pause(now.mono+pause, now.mono+pause)
		w.lookAt = w.retryAt
	}
	if f.pending == nil && w.unsaved == nil && f.m.ctx.Err() == nil { // a save that fails is reported as that, and Close is no failure
		f.event(EventRefreshFailed, err, 0)
	}
	return err
}

// lookEvery is how often, at most, callers without a token have the store looked at: the user may
// have logged in again.
const lookEvery = 5 * time.Second

// unrenewed notes how the refresh of a record failed, and returns that. A refusal of the refresh
// token is remembered for a while, and is the end of the login when no access token is left (law
// M7). It says nothing about a login that was put meanwhile.
func (f *flight) unrenewed(rec record, err error, took time.Duration) error {
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	if v := f.e.view.Load(); v == nil || v.token.RefreshToken != rec.token.RefreshToken {
		return errReplaced
	}
	w := f.e.work
	w.failures++
	w.failed, w.refused = err, nil
	now := f.m.now()
	until := now.mono + f.m.backoff(f.e.key, w.failures, err)
	w.pause(until, min(until, now.mono+f.m.jittered(f.e.key, maxBackoff)))
	switch {
	case errors.Is(err, csoauth.ErrLoginRequired):
		if w.lost != nil {
			err = fmt.Errorf("%w (before that: %w)", err, w.lost)
		}
		w.refused = err
		until = max(until, now.mono+rememberedFor(err))
		w.pause(until, until)
	case wasLost(err):
		w.lost = err
		fallthrough
	default:
		next := time.Unix(0, now.wall).Add(w.retryBy - now.mono)
		err = fmt.Errorf("%w (next try at %s)", err, next.UTC().Format("15:04:05 MST"))
		w.failed = err
	}
	f.event(EventRefreshFailed, err, took)
	return err
}

// pause holds the next refresh back.
func (w *trouble) pause(until, forWaiting time.Duration) {
	w.retryAt, w.retryBy = until, forWaiting
}
