package tokens

import (
	"errors"
	"net/http"
	"time"

	"github.com/contentstack/csoauth"
)

// This file decides, and does nothing else: no lock, no clock, no store, no change of anything. It
// decides from a snapshot and, where there is jitter, a random number from 0 to 1.
//
// The laws that this package's comments cite stand in docs/design.md. In a few words:
//
//	M1   one refresh for each key and process, which does not end with a caller
//	M2   every refresh begins with a look at the store; the newer of store and memory counts
//	M3   a lease in the record, before the refresh token is sent, keeps other processes away
//	M4   a new pair is saved before anyone gets it, and saved again until it is
//	M5   what is lost if a process dies at the wrong moment
//	M6   a refresh token that may be spent is not sent while the access token is valid
//	M7   only a refusal ends a login, and only once no valid token is left
//	M8   when a token is refreshed, who waits, how failures are spaced, how many run at a time
//	M9   what a 401 of an API means, and where the access token goes
//	M10  what a hit costs, and what may be evicted
//	M11  how old a cached login may be, and what wrong clocks may do

// A snapshot is what is known of a key at one moment. Lengths of time that begin then are negative
// if they are over.
type snapshot struct {
	known    bool          // there is a login
	renews   bool          // it has a refresh token
	left     time.Duration // what its access token is still good for, by the clock that says less
	age      time.Duration // how long ago it came, by the clock that says more
	lifetime time.Duration
	windows  windows

	stale      bool // the store was not looked at for long
	unsaved    bool // the newest pair is in memory only
	lost       bool // a response to the refresh token was, or may have been, lost: it may be spent
	refused    bool // the refresh token was refused, not long ago
	rejected   bool // an API has rejected the access token
	justForced bool // the access token came in place of a rejected one, less than a minute ago

	lease            lease         // what the record had at the last look
	leaseIsOurs      bool          // this Manager took it, for an attempt that is over
	leaseIsAnnounced bool          // this Manager announced a takeover with it
	leaseAge         time.Duration // how long this process has seen it
	ownLease         time.Duration // how long the leases of this Manager are

	retryIn   time.Duration // the wait before the next refresh
	retrySoon time.Duration // the same while a caller without a valid token waits: it may be less
	lookIn    time.Duration // the wait before callers without a valid token cause a look
	underWay  bool          // a flight is under way

	// What a flight adds.
	lookAge  time.Duration // how old its last look is; forever: there was none
	lock     lockState     // whether it holds the key's lock
	tookOver bool          // the lease is its own announcement of a takeover, and its time is over
}

// A lockState is what a flight has of the key's lock.
type lockState int

const (
	noLock      lockState = iota // the store has none, or it was not to be had within a lease
	lockUnasked                  // the flight has not asked for it yet
	lockHeld
)

// A step is what a flight does next.
type step string

const (
	serve         step = "serve"           // hand out the token that is there
	fail          step = "fail"            // there is no valid token, and none to be had now
	look          step = "look"            // load the record from the store
	saveFirst     step = "save first"      // store what only memory has
	waitForHolder step = "wait for holder" // another process has a lease
	holdBack      step = "hold back"       // do not send the refresh token: it may be spent
	takeOver      step = "take over"       // announce it to a holder that seems to be gone
	refresh       step = "refresh"         // take a place and the lock, decide again, send
)

// freshLook is how old a look at the store may be to refresh after it: if the record has changed
// since, the swap of the lease finds out.
const freshLook = time.Second

// next returns a flight's next step.
func next(s snapshot) step {
	switch {
	case s.unsaved: // law M4; it also frees the lock
		return saveFirst
	case s.lookAge > freshLook: // law M2: the store may have a newer token
		return look
	case s.rejected && !s.due() && s.isHeld(): // law M9: the holder may bring a better token
		return waitForHolder
	case !s.due() && s.valid():
		return serve
	case !s.due():
		return fail
	case s.isHeld() && s.lock != lockUnasked: // law M3; the lock may prove the holder gone
		return waitForHolder
	case s.valid() && (s.lost || s.isLeftOver()): // law M6: a second use could end the login early
		return holdBack
	case s.isLeftOver() && !s.tookOver && (!s.lease.locked || s.lock == noLock): // law M3
		return takeOver
	}
	return refresh
}

// isHeld reports whether the record bears a lease whose holder, another process, may still be at
// work (law M3): its time is not over, as far as this process has seen, and no lock proves it gone.
func (s snapshot) isHeld() bool {
	provenGone := s.lock == lockHeld && s.lease.locked
	isOurs := s.leaseIsOurs || s.leaseIsAnnounced
	return s.lease.id != "" && !isOurs && !provenGone && s.leaseAge < max(s.lease.length, s.ownLease)
}

// isLeftOver reports whether the record bears a lease whose holder has died, or whose time is over.
func (s snapshot) isLeftOver() bool { return s.lease.id != "" && !s.leaseIsOurs && !s.isHeld() }

