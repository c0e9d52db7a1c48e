package tokens_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// The model runs two real Managers, replicas over one store, whose user's token has ended, and
// explores how their steps can interleave: every call to the store and every POST is a step that
// begins, and one that ends. At each step it may go on with the same replica, switch to the other
// although the first could go on (so many times in all), or have something go wrong (once).
// Afterwards the login must be alive, except where law M5 promises nothing.

var switches = flag.Int("model-switches", 1, "how often the model takes the turn from a replica that could go on; make test has 2")

const modelLease = 30 * time.Second

// Points at which a replica waits for its turn.
const (
	atLoad    = "load"    // about to read the store
	atLoaded  = "loaded"  // the store has responded
	atSwap    = "swap"    // about to write
	atSwapped = "swapped" // it is written
	atPost    = "post"    // about to send the refresh token
	atAnswer  = "answer"  // the server has given out a new pair
)

// What can go wrong.
const (
	kill      = "kill"       // the process is gone
	pause     = "pause"      // it stands still for two leases
	lose      = "lose"       // the response of the store, or of the server, is lost
	slow      = "slow"       // it stands still for most of the lease
	downShort = "down short" // the store refuses this replica for half a lease
	downLong  = "down long"  // for two
	rollback  = "rollback"   // the store forgets all but the first record
	put       = "put"        // the user logs in again, elsewhere
	del       = "delete"     // the user logs out, elsewhere
)

// faultsAt says what can go wrong at a point.
func faultsAt(point string) []string {
	faults := []string{kill, pause, downShort, downLong, rollback, put, del}
	switch point {
	case atSwap, atSwapped:
		faults = append(faults, lose)
	case atPost:
		faults = append(faults, slow)
	case atAnswer:
		faults = append(faults, lose, slow)
	}
	return faults
}

// mayBeLost says where law M5 gives a login up: when the process ends, or is cut off for longer
// than the lease, between the server's response and our write.
func mayBeLost(fault, point, swapOf string) bool {
	unsaved := point == atAnswer || point == atSwap && swapOf == "save"
	switch fault {
	case kill, pause:
		return unsaved
	case downLong:
		return unsaved || point == atPost
	case lose:
		return point == atAnswer // and the access token has ended: only another try can tell
	}
	return false
}

var errModelKilled = errors.New("this process is dead")

// A step is a replica that waits for its turn.
type step struct {
	point  string
	swapOf string // "lease", "save" or "other", at a swap
	turn   chan error
}

// A world is one run of the model.
type world struct {
	t        *testing.T
	provider *provider
	store    *tokens.Memory
	first    []byte // the first record
	managers [2]*tokens.Manager
	lock     modelLock

	arrived chan struct{}    // has a value after a replica has come to wait for its turn
	calls   [2]chan struct{} // has a value while a replica asks the store: one call at a time

	mu      sync.Mutex
	pending [2]*step
	dead    [2]bool
	paused  [2]time.Time
	down    [2]time.Time
	posted  [2]bool // has the newest pair, or had
	free    bool    // nobody waits any more

	choices []int // to be repeated
	options []int // how many there were
	fault   string
	faultAt string
	swapOf  string
	knew    bool // the sender of a refresh token after a rollback had made the write that was forgotten
}

const user = "user"

func newWorld(t *testing.T, choices []int, locks bool) *world {
	w := &world{t: t, provider: newProvider(), store: new(tokens.Memory), choices: choices, arrived: make(chan struct{}, 1)}
	w.provider.takes = 0
	setup := newManager(w.provider.config(), w.store, nil)
	token := w.provider.login(user)
	token.Expiry = time.Now().Add(-time.Minute)
	require.NoError(t, setup.Put(t.Context(), user, token))
	require.NoError(t, setup.Close())
	w.first, _ = w.store.Load(t.Context(), user)
	for r := range w.managers {
		w.calls[r] = make(chan struct{}, 1)
		config := w.provider.config()
		config.HTTPClient = &http.Client{Transport: modelTransport{w, r}}
		var store tokens.Store = modelStore{w, r}
		if locks {
			store = lockingStore{modelStore{w, r}}
		}
		w.managers[r] = newManager(config, store, &tokens.Options{Lease: modelLease})
	}
	return w
}

