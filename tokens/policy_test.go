package tokens

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

// These tests are inside the package: what they try are pure functions, which nobody outside calls.

// hourly is a token that came just now and lives for an hour: 10 minutes soft, 30 s hard, 10 s
// margin.
func hourly(change func(*snapshot)) snapshot {
	s := snapshot{known: true, renews: true, left: time.Hour, lifetime: time.Hour, windows: windowsOf(time.Hour, defaultSoft, 0)}
	change(&s)
	return s
}

// leftOf is what is left of an hourly token, and its age.
func leftOf(left time.Duration) func(*snapshot) {
	return func(s *snapshot) { s.left, s.age = left, s.lifetime-left }
}

// Law: M6, M8
func TestPolicy(t *testing.T) {
	for name, row := range map[string]struct {
		snapshot
		valid, due, waits bool
		fresh             time.Duration
	}{
		"nothing is known": {snapshot{}, false, false, true, 0},

		// Law M8: when a token is refreshed, and who waits.
		"just came":                      {hourly(leftOf(time.Hour)), true, false, false, 50 * time.Minute},
		"before the soft window":         {hourly(leftOf(11 * time.Minute)), true, false, false, time.Minute},
		"in the soft window":             {hourly(leftOf(9 * time.Minute)), true, true, false, 0},
		"in the hard window":             {hourly(leftOf(20 * time.Second)), true, true, true, 0},
		"in the margin":                  {hourly(leftOf(9 * time.Second)), false, true, true, 0},
		"ended":                          {hourly(leftOf(-time.Second)), false, true, true, 0},
		"ended, without a refresh token": {hourly(func(s *snapshot) { s.left, s.renews = 0, false }), false, false, true, 0},
		"near its end, without a refresh token": {hourly(func(s *snapshot) { s.left, s.renews = 20*time.Second, false }),
			true, false, false, 10 * time.Second},
		"a refresh failed: a pause": {hourly(func(s *snapshot) { s.left, s.retryIn, s.retrySoon = time.Minute, time.Hour, time.Second }),
			true, false, false, 50 * time.Second},
		"a refresh failed, and a caller has none": {hourly(func(s *snapshot) { s.left, s.retryIn, s.retrySoon = 0, time.Hour, time.Second }),
			false, false, true, 0},

		// Law M11: a login that was not looked at for long is looked at before it is served.
		"stale": {hourly(func(s *snapshot) { s.stale = true }), true, false, true, 50 * time.Minute},

		// Law M6: what may be spent is not sent while a token is left.
		"a response was lost":                 {hourly(func(s *snapshot) { s.left, s.age, s.lost = 9*time.Minute, 51*time.Minute, true }), true, false, false, 9*time.Minute - 10*time.Second},
		"a response was lost, near the end":   {hourly(func(s *snapshot) { s.left, s.age, s.lost = 20*time.Second, time.Hour, true }), true, false, false, 10 * time.Second},
		"a response was lost, and it is over": {hourly(func(s *snapshot) { s.left, s.age, s.lost = 0, time.Hour, true }), false, true, true, 0},

		// Law M9: a rejected token is refreshed at once, but not one that came for that reason.
		"rejected":                     {hourly(func(s *snapshot) { s.rejected = true }), false, true, true, 0},
		"rejected, and just came so":   {hourly(func(s *snapshot) { s.rejected, s.justForced = true, true }), false, false, true, 0},
		"rejected, and refreshed once": {hourly(func(s *snapshot) { s.rejected, s.retrySoon = true, time.Minute }), false, false, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, row.valid, row.snapshot.valid(), "valid")
			assert.Equal(t, row.due, row.snapshot.due(), "due")
			assert.Equal(t, row.waits, row.callerWaits(), "waits")
			assert.Equal(t, row.fresh, row.freshFor(), "fresh")
		})
	}
}

