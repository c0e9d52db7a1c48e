package tokens

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/contentstack/csoauth"
)

// A keyState is all that memory knows about one key. Only its methods touch its fields, except slot
// and used. They take the lock. The name of a method whose caller holds the lock ends in Locked.
// The methods never wait, and never ask the store or the token endpoint.
type keyState struct {
	key  string
	set  *settings
	view atomic.Pointer[view] // nil: no login is known, or the key was evicted
	used atomic.Uint32        // the minute of the last use
	slot int32                // the cache's, which guards it

	mu                 sync.Mutex
	login, over, first uint64 // of the record that view shows; not in view, which has no room left
	work               *work  // nil while there is nothing to remember, which is nearly always
}

// work is what a key has to remember besides its view. The zero value is nothing.
type work struct {
	flight *flight // the one thing that goes on for this key
	moved  bool    // a Put or Delete was done since the flight's look began

	unsaved  *unsaved      // the view is not in the store yet
	lost     error         // a response to this refresh token was, or may have been, lost
	refused  error         // this refresh token was refused
	believed time.Duration // until when that is believed
	refusal  *refusal      // as it stands in the record, or should
	recorded bool          // the record says so

	rejected   bool    // an API has rejected this access token
	rejectedBy string  // its host
	clearly    bool    // it said that the token is invalid
	forced     forcing // this access token came in place of a rejected one

	lease      lease         // what the record shows
	leaseSince time.Duration // when this process first saw it

	failures      int           // in a row, of the refresh
	storeFailures int           // in a row, of the store
	failed        error         // the last of them
	retryAt       time.Duration // no other refresh before it
	retrySoon     time.Duration // the same while a caller without a token waits: it may be earlier
	lookAt        time.Duration // callers without a token cause no look at the store before it
	told          bool          // EventLoginRequired was reported
}

// A forcing says how an access token came in place of a rejected one.
type forcing struct {
	at time.Duration // when; 0: it did not
	by string        // the host that had rejected the other
	// pause is how long that host has no other token replaced: longer each time that it rejects the
	// new one too (law M9).
	pause time.Duration
}

// An unsaved pair is one that callers have, and the store has not.
type unsaved struct {
	spent string        // the refresh token that it cost
	over  chan struct{} // closed when it is saved, replaced or deleted
}

// evicted is the work of a key that has left the cache. A caller that finds it looks the key up
// again.
var evicted = new(work)

var (
	errEvicted  = errors.New("this key is not cached any more")
	errReplaced = errors.New("another login was stored meanwhile")
	errTooSoon  = errors.New("the token came less than 30 s ago and counts as expired already: compare the clocks of these machines")
	errNoRenew  = errors.New("the access token has expired, and there is no refresh token")
	errLost     = errors.New("a process began a refresh and did not save its result")
	errNoLogin  = fmt.Errorf("tokens: %w: %w: the store has no login for this key", csoauth.ErrLoginRequired, ErrNotFound)
)

// join returns what a caller needs: a token, a flight to wait for, or both, which is a valid token
// and a reason to wait a little for the next one. If a flight is needed and none is under way,
// start begins one; it returns nil if the Manager is closed. The caller gets the error.
func (k *keyState) join(start func(*keyState) *flight) (*view, *flight, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.work == evicted {
		return nil, nil, errEvicted
	}
	now := k.set.now()
	v, s, f := k.view.Load(), k.snapshotLocked(now), k.flightLocked()
	if s.fails() {
		return nil, nil, k.whyLocked()
	}
	if f == nil && (v == nil || !now.before(v.fresh)) {
		f = k.startLocked(start)
	}
	switch {
	case f == nil && !s.valid():
		return nil, nil, errClosed
	case f == nil || s.valid() && !s.callerWaits():
		return v, nil, nil
	case !s.valid():
		v = nil
	}
	return v, f, nil
}