// wait is where a replica waits for its turn. Its error is what the step comes to.
func (w *world) wait(r int, point, swapOf string) error {
	w.mu.Lock()
	if w.dead[r] {
		w.mu.Unlock()
		return errModelKilled
	}
	if time.Now().Before(w.down[r]) && point != atPost && point != atAnswer {
		w.mu.Unlock()
		return errors.New("the store is down")
	}
	if w.free {
		w.mu.Unlock()
		return nil
	}
	s := &step{point, swapOf, make(chan error, 1)}
	w.pending[r] = s
	w.mu.Unlock()
	select {
	case w.arrived <- struct{}{}:
	default:
	}
	return <-s.turn
}

type modelStore struct {
	w *world
	r int
}

// enter waits for the call before, as a client with one connection does.
func (s modelStore) enter(ctx context.Context) (leave func(), err error) {
	select {
	case s.w.calls[s.r] <- struct{}{}:
		return func() { <-s.w.calls[s.r] }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s modelStore) Load(ctx context.Context, key string) ([]byte, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := s.w.wait(s.r, atLoad, ""); err != nil {
		return nil, err
	}
	value, err := s.w.store.Load(ctx, key)
	if err := s.w.wait(s.r, atLoaded, ""); err != nil {
		return nil, err
	}
	return value, err
}

func (s modelStore) CompareAndSwap(ctx context.Context, key string, old, new []byte) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	swapOf := "other"
	switch leased := func(v []byte) bool { return strings.Contains(string(v), `"lease"`) }; {
	case leased(new):
		swapOf = "lease"
	case leased(old):
		swapOf = "save"
	}
	if err := s.w.wait(s.r, atSwap, swapOf); err != nil {
		return err
	}
	err = s.w.store.CompareAndSwap(ctx, key, old, new)
	if lost := s.w.wait(s.r, atSwapped, swapOf); lost != nil {
		return lost
	}
	return err
}

// lockingStore is a Locker, too.
type lockingStore struct{ modelStore }

func (s lockingStore) Lock(ctx context.Context, key string) (unlock func(), err error) {
	if err := s.w.lock.take(ctx, s.r); err != nil {
		return nil, err
	}
	return func() { s.w.lock.free(s.r) }, nil
}

// A modelLock is freed by its owner, or by the end of its owner's process.
type modelLock struct {
	mu    sync.Mutex
	owner int           // 1 or 2; 0: nobody
	freed chan struct{} // closed when it is free again
}

