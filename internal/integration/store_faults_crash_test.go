package integration_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

const (
	crashManagers = 4
	crashKeys     = 8
	crashLifetime = 3 * time.Second
	crashLease    = 20 * time.Second // a restart may take long on a busy machine
)

// crashes are when a server dies: with a refresh under way, or at no moment in particular.
var crashes = []struct {
	name string
	hold func(f *tradeFront, die func() bool)
}{
	{"after the lease, before the POST is processed", func(f *tradeFront, die func() bool) { f.hold(die, nil) }},
	{"after the answer, before the save", func(f *tradeFront, die func() bool) { f.hold(nil, die) }},
	{"at a random moment", func(_ *tradeFront, die func() bool) {
		time.Sleep(rand.N(500 * time.Millisecond)) // not to wait for anything: the moment is what is random
		die()
	}},
}

// TestStoreServerDiesUnderACrowd: a server with the settings that the documentation names is killed
// and started again while Managers refresh. No login is lost.
func TestStoreServerDiesUnderACrowd(t *testing.T) {
	t.Parallel()
	var table faultTable
	onEachKind(t, func(t *testing.T, kind string, d *database) {
		count := table.row(kind + ": the server is killed and started again")
		s := newFaultSite(t, d, kind, "crowd", crashLifetime)
		var keys []string
		for i := range crashKeys {
			keys = append(keys, fmt.Sprintf("user/%d", i))
			s.logIn(t, keys[i])
		}
		s.front.slowDown(50 * time.Millisecond)
		crowd := startStoreCrowd(t, s, keys)
		for range *storeRounds {
			for _, crash := range crashes {
				s.crash(t, d, crash.hold)
				count.add(faultCount{runs: 1})
				crowd.untilAllServed(t)
			}
		}
		t.Logf("%s: what callers without a token were told: %q", kind, crowd.stop(t))
		count.add(faultCount{served: int(crowd.served.Load()), failed: int(crowd.failed.Load())})
		assert.Zero(t, crowd.logouts.Load(), "a store that is down is no logout")
		for _, key := range keys {
			s.aftermath(t, count, key)
		}
		s.front.assertNoneAgain(t)
		assert.Equal(t, crashKeys, count.alive)
	})
	t.Log(&table)
}

// crash kills the server with a refresh held, if hold does that, lets the refresh go on without a
// server, and starts it again.
func (s *faultSite) crash(t *testing.T, d *database, hold func(f *tradeFront, die func() bool)) {
	t.Helper()
	moment, dead := make(chan struct{}), make(chan struct{})
	go hold(s.front, func() bool {
		close(moment)
		<-dead
		return false
	})
	select {
	case <-moment:
	case <-time.After(faultPatience):
		close(dead)
		require.Fail(t, "nobody refreshes")
	}
	d.kill()
	close(dead)
	d.start()
}

// A storeCrowd is Managers whose users ask without a pause.
type storeCrowd struct {
	managers                []*tokens.Manager
	keys                    []string
	served, failed, logouts atomic.Int64
	rounds                  []atomic.Int64 // how often each key was served by each Manager
	end                     context.CancelFunc
	users                   sync.WaitGroup

	mu       sync.Mutex
	failures map[string]bool
}

func startStoreCrowd(t *testing.T, s *faultSite, keys []string) *storeCrowd {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := &storeCrowd{keys: keys, rounds: make([]atomic.Int64, crashManagers*len(keys)), end: cancel, failures: map[string]bool{}}
	for i := range crashManagers {
		m := newManager(t, s.config, s.at.mustOpen(t), &tokens.Options{Lease: crashLease})
		c.managers = append(c.managers, m)
		for j, key := range keys {
			c.users.Go(func() {
				for ctx.Err() == nil {
					c.note(m, key, &c.rounds[i*len(keys)+j])
					time.Sleep(25 * time.Millisecond) // a user who asks 40 times a second
				}
			})
		}
	}
	t.Cleanup(func() {
		cancel()
		c.users.Wait()
	})
	return c
}

func (c *storeCrowd) note(m *tokens.Manager, key string, round *atomic.Int64) {
	asked := time.Now()
	token, err := m.Token(context.Background(), key)
	if err == nil && asked.Before(token.Expiry) {
		c.served.Add(1)
		round.Add(1)
		return
	}
	c.failed.Add(1)
	if err != nil && csoauthLogout(err) {
		c.logouts.Add(1)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.failures[err.Error()] = true
	} else {
		c.failures["the token had expired"] = true
	}
}

// untilAllServed waits until each Manager has served each key with a token that it did not have
// before: for a lifetime and then once.
func (c *storeCrowd) untilAllServed(t *testing.T) {
	t.Helper()
	time.Sleep(crashLifetime / 2) // some tokens end meanwhile
	before := make([]int64, len(c.rounds))
	for i := range c.rounds {
		before[i] = c.rounds[i].Load()
	}
	until(t, "every user gets a token again", func() bool {
		for i := range c.rounds {
			if c.rounds[i].Load() == before[i] {
				return false
			}
		}
		return true
	})
}

// stop ends the crowd and returns what failures there were.
func (c *storeCrowd) stop(t *testing.T) (failures []string) {
	t.Helper()
	c.end()
	c.users.Wait()
	for _, m := range c.managers {
		assert.NoError(t, m.Close(), "all is saved")
	}
	for failure := range c.failures {
		failures = append(failures, strings.TrimSpace(failure))
	}
	return failures
}