// joinToSave returns the flight that is under way or, if there is none, one that start begins. It
// returns nil when u need not be saved any more.
func (k *keyState) joinToSave(u *unsaved, start func(*keyState) *flight) (f *flight, isNew bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.work == nil || k.work.unsaved != u {
		return nil, false
	}
	if f := k.work.flight; f != nil {
		return f, false
	}
	return k.startLocked(start), true
}

func (k *keyState) startLocked(start func(*keyState) *flight) *flight {
	f := start(k)
	if f != nil {
		k.workLocked().flight = f
	}
	return f
}

// A result is what a flight leaves to those who wait for it.
type result struct {
	view  *view
	err   error
	ended bool // the login has ended, and EventLoginRequired was not reported yet
	empty bool // nothing is known of the key any more: the cache must remove it
}

// finish ends the key's flight. err says why there is no newer token than the one in memory, and
// lookedAt when the flight last saw the store, or never. If an API has rejected the token since the
// flight's last step, and the Manager is open, ok is false: the flight must run again.
func (k *keyState) finish(err error, lookedAt time.Duration, knewRejected, open bool) (r result, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	w, now := k.work, k.set.now()
	if w.rejected && !knewRejected && open {
		return result{}, false
	}
	w.flight, w.moved = nil, false
	if isRefused := w.refused != nil && now.mono < w.believed; !isRefused || !w.clearly {
		w.rejected, w.rejectedBy, w.clearly = false, "", false // law M9: one API's word is not enough to go without a token
	}
	switch {
	case k.view.Load() == nil:
		k.work = evicted
		if err == nil { // it was deleted during the flight
			err = errNoLogin
		}
		return result{err: err, empty: true}, true
	case k.snapshotLocked(now).valid():
		w.lookAt = 0
		k.setFreshLocked(now, lookedAt)
		k.dropWorkLocked(now)
		return result{view: k.view.Load()}, true
	}
	if err == nil || k.snapshotLocked(now).refused { // a store that fails does not hide a refusal
		err = k.whyLocked()
	}
	if w.lookAt <= now.mono {
		w.lookAt = now.mono + lookEvery
	}
	r.err, r.ended = err, errors.Is(err, csoauth.ErrLoginRequired) && !w.told
	w.told = w.told || r.ended
	return r, true
}

// lookEvery is how often, at most, callers without a token cause a look at the store: the user may
// have logged in again (law M7).
const lookEvery = 5 * time.Second

// evict makes an idle key one that has left the cache. It does not wait for the lock: a locked key
// is in use.
func (k *keyState) evict() bool {
	if !k.mu.TryLock() {
		return false
	}
	defer k.mu.Unlock()
	if !k.idleLocked(k.set.now()) {
		return false
	}
	k.work = evicted
	k.view.Store(nil)
	return true
}

// idleLocked reports whether the key may be evicted (law M10): it has no flight and so no waiter,
// no unsaved pair, and no failure that still holds a refresh back and that the record does not
// have.
func (k *keyState) idleLocked(now instant) bool {
	w := k.work
	switch {
	case k.view.Load() == nil:
		return false // it is new, or evicted already
	case w == nil:
		return true
	}
	waits := max(w.retryAt, w.lookAt) > now.mono && !w.recorded
	forced := w.forced.at != 0 && now.mono-w.forced.at < forcedFor // a longer pause is not worth the memory
	return w.flight == nil && w.unsaved == nil && !waits && !forced
}

// put sets a record that was just stored by a Put, unless memory has a newer one. It returns the
// flight that is under way.
func (k *keyState) put(r *record) (*flight, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.work == evicted {
		return nil, errEvicted
	}
	if v := k.view.Load(); v != nil && v.seq >= r.seq {
		return nil, nil
	}
	now, lost := k.set.now(), error(nil)
	if v := k.view.Load(); v != nil && r.has(v.token.RefreshToken) && k.work != nil {
		lost = k.work.lost
	}
	k.setLocked(r, false)
	if lost == nil && k.set.tookLease(r.lease) && k.work.flight == nil {
		lost = errLost // the evicted key knew how that attempt ended
	}
	k.work.lost = lost
	k.seeLeaseLocked(r.lease)
	k.setFreshLocked(now, now.mono)
	f := k.work.flight
	k.work.moved = f != nil
	k.dropWorkLocked(now)
	return f, nil
}