// windows are lengths of time before the end of an access token.
type windows struct {
	soft   time.Duration // it is refreshed in the background
	hard   time.Duration // callers wait for the next one
	margin time.Duration // it is over, so that it does not end on its way
}

// Windows of a token with a long life, and between two refreshes of a key. See windowsOf.
const (
	defaultSoft = 10 * time.Minute
	hardWindow  = 30 * time.Second
	maxMargin   = 10 * time.Second
	minPause    = 30 * time.Second
)

// windowsOf returns the windows of a token (law M8). For a short life they are parts of it: a
// quarter, a tenth and a thirtieth. phase, from 0 to 1, differs from key to key. It takes off
// up to half of what lies between soft and hard, so that users who came together are not refreshed
// together.
func windowsOf(lifetime, soft time.Duration, phase float64) windows {
	margin := min(maxMargin, lifetime/30)
	hard := max(margin, min(hardWindow, lifetime/10))
	soft = max(hard, min(soft, lifetime/4))
	return windows{soft - time.Duration(phase*float64(soft-hard)/2), hard, margin}
}

// valid reports whether the access token may be handed out.
func (s snapshot) valid() bool { return s.known && !s.rejected && s.left > s.windows.margin }

// dueIn returns how long to wait before the token is refreshed: 0 if it is time, and forever
// without a refresh token.
func (s snapshot) dueIn() time.Duration {
	if !s.renews {
		return forever
	}
	wait := max(s.left-s.windows.soft, min(minPause, s.lifetime/2)-s.age)
	if s.rejected && !s.justForced {
		wait = 0
	}
	if !s.valid() {
		return max(0, wait, s.retrySoon)
	}
	wait = max(wait, s.retryIn)
	if s.lost { // law M6: only when the access token has ended
		wait = max(wait, s.left-s.windows.margin)
	}
	return max(0, wait)
}

func (s snapshot) due() bool { return s.known && s.dueIn() == 0 }

// freshFor returns how long a hit may hand out the token without asking for more.
func (s snapshot) freshFor() time.Duration {
	if !s.valid() {
		return 0
	}
	return max(0, min(s.dueIn(), s.left-s.windows.margin))
}

// callerWaits reports whether a caller waits for the flight that is under way: without a valid
// token, near its end if a refresh is due (law M8), or for a look that is long overdue (law M11).
func (s snapshot) callerWaits() bool {
	return !s.valid() || s.left <= s.windows.hard && s.due() || s.stale
}

// fails reports whether a caller gets the error of an earlier refresh, instead of another one. A
// rejected token whose refresh token was not refused is looked up in the store first (law M9).
func (s snapshot) fails() bool {
	return s.known && !s.valid() && !s.underWay && s.lookIn > 0 && !s.due() && (!s.rejected || s.refused)
}

// How long a token that came because of a 401 is not replaced because of another: at first, and at
// most, if the same API rejects each new token too (law M9).
const (
	forcedFor = time.Minute
	maxForced = time.Hour
)

const (
	minBackoff = time.Second
	maxBackoff = 5 * time.Minute
)

// backoff returns how long to wait after the nth failure in a row (law M8): 1 to 2 s, then twice as
// long each time, up to 5 minutes, or what the server asked for if that is longer.
func backoff(n int, err error, random float64) time.Duration {
	wait := jittered(min(2*minBackoff<<min(n-1, 16), maxBackoff), random)
	var said *csoauth.Error
	if errors.As(err, &said) && said.RetryAfter > 0 {
		wait = max(wait, said.RetryAfter+time.Duration(random*float64(said.RetryAfter)/10))
	}
	return wait
}

// jittered returns d with up to a half of it taken off, so that replicas do not act at the same
// moment.
func jittered(d time.Duration, random float64) time.Duration {
	return d - time.Duration(random*float64(d)/2)
}

// maxAgain is how long after a lost response, at most, the refresh token is sent once more.
const maxAgain = 2 * time.Second

// mayAskAgain reports whether a lost response may be had by asking again at once. After a time-out
// it may not: the server is slow, or does not respond.
func mayAskAgain(err error) bool {
	var said *csoauth.Error
	var slow interface{ Timeout() bool }
	switch {
	case errors.As(err, &said) && said.RetryAfter > maxAgain:
		return false
	case errors.As(err, &slow) && slow.Timeout():
		return false
	}
	return wasLost(err)
}

// wasLost reports whether the server may have spent the refresh token although no whole response
// came. This is also unknown after a response with the status of a success but no token, and after
// the error of a gateway that got no response itself.
func wasLost(err error) bool {
	var said *csoauth.Error
	switch {
	case errors.As(err, &said) && (said.StatusCode == http.StatusBadGateway || said.StatusCode == http.StatusGatewayTimeout):
		return said.Token == nil
	case errors.As(err, &said) && (said.StatusCode >= 300 || said.Token != nil):
		return false
	}
	return !errors.Is(err, csoauth.ErrNotSent) && !errors.Is(err, csoauth.ErrLoginRequired)
}