// snapshots yields every snapshot whose parts are on, or beside, a bound.
func snapshots() iter.Seq[snapshot] {
	beside := func(bounds ...time.Duration) (all []time.Duration) {
		for _, b := range bounds {
			all = append(all, b-1, b, b+1)
		}
		return all
	}
	flags := []bool{false, true}
	return func(yield func(snapshot) bool) {
		for _, lifetime := range []time.Duration{0, time.Minute, time.Hour, forever} {
			for _, phase := range []float64{0, 0.999} {
				w := windowsOf(lifetime, defaultSoft, phase)
				for _, left := range beside(0, w.margin, w.hard, w.soft, lifetime) {
					for _, age := range append(beside(min(minPause, lifetime/2)), 0, lifetime-left) {
						for _, retry := range []time.Duration{-1, 0, 1} {
							for _, soon := range []time.Duration{-1, 0, 1} {
								for bits := range 1 << 8 {
									flag := func(n int) bool { return flags[bits>>n&1] }
									if !yield(snapshot{
										known: true, renews: flag(0), left: left, age: age, lifetime: lifetime, windows: w,
										rejected: flag(1), justForced: flag(2), lost: flag(3), underWay: flag(4), refused: flag(5),
										retryIn: retry, retrySoon: min(retry, soon), lookIn: map[bool]time.Duration{true: time.Duration(bits >> 7)}[flag(6)],
									}) {
										return
									}
								}
							}
						}
					}
				}
			}
		}
	}
}

// TestPolicyKeepsTheLaws holds every decision against the laws, written as predicates; with the
// race detector a tenth of them.
func TestPolicyKeepsTheLaws(t *testing.T) {
	laws := map[string]func(s snapshot) bool{
		"M1: a caller without a valid token waits, or gets an error": func(s snapshot) bool { return s.callerWaits() || s.valid() },
		"M6: what may be spent is not sent while a token is left": func(s snapshot) bool {
			return !s.lost || !s.valid() || !s.due()
		},
		"M7: nobody with a valid token gets an error":                func(s snapshot) bool { return !s.fails() || !s.valid() },
		"M8: an error is remembered only while no refresh is due":    func(s snapshot) bool { return !s.fails() || !s.due() && s.lookIn > 0 && !s.underWay },
		"M8: nobody waits with a valid token before the hard window": func(s snapshot) bool { return !s.valid() || s.left <= s.windows.hard || !s.callerWaits() },
		"M11: a caller waits for a look that is long overdue":        func(s snapshot) bool { s.stale = true; return s.callerWaits() },
		"M8: a pause holds the next refresh back":                    func(s snapshot) bool { return !s.due() || s.retrySoon <= 0 && (!s.valid() || s.retryIn <= 0) },
		"M8: one refresh in half a minute, unless a 401 forces it": func(s snapshot) bool {
			return !s.due() || s.rejected && !s.justForced || s.age >= min(minPause, s.lifetime/2)
		},
		"M8: no refresh before the soft window, unless a 401 forces": func(s snapshot) bool { return !s.due() || s.rejected && !s.justForced || s.left <= s.windows.soft },
		"M9: a rejected token is not handed out":                     func(s snapshot) bool { return !s.rejected || !s.valid() && s.freshFor() == 0 },
		"M9: a rejected token is looked up before an error":          func(s snapshot) bool { return !s.fails() || !s.rejected || s.refused },
		"M10: a hit serves what is valid, for as long as it is": func(s snapshot) bool {
			return s.freshFor() == 0 || s.valid() && s.freshFor() <= s.left-s.windows.margin
		},
		"M10: a hit asks when a refresh is due":                      func(s snapshot) bool { return s.freshFor() <= s.dueIn() },
		"M11: a token is over a margin before its end":               func(s snapshot) bool { return !s.valid() || s.left > s.windows.margin },
		"without a refresh token there is no refresh":                func(s snapshot) bool { return s.renews || !s.due() },
		"what is due is due at once, and what is not is due in time": func(s snapshot) bool { return s.dueIn() >= 0 && s.due() == (s.dueIn() == 0) },
	}
	n := 0
	for s := range snapshots() {
		if n++; RaceDetector && n%10 != 0 {
			continue
		}
		for law, holds := range laws {
			if !holds(s) {
				require.Fail(t, law, "%+v", s)
			}
		}
	}
	t.Logf("%d snapshots", n)
	assert.Greater(t, n, 100_000)
}

