package tokens

import (
	"errors"
	"net/http"
	"time"

	"github.com/contentstack/csoauth"
)

// This file decides, and does nothing else: no lock, no clock, no store, no change of anything.
// What it decides from is a snapshot.

// A snapshot is what memory has of a key at one moment.
type snapshot struct {
	known    bool          // there is a login; without one all else is zero
	renews   bool          // it has a refresh token
	left     time.Duration // what its access token is still good for, by the clock that says less
	age      time.Duration // how long ago it came, by the clock that says more
	lifetime time.Duration
	windows  windows

	rejected   bool // an API has rejected the access token
	justForced bool // the token came in place of a rejected one, less than a minute ago
	lost       bool // the refresh token may have been spent by a request whose response was lost

	retryIn    time.Duration // no other refresh before; a past moment is negative
	retrySoon  time.Duration // the same while a caller without a valid token waits: it may be less
	lookIn     time.Duration // callers without a valid token have the store looked at after this
	underWay   bool          // a flight is
	refusedNow bool          // the refresh token was refused, and that is still believed
}

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
// quarter, a tenth and a thirtieth. phase is below 1 and differs from key to key: so much of half
// the soft window is taken off, so that users who came together are not refreshed together.
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
// token, or near its end if a refresh is due.
func (s snapshot) callerWaits() bool { return !s.valid() || s.left <= s.windows.hard && s.due() }

// fails reports whether a caller gets the error of an earlier refresh, instead of another one. A
// rejected token whose refresh token was not refused is looked up in the store first.
func (s snapshot) fails() bool {
	return s.known && !s.valid() && !s.underWay && s.lookIn > 0 && !s.due() && (!s.rejected || s.refusedNow)
}

// holdsBack reports whether the refresh token must not be sent although a refresh is due: it may be
// spent already, and a second use could end the login before its access token has ended (law M6).
func (s snapshot) holdsBack() bool { return s.lost && s.valid() }

// rememberedFor is how long a refusal is believed. Only invalid_grant says for certain what is
// wrong.
func rememberedFor(err error) time.Duration {
	var said *csoauth.Error
	if errors.As(err, &said) && said.Code == "invalid_grant" {
		return 15 * time.Minute
	}
	return time.Minute
}

// wasLost reports whether a refresh token may have been spent without a whole response to tell. A
// response that calls itself a success and is none leaves that open too, and so does a gateway that
// got none itself.
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

// leaseIsAnothers reports whether a record bears the lease of another process that may still be at
// work (law M3). seenFor is how long this process has seen that lease. proven says that its holder
// is gone: we have the lock under which it was taken.
func leaseIsAnothers(r *record, own, proven bool, seenFor, lease time.Duration) bool {
	return r.mark != "" && !own && !proven && seenFor < max(r.lease, lease)
}