// delete drops a login that was just deleted from the store. It reports whether nothing is left of
// the key; otherwise a flight is under way, and will find out.
func (k *keyState) delete() (empty bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.work == evicted {
		return false // the goroutine that emptied it removes it
	}
	k.clearLocked()
	if k.work.flight != nil {
		k.work.moved = true
		return false
	}
	k.work = evicted
	return true
}

// beginLook is called before a record is loaded that is to be compared.
func (k *keyState) beginLook() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.work.moved = false
}

// compare merges memory and the record that the store returned (law M2). stored is nil if the store
// has no record. pending is the flight's new pair, which is in neither place, or nil. If the
// outcome is writeBack, memory is right, and truth must be stored. known says whether there was a
// login.
func (k *keyState) compare(stored *record, pending *pair) (what outcome, truth record, known bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	w := k.work
	w.storeFailures = 0
	if w.moved {
		return again, record{}, false
	}
	ours := pending
	known = k.view.Load() != nil
	if ours == nil && known {
		ours = &pair{record: k.recordLocked()}
		if w.unsaved != nil {
			ours.spent = w.unsaved.spent
		}
	}
	switch what, truth = reconcile(ours, stored); what {
	case gone:
		k.clearLocked()
	case adopt:
		k.seeLeaseLocked(truth.lease)
		k.setLocked(&truth, w.rejected)
		if ours == nil && k.set.tookLease(truth.lease) {
			w.lost = errLost // the evicted key knew how that attempt ended
		}
		k.believeLocked(&truth)
	case same:
		k.seeLeaseLocked(stored.lease)
		k.confirmLocked()
		k.believeLocked(&truth)
	case writeBack:
		if pending == nil {
			truth = k.withWhatIsKnownLocked(truth)
		}
		k.seeLeaseLocked(stored.lease)
		k.confirmLocked()
	}
	return what, truth, known
}

// withWhatIsKnownLocked returns r with what others must know of its refresh token: that it may be
// spent, or was refused.
func (k *keyState) withWhatIsKnownLocked(r record) record {
	w := k.work
	r = r.withRefusal(w.refusal)
	if w.lost != nil { // a left-over lease says so
		r = r.with(k.set.newLease(false))
	}
	return r
}

// believeLocked believes a refusal that the record has. One of our own counts as long as our
// monotonic clock says, whatever another process has written.
func (k *keyState) believeLocked(r *record) {
	w, now := k.work, k.set.now()
	left := r.standsFor(now.time())
	if left == 0 {
		return
	}
	if w.refused == nil {
		w.failed, w.refused = r.refusal.err(), r.refusal.err()
	}
	w.believed, w.refusal, w.recorded = max(w.believed, now.mono+left), r.refusal, true
	w.pause(max(w.retryAt, w.believed), max(w.retrySoon, w.believed))
}

// setRenewed sets a pair that this process has just got. It reports false if the login was deleted
// or put meanwhile. forced says that an API had rejected the token before it. u says that the store
// does not have the pair yet; nil: it has.
func (k *keyState) setRenewed(r *record, forced bool, u *unsaved) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	v, w := k.view.Load(), k.work
	if v == nil || v.seq > r.seq || u != nil && v.seq == r.seq {
		return false
	}
	if u == nil {
		k.seeLeaseLocked(r.lease)
	}
	k.setLocked(r, forced)
	w.unsaved = u
	if !r.token.Expiry.IsZero() && r.lifetime < minLifetime {
		// It has ended already, or nearly: a clock or the provider is wrong. Asking for another at
		// once would not help.
		until := k.set.now().mono + minPause
		w.pause(until, until)
	}
	return true
}

