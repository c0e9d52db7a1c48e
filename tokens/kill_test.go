package tokens_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/atomicfile"
	"github.com/contentstack/csoauth/tokens"
)

// More kills than by default: go test ./tokens -run Kill -v -args -kills=500 -random-kills=5000
var (
	kills       = flag.Int("kills", 2, "how many processes die at each point of a refresh")
	randomKills = flag.Int("random-kills", 60, "how many processes are killed at a random moment")
)

// A killPoint is where in a refresh a process dies, and what it leaves behind.
type killPoint struct {
	name   string
	at     moment
	front  string // the front kills instead, "before" or "after" it has the POST processed
	leased bool   // the record bears the lease
	posts  int    // requests to the token endpoint
	lost   bool   // law M5: the server has traded the refresh token, and the new pair is not in the directory
}

// A moment is when a process kills itself: when something has happened so often.
type moment struct {
	What string // "load", "swap" or "answer", each when it has returned, or a step of atomicfile
	Nth  int
}

// killPoints are in order. The first swap of a refresh is the lease's, the second that of the new
// pair.
var killPoints = []killPoint{
	{name: "after the first Load", at: moment{"load", 1}},
	{name: "lease: temporary file written", at: moment{"written", 1}},
	{name: "lease: before rename", at: moment{"before rename", 1}},
	{name: "lease: after rename", at: moment{"after rename", 1}, leased: true},
	{name: "after the lease", at: moment{"swap", 1}, leased: true},
	{name: "POST sent, not processed", front: "before", leased: true, posts: 1},
	{name: "POST processed, answer not read", front: "after", leased: true, posts: 1, lost: true},
	{name: "after the answer", at: moment{"answer", 1}, leased: true, posts: 1, lost: true},
	{name: "save: temporary file written", at: moment{"written", 2}, leased: true, posts: 1, lost: true},
	{name: "save: before rename", at: moment{"before rename", 2}, leased: true, posts: 1, lost: true},
	{name: "save: after rename", at: moment{"after rename", 2}, posts: 1},
	{name: "after the save", at: moment{"swap", 2}, posts: 1},
}

// Law: M5
func TestKillAtEachPointOfARefresh(t *testing.T) {
	t.Parallel()
	var table killTable
	t.Run("points", func(t *testing.T) {
		for _, point := range killPoints {
			count := table.row(point.name)
			t.Run(point.name, func(t *testing.T) {
				t.Parallel()
				s := newKillSite(t, 1)
				for range rounds(*kills) {
					s.killAt(t, point)
					s.aftermath(t, count)
					s.expireAll(t)
				}
			})
		}
	})
	t.Log(&table)
}

// killAt has a process refresh the one key and die at point, and checks that it did.
func (s *killSite) killAt(t *testing.T, point killPoint) {
	t.Helper()
	before := s.front.count()
	p := startProcess(t, "kill-at")
	if point.front != "" {
		s.front.killWhen(point.front, p.kill)
	}
	p.tell(killPlan{s.site(), point.at})
	p.wait()
	s.front.quiet(t)
	rec := readStoredOf(t, s.dir, s.keys[0])
	require.Equal(t, point.leased, rec.lease != "", "the record bears the lease")
	require.Equal(t, point.posts, s.front.count()-before, "requests to the token endpoint")
	require.Equal(t, point.lost, s.front.spent(rec.token.RefreshToken), "the refresh token in the directory is spent")
}

// Law: M5
func TestKillAtRandomMoments(t *testing.T) {
	t.Parallel()
	const sites = 4
	var table killTable
	t.Run("sites", func(t *testing.T) {
		for i := range sites {
			count := table.row(fmt.Sprintf("at random, site %d", i+1))
			t.Run(count.name, func(t *testing.T) {
				t.Parallel()
				s := newKillSite(t, 4)
				for range rounds((*randomKills + sites - 1) / sites) {
					s.killSometime(t)
					s.aftermath(t, count)
				}
			})
		}
	})
	t.Log(&table)
}

// killSometime has a process refresh all keys, again and again, and kills it within 50 ms.
func (s *killSite) killSometime(t *testing.T) {
	t.Helper()
	p := startProcess(t, "kill-busy")
	p.tell(s.site())
	var refreshes bool
	p.hear(&refreshes)
	time.Sleep(rand.N(50 * time.Millisecond)) // not to wait for anything: the moment is what is random
	p.kill()
	p.wait()
	s.front.quiet(t)
}

// A killPlan is what a process that is to die is told.
type killPlan struct {
	Site processSite
	At   moment
}

// killSelf is SIGKILL, or what comes nearest: nothing of this process runs after it.
func killSelf() {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic(err)
	}
	select {}
}

// childDiesAt refreshes one key and kills itself on the way.
func childDiesAt() {
	var plan killPlan
	toldToProcess(&plan)
	at := func(what string, n int) {
		if plan.At == (moment{what, n}) {
			killSelf()
		}
	}
	steps := map[string]int{}
	atomicfile.Step = func(name string) {
		steps[name]++
		at(name, steps[name])
	}
	store := &hooked{Store: plan.Site.Dir}
	store.loaded = func(n int, _ string) error {
		at("load", n)
		return nil
	}
	store.swapped = func(n int, _ string, err error) error {
		at("swap", n)
		return err
	}
	refresh := func(ctx context.Context, t *csoauth.Token) (*csoauth.Token, error) {
		renewed, err := plan.Site.config().Refresh(ctx, t)
		at("answer", 1)
		return renewed, err
	}
	m := newManager(killRefresher(refresh), struct {
		*hooked
		tokens.Locker
	}{store, plan.Site.Dir}, nil)
	_, err := m.Token(context.Background(), plan.Site.Keys[0])
	fmt.Fprintln(os.Stderr, "this process was to die and lives:", err)
	os.Exit(1)
}

// childIsBusy refreshes its keys as fast as it can until it is ended. It speaks at its first
// refresh.
func childIsBusy() {
	var s processSite
	ctx := toldToProcess(&s)
	first := sync.OnceFunc(func() { processSays(true) })
	refresh := func(ctx context.Context, t *csoauth.Token) (*csoauth.Token, error) {
		first()
		return s.config().Refresh(ctx, t)
	}
	m := newManager(killRefresher(refresh), s.Dir, nil)
	for _, key := range s.Keys {
		go func() {
			for {
				token, err := m.Token(ctx, key)
				if err == nil {
					err = m.Put(ctx, key, killExpired(token))
				}
				if err != nil && ctx.Err() == nil {
					fmt.Fprintln(os.Stderr, key, err)
					os.Exit(1)
				}
			}
		}()
	}
	<-ctx.Done()
}

type killRefresher func(context.Context, *csoauth.Token) (*csoauth.Token, error)

func (f killRefresher) Refresh(ctx context.Context, t *csoauth.Token) (*csoauth.Token, error) {
	return f(ctx, t)
}

// killExpired is t as if its access token had ended.
func killExpired(t *csoauth.Token) *csoauth.Token {
	old := *t
	old.Expiry = time.Now().Add(-time.Minute)
	return &old
}