func (l *modelLock) take(ctx context.Context, r int) error {
	for {
		l.mu.Lock()
		if l.owner == 0 {
			l.owner, l.freed = r+1, make(chan struct{})
			l.mu.Unlock()
			return nil
		}
		freed := l.freed
		l.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *modelLock) free(r int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.owner == r+1 {
		l.owner = 0
		close(l.freed)
	}
}

type modelTransport struct {
	w *world
	r int
}

func (t modelTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.w.wait(t.r, atPost, ""); err != nil {
		return nil, err
	}
	if err := req.Context().Err(); err != nil {
		return nil, err // the deadline came while it stood still
	}
	resp, err := t.w.provider.RoundTrip(req)
	if err == nil && t.w.fault == rollback && t.w.posted[t.r] {
		t.w.knew = true
	}
	t.w.posted[t.r] = true
	if err := errors.Join(t.w.wait(t.r, atAnswer, ""), req.Context().Err()); err != nil {
		return nil, err
	}
	return resp, err
}

// A choice is what the model does next.
type choice struct {
	replica int
	fault   string
}

// choose takes the next choice of those that are to be repeated, and the first when there are no
// more.
func (w *world) choose(from []choice) choice {
	n := len(w.options)
	w.options = append(w.options, len(from))
	if n < len(w.choices) {
		return from[min(w.choices[n], len(from)-1)]
	}
	return from[0]
}

// explore lets both replicas ask for the token, and does one step after the other until both have
// their result.
func (w *world) explore() {
	var callers sync.WaitGroup
	for _, m := range w.managers {
		callers.Go(func() { _, _ = m.Token(context.Background(), user) })
	}
	answered := make(chan struct{})
	go func() { callers.Wait(); close(answered) }()
	current, switched, most := 0, 0, *switches
	for began := time.Now(); ; {
		synctest.Wait()
		select {
		case <-answered:
			return
		default:
		}
		if time.Since(began) > time.Hour { // require.Less would take a fifth of the test's time
			require.FailNow(w.t, "it hangs", "choices %v", w.choices)
		}
		from, switchable := w.turns(current, switched < most)
		if len(from) == 0 {
			w.awaitStep(answered)
			continue
		}
		next := w.choose(from)
		if next.replica != current {
			if switchable {
				switched++
			}
			current = next.replica
		}
		w.do(next)
	}
}

// tick is how far apart the moments are at which the model looks for a replica that can go on. Two
// that arrive within it can both have the turn.
const tick = 10 * time.Millisecond

// awaitStep returns at the first tick after a replica has arrived or a pause has ended.
func (w *world) awaitStep(answered chan struct{}) {
	w.mu.Lock()
	pause := time.Hour
	for _, until := range w.paused {
		if left := time.Until(until); left > 0 {
			pause = min(pause, left)
		}
	}
	w.mu.Unlock()
	began, timer := time.Now(), time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-w.arrived:
	case <-answered:
	case <-timer.C:
	}
	time.Sleep(tick - time.Since(began)%tick)
}

// turns returns the choices there are: first to go on. switchable reports that taking another
// replica costs a switch.
func (w *world) turns(current int, mayTakeTurn bool) (from []choice, switchable bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ready := func(r int) bool { return w.pending[r] != nil && !time.Now().Before(w.paused[r]) }
	switchable = ready(current)
	replicas := []int{current, 1 - current}
	for i, r := range replicas {
		if !ready(r) || i == 1 && switchable && !mayTakeTurn {
			continue
		}
		from = append(from, choice{replica: r})
		if w.fault == "" && (i == 0 || !switchable) {
			for _, fault := range faultsAt(w.pending[r].point) {
				from = append(from, choice{r, fault})
			}
		}
	}
	return from, switchable
}

// do lets a replica take its step, or has something go wrong with it.
func (w *world) do(c choice) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.pending[c.replica]
	if c.fault != "" {
		w.fault, w.faultAt, w.swapOf = c.fault, s.point, s.swapOf
	}
	switch c.fault {
	case pause:
		w.paused[c.replica] = time.Now().Add(2 * modelLease)
		return
	case slow:
		w.paused[c.replica] = time.Now().Add(modelLease * 4 / 5)
		return
	case rollback:
		w.change(w.first)
		return
	case put:
		w.loginAgain()
		return
	case del:
		w.change(nil)
		return
	}
	w.pending[c.replica] = nil
	var err error
	switch c.fault {
	case kill:
		w.dead[c.replica] = true
		w.lock.free(c.replica)
		err = errModelKilled
	case lose:
		err = errors.New("the store's response was lost")
	case downShort, downLong:
		w.down[c.replica] = time.Now().Add(map[string]time.Duration{downShort: modelLease / 2, downLong: 2 * modelLease}[c.fault])
		if s.point != atPost && s.point != atAnswer {
			err = errors.New("the store is down")
		}
	}
	s.turn <- err
}