// Law: M8
func TestWindows(t *testing.T) {
	for _, lifetime := range []time.Duration{0, 1, time.Second, time.Minute, time.Hour, 24 * time.Hour, forever} {
		for _, soft := range []time.Duration{1, time.Minute, defaultSoft, 24 * time.Hour} {
			for _, phase := range []float64{0, 0.5, 0.999} {
				w := windowsOf(lifetime, soft, phase)
				assert.LessOrEqual(t, w.margin, w.hard)
				assert.LessOrEqual(t, w.hard, w.soft)
				assert.LessOrEqual(t, w.soft, max(w.hard, lifetime/4))
				assert.LessOrEqual(t, w.hard, max(w.margin, lifetime/10))
				assert.LessOrEqual(t, w.margin, min(maxMargin, lifetime/30))
			}
		}
	}
	for _, row := range []struct {
		lifetime, soft time.Duration
		phase          float64
		want           windows
	}{
		{time.Hour, defaultSoft, 0, windows{10 * time.Minute, 30 * time.Second, 10 * time.Second}},
		{time.Hour, defaultSoft, 1, windows{5*time.Minute + 15*time.Second, 30 * time.Second, 10 * time.Second}},
		{time.Hour, 24 * time.Hour, 0, windows{15 * time.Minute, 30 * time.Second, 10 * time.Second}},
		{24 * time.Hour, 24 * time.Hour, 0, windows{6 * time.Hour, 30 * time.Second, 10 * time.Second}},
		{time.Minute, defaultSoft, 0, windows{15 * time.Second, 6 * time.Second, 2 * time.Second}},
		{3 * time.Second, defaultSoft, 0, windows{750 * time.Millisecond, 300 * time.Millisecond, 100 * time.Millisecond}},
	} {
		assert.Equal(t, row.want, windowsOf(row.lifetime, row.soft, row.phase), "%v, %v", row.lifetime, row.soft)
	}
}

// TestNext: each law of a flight, as rows of what is known and what comes next.
//
// Law: M3, M6
func TestNext(t *testing.T) {
	looked := func(left time.Duration, change func(*snapshot)) snapshot {
		s := hourly(leftOf(left))
		s.ownLease = 30 * time.Second
		change(&s)
		return s
	}
	asIs := func(*snapshot) {}
	anothers := lease{id: "another's", length: time.Minute}
	held := func(s *snapshot) { s.lease = anothers }
	leftOver := func(s *snapshot) { s.lease, s.leaseAge = anothers, time.Minute }
	locked := func(s *snapshot) { s.lease = lease{id: "another's", length: time.Minute, locked: true} }
	const near, over = 20 * time.Second, -time.Second // in the hard window, and ended
	for name, row := range map[string]struct {
		snapshot
		want step
	}{
		// Law M2: a look comes first, unless there is one that is fresh.
		"nothing was looked at":       {snapshot{lookAge: forever}, look},
		"a refresh is due":            {looked(near, func(s *snapshot) { s.lookAge = forever }), look},
		"the look is a second old":    {looked(near, func(s *snapshot) { s.lookAge = time.Second }), refresh},
		"the look is older":           {looked(near, func(s *snapshot) { s.lookAge = time.Second + 1 }), look},
		"the store has no login":      {snapshot{}, fail},
		"valid, and nothing is due":   {looked(time.Hour, asIs), serve},
		"ended, and a pause runs":     {looked(over, func(s *snapshot) { s.retrySoon = time.Second }), fail},
		"valid, and no refresh token": {looked(near, func(s *snapshot) { s.renews = false }), serve},
		"ended, and no refresh token": {looked(over, func(s *snapshot) { s.renews = false }), fail},

		// Law M3: while another process has a lease, nobody else sends the refresh token.
		"another's lease":                                 {looked(near, held), waitForHolder},
		"another's lease, and ended":                      {looked(over, held), waitForHolder},
		"another's lease, and nothing is due":             {looked(time.Hour, held), serve},
		"seen until just before its end":                  {looked(over, func(s *snapshot) { held(s); s.leaseAge = time.Minute - 1 }), waitForHolder},
		"seen to its end":                                 {looked(over, leftOver), takeOver},
		"shorter than ours, seen to its end":              {looked(over, func(s *snapshot) { leftOver(s); s.ownLease = time.Hour }), waitForHolder},
		"our own, of an attempt that is over":             {looked(over, func(s *snapshot) { held(s); s.leaseIsOurs = true }), refresh},
		"the lock was not asked for":                      {looked(over, func(s *snapshot) { locked(s); s.lock = lockUnasked }), refresh},
		"the lock proves the holder gone":                 {looked(over, func(s *snapshot) { locked(s); s.lock = lockHeld }), refresh},
		"seen to its end, and locked":                     {looked(over, func(s *snapshot) { locked(s); s.leaseAge, s.lock = time.Minute, noLock }), takeOver},
		"the lock may prove the holder gone":              {looked(over, func(s *snapshot) { locked(s); s.leaseAge, s.lock = time.Minute, lockUnasked }), refresh},
		"a takeover, announced long enough ago":           {looked(over, func(s *snapshot) { leftOver(s); s.leaseIsAnnounced, s.tookOver = true, true }), refresh},
		"a takeover, announced by an attempt that failed": {looked(over, func(s *snapshot) { held(s); s.leaseIsAnnounced = true }), takeOver},
		"the lock proves nothing of the holder":           {looked(over, func(s *snapshot) { held(s); s.lock = lockHeld }), waitForHolder},
		"the lock was not to be had":                      {looked(over, func(s *snapshot) { locked(s) }), waitForHolder},

		// Law M4: what only memory has is saved before anything else.
		"unsaved":                  {looked(time.Hour, func(s *snapshot) { s.unsaved = true }), saveFirst},
		"unsaved, and looked at":   {looked(over, func(s *snapshot) { s.unsaved, s.lookAge = true, 0 }), saveFirst},
		"unsaved, under our lease": {looked(near, func(s *snapshot) { held(s); s.leaseIsOurs, s.unsaved = true, true }), saveFirst},

		// Law M6: what may be spent is not sent while the access token is valid.
		"another's left over, and valid": {looked(near, leftOver), holdBack},
		"a response was lost":            {looked(near, func(s *snapshot) { s.lost = true }), serve},
		"a response was lost, and ended": {looked(over, func(s *snapshot) { s.lost = true }), refresh},

		// Law M9: a rejected token is not kept, and others may bring a better one.
		"rejected":                             {looked(time.Hour, func(s *snapshot) { s.rejected = true }), refresh},
		"rejected, and just came so":           {looked(time.Hour, func(s *snapshot) { s.rejected, s.justForced = true, true }), fail},
		"rejected so, and another has a lease": {looked(time.Hour, func(s *snapshot) { held(s); s.rejected, s.justForced = true, true }), waitForHolder},
	} {
		assert.Equal(t, row.want, next(row.snapshot), name)
	}
}

