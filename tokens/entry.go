package tokens

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/contentstack/csoauth"
)

// An entry is what the Manager holds in memory for one key. A hit reads view and nothing else; everything that takes
// longer goes through mu.
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

// gone is the work of an entry that is not in the cache any more. Its holders look the key up again.
var gone = new(work)

// defaultRecheck is how old the view of a key may be before a use looks into the store.
const defaultRecheck = time.Minute

// Windows on the life of a token, and their bounds as parts of it.
const (
	defaultSoft = 10 * time.Minute // before its end, a refresh begins in the background; at most a quarter
	hardWindow  = 30 * time.Second // before its end, callers wait for it; at most a tenth
	maxMargin   = 10 * time.Second // before its end it is over, so that it does not end on its way; at most a thirtieth
	minPause    = 30 * time.Second // between two refreshes; at most half the lifetime
)

// hit returns the view if nothing but a look at the clocks is needed to hand out its token.
func (e *entry) hit(now instant) *view {
	v := e.view.Load()
	if v == nil || !now.before(v.fresh) {
		return nil
	}
	e.use(now)
	return v
}

// use notes when e was last used, to the minute: a store to memory that others read costs them a cache miss.
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

// windows returns how long before its end a token is refreshed in the background, waited for, and not used any more. The
// first differs from key to key by up to half, so that users who came together do not refresh together.
func (m *Manager) windows(e *entry, v *view) (soft, hard, margin time.Duration) {
	margin = min(maxMargin, v.lifetime/30)
	hard = max(margin, min(hardWindow, v.lifetime/10))
	soft = max(hard, min(m.soft, v.lifetime/4))
	soft -= time.Duration(m.hash(e.key)%1024) * ((soft - hard) / 2048)
	return soft, hard, margin
}

// valid reports whether v's token may be handed out. e.mu is held.
func (m *Manager) valid(e *entry, v *view, now instant) bool {
	if v == nil || e.work != nil && e.work.rejected {
		return false
	}
	_, _, margin := m.windows(e, v)
	return v.left(now) > margin
}

// dueIn returns how long to wait before v is refreshed, 0 if it is time. e.mu is held.
func (m *Manager) dueIn(e *entry, v *view, now instant) time.Duration {
	if v.token.RefreshToken == "" {
		return forever
	}
	soft, _, margin := m.windows(e, v)
	wait := max(v.left(now)-soft, min(minPause, v.lifetime/2)-v.age(now))
	w := e.work
	if w == nil {
		return max(0, wait)
	}
	if w.rejected && !w.justForced(now) {
		wait = 0
	}
	if m.valid(e, v, now) {
		wait = max(wait, w.retryAt-now.mono)
	} else {
		wait = max(wait, w.retryBy-now.mono)
	}
	if w.lost != nil && m.valid(e, v, now) {
		wait = max(wait, v.left(now)-margin)
	}
	return max(0, wait)
}

// justForced reports whether the token was got because an API refused the one before, not long ago: that it is refused
// too is no reason for another.
func (w *work) justForced(now instant) bool {
	return w.forcedAt != 0 && now.mono-w.forcedAt < forcedFor
}

// freshen gives e a view on which hits need not ask before there is something to do. e.mu is held.
func (m *Manager) freshen(e *entry, v *view, now instant) {
	_, _, margin := m.windows(e, v)
	wait := min(m.dueIn(e, v, now), v.left(now)-margin)
	if m.recheck > 0 {
		wait = min(wait, m.jittered(e.key, m.recheck))
	}
	if !m.valid(e, v, now) {
		wait = 0
	}
	next := *v
	next.fresh = now.add(max(0, wait))
	e.view.Store(&next)
	e.use(now)
}