// change writes past all replicas.
func (w *world) change(value []byte) {
	ctx := context.Background()
	now, err := w.store.Load(ctx, user)
	if err == nil {
		require.NoError(w.t, w.store.CompareAndSwap(ctx, user, now, value))
	}
}

func (w *world) loginAgain() {
	m := newManager(w.provider.config(), w.store, nil)
	require.NoError(w.t, m.Put(context.Background(), user, w.provider.login("again")))
	require.NoError(w.t, m.Close())
}

// settle lets everybody finish and time pass, and returns what a process gets that starts then.
func (w *world) settle() (last *csoauth.Token, err error) {
	w.mu.Lock()
	w.free = true
	for r, s := range w.pending {
		if w.pending[r] = nil; s != nil {
			s.turn <- nil
		}
	}
	w.mu.Unlock()
	time.Sleep(10 * time.Minute) // unsaved pairs are saved
	for r, m := range w.managers {
		if !w.dead[r] {
			_, _ = m.Token(context.Background(), user)
		}
	}
	for _, m := range w.managers {
		_ = m.Close() // a dead one's stands in for the end of its process
	}
	for range 2 {
		time.Sleep(2 * time.Hour)
		m := newManager(w.provider.config(), w.store, nil)
		last, err = m.Token(context.Background(), user)
		require.NoError(w.t, m.Close())
	}
	return last, err
}

// outcome is where a run went wrong first, for the table.
func (w *world) outcome() string {
	switch {
	case w.fault == "":
		return "nothing goes wrong"
	case w.swapOf != "":
		return fmt.Sprintf("%s at %s of the %s", w.fault, w.faultAt, w.swapOf)
	}
	return fmt.Sprintf("%s at %s", w.fault, w.faultAt)
}

// Law: M2
func TestEveryInterleavingKeepsTheLogin(t *testing.T) {
	t.Parallel()
	for _, locks := range []bool{false, true} {
		t.Run(fmt.Sprintf("locks=%t", locks), func(t *testing.T) {
			t.Parallel()
			exploreAll(t, locks)
		})
	}
}

func exploreAll(t *testing.T, locks bool) {
	type count struct{ runs, lost int }
	table := map[string]*count{}
	var choices []int
	for run := 0; ; run++ {
		var w *world
		synctest.Test(t, func(t *testing.T) {
			w = newWorld(t, choices, locks)
			w.explore()
			last, err := w.settle()
			row := table[w.outcome()]
			if row == nil {
				row = new(count)
				table[w.outcome()] = row
			}
			row.runs++
			switch {
			case w.fault == del:
				require.ErrorIs(t, err, tokens.ErrNotFound, "choices %v", choices)
				return
			case w.fault == put:
				require.NoError(t, err, "choices %v: the new login is not alive", choices)
				require.Equal(t, "again", last.UserUID, "choices %v: the old login has won over the new one", choices)
				return
			case err == nil:
				return
			}
			row.lost++
			require.ErrorIs(t, err, csoauth.ErrLoginRequired, "choices %v", choices)
			allowed := mayBeLost(w.fault, w.faultAt, w.swapOf) || w.fault == rollback && !w.knew
			assert.True(t, allowed, "a login is lost: %s; choices %v", w.outcome(), choices)
		})
		if t.Failed() {
			break
		}
		if choices = next(w.choices, w.options); choices == nil {
			t.Logf("%d runs", run+1)
			break
		}
	}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		t.Logf("%-40s %5d runs, %4d lost", name, table[name].runs, table[name].lost)
	}
	// A model that loses nothing where nothing is promised would not look.
	assert.Positive(t, table["kill at answer"].lost)
}

// next returns the choices after those, in the order of a tree's leaves, or nil after the last.
func next(choices, options []int) []int {
	path := make([]int, len(options))
	copy(path, choices)
	for i := len(path) - 1; i >= 0; i-- {
		if path[i]+1 < options[i] {
			path[i]++
			return path[:i+1]
		}
	}
	return nil
}