// minLifetime is what must be left of a new token for it to be any use.
const minLifetime = 100 * time.Millisecond

// setStored notes that the store has r, which is what memory has. It reports whether it did not
// have it before.
func (k *keyState) setStored(r *record) (wasUnsaved bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seeLeaseLocked(r.lease)
	v := k.view.Load()
	if v == nil || v.seq > r.seq {
		return false // deleted or put meanwhile
	}
	k.believeLocked(r)
	if v.seq < r.seq {
		moved := *v
		moved.seq = r.seq
		k.view.Store(&moved)
		k.login, k.over, k.first = r.login, r.over, r.first
	}
	return k.endUnsavedLocked()
}

// setSaved notes that the store has r, the pair of u. It reports false if u is over.
func (k *keyState) setSaved(u *unsaved, r *record) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.work == nil || k.work.unsaved != u {
		return false
	}
	k.seeLeaseLocked(r.lease)
	k.endUnsavedLocked()
	k.dropWorkLocked(k.set.now())
	return true
}

// reject notes that an API has rejected the access token, if it is still the key's, so that the
// next caller replaces it (law M9). If no other token can come because the refresh token was
// refused, an unclear 401 does not end the token.
func (k *keyState) reject(r rejection) {
	k.mu.Lock()
	defer k.mu.Unlock()
	v := k.view.Load()
	if k.work == evicted || v == nil || v.token.AccessToken != r.accessToken {
		return
	}
	w := k.workLocked()
	if w.refused != nil && k.set.now().mono < w.believed && !r.clear {
		return
	}
	w.rejected, w.rejectedBy, w.clearly = true, r.host, w.clearly || r.clear
	stale := *v
	stale.fresh = instant{}
	k.view.Store(&stale)
}

// suspectLost notes that another process may have sent this refresh token and got no response (law
// M6).
func (k *keyState) suspectLost() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.work.lost == nil {
		k.work.lost = errLost
	}
}

// storeFailed notes that the store failed, and when to ask it again. known says whether there is a
// login.
func (k *keyState) storeFailed(err error) (known bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	w, now := k.work, k.set.now()
	w.storeFailures++
	w.failed = err
	pause := backoff(w.storeFailures, nil, k.set.random(k.key))
	w.lookAt = now.mono + max(pause, lookEvery)
	if k.view.Load() == nil {
		return false
	}
	if k.snapshotLocked(now).due() {
		until := now.mono + pause
		w.pause(max(w.retryAt, until), max(w.retrySoon, until)) // a server's Retry-After stands
		w.lookAt = w.retrySoon
	}
	return true
}

// refreshFailed notes why the refresh token got no new pair, and returns that. It returns
// errReplaced if a Put has replaced the login. A refusal is remembered for a while, and is the end
// of the login once no access token is left (law M7).
func (k *keyState) refreshFailed(refreshToken string, err error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if v := k.view.Load(); v == nil || v.token.RefreshToken != refreshToken {
		return errReplaced
	}
	w, now := k.work, k.set.now()
	w.failures++
	until := now.mono + backoff(w.failures, err, k.set.random(k.key))
	if errors.Is(err, csoauth.ErrLoginRequired) {
		if w.lost != nil {
			err = fmt.Errorf("%w (before that: %w)", err, w.lost)
		}
		until = max(until, now.mono+believedFor)
		w.failed, w.refused, w.believed = err, err, until
		w.refusal = newRefusal(refreshToken, err, now.time())
		w.pause(until, until)
		return err
	}
	if wasLost(err) {
		w.lost = err
	}
	w.pause(until, min(until, now.mono+jittered(maxBackoff, k.set.random(k.key))))
	next := time.Unix(0, now.wall).Add(w.retrySoon - now.mono)
	err = fmt.Errorf("%w (next try at %s)", err, next.UTC().Format("15:04:05 MST"))
	w.failed, w.refused, w.refusal, w.recorded = err, nil, nil, false
	return err
}