// TestNextKeepsTheLaws tries every combination within small bounds; with the race detector a tenth
// of them.
//
// Law: M3
func TestNextKeepsTheLaws(t *testing.T) {
	sends := func(s step) bool { return s == refresh || s == takeOver }
	laws := map[string]func(s snapshot, do step) bool{
		"M2: nothing is decided without a fresh look": func(s snapshot, do step) bool { return s.lookAge <= freshLook || do == look || do == saveFirst },
		"M3: nobody sends under another's lease": func(s snapshot, do step) bool {
			return !sends(do) || !s.isHeld() || s.lock == lockUnasked
		},
		"M3: one waits only for what is wanted":              func(s snapshot, do step) bool { return do != waitForHolder || s.isHeld() && (s.due() || s.rejected) },
		"M4: what is unsaved is saved first":                 func(s snapshot, do step) bool { return (do == saveFirst) == s.unsaved },
		"M6: what may be spent is not sent while it is good": func(s snapshot, do step) bool { return !sends(do) || !s.valid() || !s.lost && !s.isLeftOver() },
		"M7: a valid token is not withheld":                  func(s snapshot, do step) bool { return do != fail || !s.valid() },
		"M8: only what is due is sent":                       func(s snapshot, do step) bool { return !sends(do) && do != holdBack || s.due() },
		"M9: a rejected token is not served":                 func(s snapshot, do step) bool { return do != serve && do != holdBack || s.valid() },
		"M3: a holder has time to save, unless it is proven gone": func(s snapshot, do step) bool {
			return do != refresh || !s.isLeftOver() || s.tookOver || s.lease.locked && s.lock != noLock
		},
	}
	leases := []struct {
		lease                       lease
		isOurs, announced, tookOver bool
		age                         time.Duration
	}{
		{},
		{lease: lease{id: "L", length: time.Minute}, isOurs: true},
		{lease: lease{id: "L", length: time.Minute}, announced: true},
		{lease: lease{id: "L", length: time.Minute}, announced: true, tookOver: true},
		{lease: lease{id: "L", length: time.Minute}, age: time.Minute - 1},
		{lease: lease{id: "L", length: time.Minute}, age: time.Minute},
		{lease: lease{id: "L", length: time.Minute, locked: true}, age: time.Minute - 1},
		{lease: lease{id: "L", length: time.Minute, locked: true}, age: time.Minute},
	}
	n, count := 0, map[step]int{}
	for s := range snapshots() {
		if s.lifetime != time.Hour || s.windows != windowsOf(time.Hour, defaultSoft, 0) || s.underWay || s.lookIn > 0 {
			continue // the same decisions for other windows, and what a flight does not ask
		}
		if n++; RaceDetector && n%10 != 0 {
			continue
		}
		for _, s.unsaved = range []bool{false, true} {
			for _, s.lookAge = range []time.Duration{freshLook, freshLook + 1} {
				for _, s.lock = range []lockState{noLock, lockUnasked, lockHeld} {
					for _, of := range leases {
						s.lease, s.leaseIsOurs, s.leaseAge = of.lease, of.isOurs, of.age
						s.leaseIsAnnounced, s.tookOver = of.announced, of.tookOver
						if (s.unsaved || s.lookAge > freshLook) && (s.lock != noLock || s.lease != lease{}) {
							continue // neither decides anything then
						}
						do := next(s)
						count[do]++
						for law, holds := range laws {
							if !holds(s, do) {
								require.Fail(t, law, "%s: %+v", do, s)
							}
						}
					}
				}
			}
		}
	}
	t.Log(count)
	assert.Len(t, count, 8, "each step is some snapshot's")
}

