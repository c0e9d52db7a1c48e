package tokens

import (
	"time"
	"unique"

	"github.com/contentstack/csoauth"
)

// This file reads a key; key.go changes it.

// A view is a login as a hit sees it. It never changes; a new one takes its place.
type view struct {
	fresh    instant       // until then a hit need not ask; at most Recheck after the last look
	token    csoauth.Token // after fresh, so that a hit reads both from one cache line
	bearer   string        // "Bearer " and the access token, which is a part of it
	end      time.Duration // of the access token, by the monotonic clock
	lifetime time.Duration // of the access token when it came
	seq      int64         // the record's
}

// newView returns the view of a record that came now.
func newView(r *record, now instant) *view {
	v := &view{token: r.token, lifetime: r.lifetime, seq: r.seq, fresh: now}
	v.bearer = "Bearer " + v.token.AccessToken
	v.token.AccessToken = v.bearer[len("Bearer "):]
	for _, s := range []*string{ // the same for many users, who need not have a copy each
		&v.token.TokenType, &v.token.ClientID, &v.token.RedirectURI, &v.token.Location,
		&v.token.OrganizationUID, &v.token.AuthorizationType, &v.token.StackAPIKey,
	} {
		*s = unique.Make(*s).Value()
	}
	left := forever
	switch {
	case v.token.AccessToken == "":
		left = 0
	case !v.token.Expiry.IsZero():
		left = min(v.token.Expiry.Sub(now.time()), r.lifetime)
	}
	v.end = now.mono + left
	return v
}

// left returns how long the token is good for, by the clock that says less.
func (v *view) left(now instant) time.Duration {
	left := v.end - now.mono
	if !v.token.Expiry.IsZero() {
		left = min(left, v.token.Expiry.Sub(now.time()))
	}
	return left
}

// age returns how long ago the token came, by the clock that says more.
func (v *view) age(now instant) time.Duration {
	age := now.mono - (v.end - v.lifetime)
	if !v.token.Expiry.IsZero() {
		age = max(age, now.time().Sub(v.token.Expiry.Add(-v.lifetime)))
	}
	return age
}

// stale reports whether the last look is so long ago that callers wait for another one (law M11):
// up to twice recheck.
func (v *view) stale(now instant, recheck time.Duration) bool {
	return recheck > 0 && now.since(v.fresh) > recheck
}

// hit returns the view if nothing but a look at the clocks is needed to hand out its token (law
// M10: no lock, no allocation, no write that other processors see).
func (k *keyState) hit(now instant) *view {
	v := k.view.Load()
	if v == nil || !now.before(v.fresh) {
		return nil
	}
	k.use(now)
	return v
}

// use notes when the key was last used, to the minute: a write that others read costs them a cache
// miss.
func (k *keyState) use(now instant) {
	if minute := uint32(now.wall >> 36); k.used.Load() != minute {
		k.used.Store(minute)
	}
}

// snapshot returns what policy.go decides from.
func (k *keyState) snapshot() snapshot {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.snapshotLocked(k.set.now())
}

func (k *keyState) snapshotLocked(now instant) snapshot {
	s := snapshot{lookAge: forever, ownLease: k.set.lease}
	if w := k.work; w != nil {
		s.underWay, s.unsaved, s.lost = w.flight != nil, w.unsaved != nil, w.lost != nil
		s.refused, s.rejected, s.justForced = w.refused != nil && now.mono < w.believed, w.rejected, w.justForced(now)
		s.lease, s.leaseIsOurs, s.leaseAge = w.lease, k.set.tookLease(w.lease), now.mono-w.leaseSince
		s.leaseIsAnnounced = k.set.announced(w.lease)
		s.retryIn, s.retrySoon, s.lookIn = w.retryAt-now.mono, w.retrySoon-now.mono, w.lookAt-now.mono
	}
	v := k.view.Load()
	if v == nil {
		return s
	}
	s.known, s.renews = true, v.token.RefreshToken != ""
	s.left, s.age, s.lifetime = v.left(now), v.age(now), v.lifetime
	s.windows, s.stale = k.set.windows(k.key, v.lifetime), v.stale(now, k.set.recheck)
	return s
}

// justForced reports whether the token came in place of a rejected one, not long ago: that it is
// rejected too is no reason for another.
func (w *work) justForced(now instant) bool {
	pause := forcedFor
	if w.rejectedBy == w.forced.by {
		pause = w.forced.pause
	}
	return w.forced.at != 0 && now.mono-w.forced.at < pause
}

// valid returns the view if its token may be handed out, and nil otherwise.
func (k *keyState) valid() *view {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.snapshotLocked(k.set.now()).valid() {
		return nil
	}
	return k.view.Load()
}

// loginOf returns the number of the login that v is of, unless v was replaced since.
func (k *keyState) loginOf(v *view) (login uint64, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.view.Load()
	return k.login, now != nil && now.token.AccessToken == v.token.AccessToken
}

// loginID returns the number that distinguishes the key's login from its other logins; 0: there is
// no login.
func (k *keyState) loginID() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.view.Load() == nil {
		return 0
	}
	return k.login
}

// hasRefreshToken reports whether the key's login has this refresh token, and was neither deleted
// nor replaced.
func (k *keyState) hasRefreshToken(refreshToken string) bool {
	v := k.view.Load()
	return v != nil && v.token.RefreshToken == refreshToken
}

// record returns what a store should hold; ok is false if there is no login.
func (k *keyState) record() (r record, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.view.Load() == nil {
		return record{}, false
	}
	return k.recordLocked(), true
}

func (k *keyState) recordLocked() record {
	v := k.view.Load()
	return record{token: v.token, login: k.login, over: k.over, first: k.first, seq: v.seq, lifetime: v.lifetime}
}