// whyLocked returns why there is no token to be had.
func (k *keyState) whyLocked() error {
	w, s := k.work, k.snapshotLocked(k.set.now())
	switch {
	case !s.renews:
		return fmt.Errorf("tokens: %w: %w", csoauth.ErrLoginRequired, errNoRenew)
	case s.refused:
		return w.refused
	case w != nil && w.failed != nil:
		return w.failed
	}
	return fmt.Errorf("tokens: %w", errTooSoon)
}

func (k *keyState) workLocked() *work {
	if k.work == nil {
		k.work = new(work)
	}
	return k.work
}

func (k *keyState) flightLocked() *flight {
	if k.work == nil {
		return nil
	}
	return k.work.flight
}

// setLocked sets a record, which is the truth, and drops what was remembered of the one before.
// forced says that an API had rejected that one: then the new one is not replaced at once if it is
// rejected too.
func (k *keyState) setLocked(r *record, forced bool) {
	w, now := k.workLocked(), k.set.now()
	k.endUnsavedLocked()
	k.view.Store(newView(r, now))
	k.login, k.over, k.first = r.login, r.over, r.first
	var f forcing
	if forced {
		f = w.nextForcing(now)
	}
	*w = work{flight: w.flight, moved: w.moved, lease: w.lease, leaseSince: w.leaseSince, forced: f}
}

// nextForcing returns the forcing of a token that comes now.
func (w *work) nextForcing(now instant) forcing {
	f := forcing{at: max(1, now.mono), by: w.rejectedBy, pause: forcedFor}
	if w.forced.at != 0 && w.forced.by == f.by {
		f.pause = min(2*w.forced.pause, maxForced)
	}
	return f
}

// clearLocked drops the login.
func (k *keyState) clearLocked() {
	w := k.workLocked()
	k.endUnsavedLocked()
	k.view.Store(nil)
	*w = work{flight: w.flight, moved: w.moved}
}

// setFreshLocked lets hits hand out the token until there is something to do. The next look is due
// Recheck after the last one, or after now if that failed (never).
func (k *keyState) setFreshLocked(now instant, lookedAt time.Duration) {
	fresh := k.snapshotLocked(now).freshFor()
	if k.set.recheck > 0 {
		look := jittered(k.set.recheck, k.set.random(k.key))
		if lookedAt != never {
			look = max(0, look-(now.mono-lookedAt))
		}
		fresh = min(fresh, look)
	}
	next := *k.view.Load()
	next.fresh = now.add(fresh)
	k.view.Store(&next)
	k.use(now)
}

// dropWorkLocked drops work that has nothing to remember any more.
func (k *keyState) dropWorkLocked(now instant) {
	if f := k.work.forced; now.mono-f.at > 2*f.pause { // the new token was not rejected
		k.work.forced = forcing{}
	}
	if *k.work == (work{}) {
		k.work = nil
	}
}

// confirmLocked notes that the store has what memory has, or will have: the view is not stale any
// more.
func (k *keyState) confirmLocked() {
	v, now := k.view.Load(), k.set.now()
	if v == nil || now.before(v.fresh) {
		return
	}
	next := *v
	next.fresh = now
	k.view.Store(&next)
}

func (k *keyState) seeLeaseLocked(l lease) {
	switch w := k.work; {
	case l == lease{}:
		w.lease, w.leaseSince = l, 0
	case w.lease != l:
		w.lease, w.leaseSince = l, k.set.now().mono
	}
}

func (k *keyState) endUnsavedLocked() (was bool) {
	u := k.work.unsaved
	if u != nil {
		close(u.over)
		k.work.unsaved = nil
	}
	return u != nil
}

// pause holds the next refresh back.
func (w *work) pause(until, untilForWaiting time.Duration) {
	w.retryAt, w.retrySoon = until, untilForWaiting
}
