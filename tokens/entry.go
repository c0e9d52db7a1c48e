package tokens

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/contentstack/csoauth"
)

// An entry is what the Manager holds in memory for one key. A hit reads view and nothing else;
// everything that takes longer goes through mu.
type entry struct {
	key  string
	view atomic.Pointer[view] // nil: nothing is known, or the entry is dead
	used atomic.Uint32        // coarse time of the last hit
	slot int32                // in the cache's ring; guarded by the cache

	mu          sync.Mutex
	login, over uint64 // of the record that view is of; not there, for its size is what a user costs
	work        *work  // nil while there is nothing to remember, which is nearly always
}

// A view is a login as a hit sees it. It never changes; a new one takes its place.
type view struct {
	token    csoauth.Token
	bearer   string  // "Bearer " and the access token, which is a part of it
	fresh    instant // until then a hit need not ask
	end      time.Duration
	lifetime time.Duration
	seq      int64
}

// record is what a store should hold for e. e.mu is held, and there is a view.
func (e *entry) record() record {
	v := e.view.Load()
	return record{token: v.token, login: e.login, over: e.over, seq: v.seq, lifetime: v.lifetime}
}

// work is what a refresh leaves to remember. The zero value is nothing.
type work struct {
	flight *flight // what is going on for this key

	unsaved *unsaved // this view is not in the store yet

	// A mark in the store, and when it was first seen there.
	mark     string
	markSeen time.Duration

	rejected bool          // an API answered 401 to the access token of this view
	forcedAt time.Duration // when this access token was got because of a 401

	trouble
}

// gone is the work of an entry that is not in the cache any more. Its holders look the key up
// again.
var gone = new(work)

// defaultRecheck is how old the view of a key may be before a use looks into the store.
const defaultRecheck = time.Minute

// hit returns the view if nothing but a look at the clocks is needed to hand out its token.
func (e *entry) hit(now instant) *view {
	v := e.view.Load()
	if v == nil || !now.before(v.fresh) {
		return nil
	}
	e.use(now)
	return v
}

// use notes when e was last used, to the minute: a store to memory that others read costs them a
// cache miss.
func (e *entry) use(now instant) {
	if minute := uint32(now.wall >> 36); e.used.Load() != minute {
		e.used.Store(minute)
	}
}

// newView is what becomes of a record that was got now.
func (m *Manager) newView(r *record, now instant) *view {
	v := &view{token: r.token, lifetime: r.lifetime, seq: r.seq}
	v.bearer = "Bearer " + v.token.AccessToken
	v.token.AccessToken = v.bearer[len("Bearer "):]
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

// windows are those of a view of key.
func (m *Manager) windows(key string, v *view) windows {
	return windowsOf(v.lifetime, m.soft, float64(m.hash(key)%1024)/1024)
}

// snapshot returns what is known of e. e.mu is held.
func (m *Manager) snapshot(e *entry, now instant) snapshot {
	v, w := e.view.Load(), e.work
	if v == nil {
		return snapshot{underWay: w != nil && w.flight != nil}
	}
	s := snapshot{
		known:    true,
		renews:   v.token.RefreshToken != "",
		left:     v.left(now),
		age:      v.age(now),
		lifetime: v.lifetime,
		windows:  m.windows(e.key, v),
	}
	if w != nil {
		s.rejected, s.justForced, s.lost = w.rejected, w.justForced(now), w.lost != nil
		s.retryIn, s.retrySoon, s.lookIn = w.retryAt-now.mono, w.retryBy-now.mono, w.lookAt-now.mono
		s.underWay, s.refusedNow = w.flight != nil, w.refused != nil
	}
	return s
}

// justForced reports whether the token was got because an API refused the one before, not long ago:
// that it is refused too is no reason for another.
func (w *work) justForced(now instant) bool {
	return w.forcedAt != 0 && now.mono-w.forcedAt < forcedFor
}

// freshen gives e a view on which hits need not ask before there is something to do. e.mu is held.
func (m *Manager) freshen(e *entry, now instant) {
	s := m.snapshot(e, now)
	fresh := s.freshFor()
	if m.recheck > 0 {
		fresh = min(fresh, m.jittered(e.key, m.recheck))
	}
	next := *e.view.Load()
	next.fresh = now.add(fresh)
	e.view.Store(&next)
	e.use(now)
}