// TestBackoff: law M8.
//
// Law: M8
func TestBackoff(t *testing.T) {
	asks := func(d time.Duration) error { return &csoauth.Error{StatusCode: 429, RetryAfter: d} }
	for name, row := range map[string]struct {
		n        int
		err      error
		low, top time.Duration
	}{
		"first":                    {1, nil, time.Second, 2 * time.Second},
		"second":                   {2, nil, 2 * time.Second, 4 * time.Second},
		"last that grows":          {8, nil, 128 * time.Second, 256 * time.Second},
		"from then on":             {9, nil, 150 * time.Second, 5 * time.Minute},
		"for ever":                 {math.MaxInt, nil, 150 * time.Second, 5 * time.Minute},
		"the server asks for more": {1, asks(time.Hour), time.Hour, 66 * time.Minute},
		"the server asks for less": {9, asks(time.Second), 150 * time.Second, 5 * time.Minute},
	} {
		assert.Equal(t, row.low, min(backoff(row.n, row.err, 0), backoff(row.n, row.err, 1)), name)
		assert.Equal(t, row.top, max(backoff(row.n, row.err, 0), backoff(row.n, row.err, 1)), name)
	}
}

// TestWasLost: law M6. What says that it processed nothing leaves nothing open, and a gateway may
// not know.
//
// Law: M6
func TestWasLost(t *testing.T) {
	answer := func(status int) error { return &csoauth.Error{StatusCode: status} }
	for name, row := range map[string]struct {
		err  error
		want bool
	}{
		"connection reset":            {errors.New("connection reset by peer"), true},
		"never sent":                  {fmt.Errorf("%w: connection refused", csoauth.ErrNotSent), false},
		"refused":                     {csoauth.ErrLoginRequired, false},
		"200 and rubbish":             {answer(200), true},
		"302":                         {answer(302), false},
		"403 of a firewall":           {answer(403), false},
		"429":                         {answer(429), false},
		"500":                         {answer(500), false},
		"502 of a gateway":            {answer(502), true},
		"503":                         {answer(503), false},
		"504 of a gateway":            {answer(504), true},
		"cut after the refresh token": {&csoauth.Error{StatusCode: 200, Token: &csoauth.Token{}}, false},
		"502 with a refresh token":    {&csoauth.Error{StatusCode: 502, Token: &csoauth.Token{}}, false},
	} {
		assert.Equal(t, row.want, wasLost(row.err), name)
	}
}
