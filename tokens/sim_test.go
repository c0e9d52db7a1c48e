package tokens_test

import (
	"cmp"
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The simulation runs whole Managers for hours of fake time, in a synctest bubble, by a seed. It
// assumes
//
//   - of the token endpoint (sim_server_test.go): two regions, each a server of its own. A refresh
//     token works once, and its second use ends the login. A server with grace takes it for some
//     seconds more, and responds with the newest pair. A region may hang, be gone from the DNS,
//     respond with 403, 429, 500, 502, 503, 504 or a page, break off, refuse a good token, and lose
//     a request before or after it has processed it. One request in 50 is lost by itself.
//   - of the API, in the same file: 401 to a token that has ended or was revoked. A refresh does
//     not end the old access token. At times the API rejects good tokens, or one of them.
//   - of the store (sim_store_test.go): each call takes effect at one moment, or not at all. The
//     store may be slow, hang, fail, take no writes, and lose the response to a write. It forgets
//     nothing, and it is no Locker.
//   - of the processes (sim_process_test.go): four replicas, each a Manager with few places and a
//     small cache. A process may be killed, be paused, or stop and start. Its calls are then cut,
//     and new ones wait for the end of the pause. What a Manager computes without a call goes on.
//   - of the clocks, in the same file: monotonic clocks are right, and no machine is suspended.
//     Each wall clock is off by up to two minutes, and may jump.
//   - of the users (sim_world_test.go): they come and go, log in again, log out, use an API, reload
//     what takes long, and repeat the Put of a login. Logins and access tokens are revoked.
//
// Each seed decides which of these happen. What must hold is in sim_check_test.go, where each check
// says what it excuses.
//
// Everything random is a hash of the seed, the moment and what is asked for, and not the next
// number of a sequence. So it does not matter in which order goroutines run at one moment, and a
// seed is repeated exactly. (The cache skips an entry whose mutex is held, which might show a
// difference; it has not.)
//
//	go test ./tokens -run 'TestSimulation$' -v -args -sim-seed=17   one seed, with its trace
//	make simulate SEEDS=1000                                        seeds 1 to 1000
var (
	simSeeds     = flag.Int("sim-seeds", 0, "how many seeds the simulation runs; 0: some")
	simRefreshes = flag.Int("sim-refreshes", 0, "run as many seeds as it takes to see so many refreshes")
	simSeed      = flag.Uint64("sim-seed", 0, "the one seed to run, with its trace")
)

// seedsByDefault take a second of CPU. More run in make test and make simulate.
const seedsByDefault = 2

func TestSimulation(t *testing.T) {
	t.Parallel()
	if *simSeed != 0 {
		s := simulate(t, *simSeed, true)
		t.Log(strings.Join(s.lines(), "\n"))
		report(t, s)
		return
	}
	all := &simRuns{most: cmp.Or(*simSeeds, seedsByDefault)}
	if *simRefreshes > 0 {
		all.most = math.MaxInt
	}
	t.Run("seeds", func(t *testing.T) {
		for n := range runtime.GOMAXPROCS(0) {
			t.Run(fmt.Sprint("worker ", n), func(t *testing.T) {
				t.Parallel()
				for seed, ok := all.next(); ok && !t.Failed(); seed, ok = all.next() {
					s := simulate(t, seed, false)
					all.add(s)
					report(t, s)
				}
			})
		}
	})
	t.Logf("%d seeds: %v", all.runs, all.total)
	assert.Positive(t, all.total.refreshes)
}

// simRuns are the runs of many seeds.
type simRuns struct {
	most int

	mu    sync.Mutex
	begun int
	runs  int
	total simCounts
}

// next returns the next seed, if there is more to do.
func (r *simRuns) next() (seed uint64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.begun == r.most || *simRefreshes > 0 && r.total.refreshes >= *simRefreshes {
		return 0, false
	}
	r.begun++
	return uint64(r.begun), true
}

func (r *simRuns) add(s *sim) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.runs++
	r.total.add(s.counts)
}

// report fails the test for each violation.
func report(t *testing.T, s *sim) {
	for _, v := range s.violations {
		t.Errorf("seed %d: %v\nrun it again with -run %s -args -sim-seed=%d", s.seed, v, t.Name(), s.seed)
	}
}

// TestSimulationRepeatsASeed compares the whole traces of runs with one seed.
func TestSimulationRepeatsASeed(t *testing.T) {
	t.Parallel()
	for seed := uint64(1); seed <= uint64(max(2, *simSeeds/20)); seed++ {
		first, second := simulate(t, seed, true).lines(), simulate(t, seed, true).lines()
		for i := range min(len(first), len(second)) {
			if first[i] != second[i] {
				require.Equal(t, first[max(0, i-3):i+1], second[max(0, i-3):i+1], "seed %d, line %d", seed, i)
			}
		}
		require.Len(t, second, len(first))
		require.Greater(t, len(first), 500)
	}
}

// simulate runs one seed.
func simulate(t *testing.T, seed uint64, tracing bool) (s *sim) {
	t.Helper()
	ended := false
	defer func() {
		if !ended { // a bubble whose goroutines all wait panics, and does not know the seed
			fmt.Fprintf(os.Stderr, "seed %d did not end\n", seed)
		}
	}()
	synctest.Test(t, func(*testing.T) {
		s = newSim(seed, tracing)
		s.run()
	})
	ended = true
	return s
}

// simCounts is what happened in a simulation.
type simCounts struct{ calls, refreshes, lost, loggedOut, wronged int }

func (c *simCounts) add(d simCounts) {
	c.calls += d.calls
	c.refreshes += d.refreshes
	c.lost += d.lost
	c.loggedOut += d.loggedOut
	c.wronged += d.wronged
}

func (c simCounts) String() string {
	return fmt.Sprintf("%d calls, %d refreshes, %d logins lost where law M5 or the store excuses it, %d calls without a login, %d errors after a refusal by mistake",
		c.calls, c.refreshes, c.lost, c.loggedOut, c.wronged)
}

// A trace keeps what happened, if it is on.
type trace struct {
	on  bool
	mu  sync.Mutex
	all []traced
}

type traced struct {
	at   time.Duration
	text string
}

func (t *trace) add(at time.Duration, format string, args ...any) {
	if !t.on {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, traced{at, fmt.Sprintf(format, args...)})
}

// lines returns the trace. What happened at one moment is sorted by its text: goroutines run in any
// order.
func (t *trace) lines() (lines []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.SortStableFunc(t.all, func(a, b traced) int {
		if a.at != b.at {
			return cmp.Compare(a.at, b.at)
		}
		return strings.Compare(a.text, b.text)
	})
	for _, e := range t.all {
		lines = append(lines, fmt.Sprintf("%v %s", e.at, e.text))
	}
	return lines
}
