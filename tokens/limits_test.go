package tokens_test

import (
	"context"
	"fmt"
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

// gateUsers puts logins of so many users, who all have the same time left.
func gateUsers(t *testing.T, p *provider, m *tokens.Manager, name string, users int) (keys []string) {
	t.Helper()
	for n := range users {
		key := fmt.Sprint(name, n)
		require.NoError(t, m.Put(t.Context(), key, p.login(key)))
		keys = append(keys, key)
	}
	return keys
}

// gateAsks has all keys ask at once, and returns how long the one who waited longest did.
func gateAsks(t *testing.T, m *tokens.Manager, keys []string) (longest time.Duration) {
	t.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex
	for _, key := range keys {
		all.Go(func() {
			start := time.Now()
			token, err := m.Token(t.Context(), key)
			if assert.NoError(t, err) {
				assert.Equal(t, key, token.UserUID)
			}
			mu.Lock()
			defer mu.Unlock()
			longest = max(longest, time.Since(start))
		})
	}
	all.Wait()
	return longest
}

// Law: M8
func TestParallelRefreshesAreBounded(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ option, bound, users int }{
		"64 by default": {0, 64, 2_000},
		"3":             {3, 3, 100},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				m := replica(t, p, new(tokens.Memory), &tokens.Options{MaxRefreshesPerHost: row.option})
				users := gateUsers(t, p, m, "user", row.users)
				atEnd(p)
				longest := gateAsks(t, m, users)
				assert.Equal(t, row.bound, p.most)
				assert.Equal(t, row.users, p.asked(), "one request each")
				assert.Equal(t, time.Duration((row.users+row.bound-1)/row.bound)*p.takes, longest, "and the places are never empty")
			})
		})
	}
}

// Law: M8
func TestCrowdWithTokensDoesNotWait(t *testing.T) {
	t.Parallel()
	for name, left := range map[string]time.Duration{
		"in the soft window": 5 * time.Minute,
		"in the hard window": 20 * time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				m := replica(t, p, new(tokens.Memory), nil)
				users := gateUsers(t, p, m, "user", 1000)
				time.Sleep(p.lives - left)
				longest := gateAsks(t, m, users)
				if left > 30*time.Second {
					assert.Zero(t, longest)
				} else {
					assert.LessOrEqual(t, longest, p.takes, "a caller with a place waits for the response, and no caller waits for a place")
				}
				require.NoError(t, m.Close())
				assert.Equal(t, 64, p.most)
				assert.LessOrEqual(t, p.asked(), len(users))
			})
		})
	}
}

// Law: M8
func TestWaitingCallersGoBeforeBackgroundRefreshes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := replica(t, p, new(tokens.Memory), &tokens.Options{MaxRefreshesPerHost: 2})
		late := gateUsers(t, p, m, "late", 10)
		time.Sleep(5 * time.Minute)
		early := gateUsers(t, p, m, "early", 100)
		time.Sleep(p.lives - 5*time.Minute)

		assert.Zero(t, gateAsks(t, m, early))
		synctest.Wait() // two are asked for, and 98 queue
		longest := gateAsks(t, m, late)
		assert.Equal(t, 6*p.takes, longest, "after those that are on their way")
		require.NoError(t, m.Close())
		for _, post := range p.posts[2:12] {
			assert.Contains(t, post.login, "late")
		}
	})
}

// Law: M8
func TestCallerWhoBeginsToWaitMovesItsRefreshAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		p.lives, p.takes = 100*time.Second, 3500*time.Millisecond
		m := replica(t, p, new(tokens.Memory), &tokens.Options{MaxRefreshesPerHost: 1})
		users := gateUsers(t, p, m, "user", 10)
		time.Sleep(p.lives - 15*time.Second) // in the soft window of all
		for _, user := range users {         // the last of them queues last
			assert.Zero(t, gateAsks(t, m, []string{user}))
			synctest.Wait()
		}
		time.Sleep(12 * time.Second) // the first three are done, the fourth is on its way
		assert.Equal(t, 5500*time.Millisecond, gateAsks(t, m, users[9:]))
	})
}

// hungRegion is a Refresher of two regions, of which one never responds.
type hungRegion struct {
	region string
	takes  time.Duration
}

func (h hungRegion) TokenURLFor(t *csoauth.Token) (string, error) {
	return "https://" + t.Location, nil
}

func (h hungRegion) Refresh(ctx context.Context, t *csoauth.Token) (*csoauth.Token, error) {
	if t.Location == h.region {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	time.Sleep(h.takes)
	return &csoauth.Token{AccessToken: "new", RefreshToken: "new " + t.RefreshToken, Location: t.Location, UserUID: t.UserUID, Expiry: time.Now().Add(time.Hour)}, nil
}

// What hangs holds up only those who depend on it.
//
// Law: M8
func TestWhatHangsHoldsUpOnlyItself(t *testing.T) {
	for name, row := range map[string]struct {
		region string // that hangs
		shard  string // of the store that does: all keys that begin so
	}{
		"a region":            {region: "EU"},
		"a part of the store": {shard: "eu"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				down := false
				hang := func(key string) error {
					if down && row.shard != "" && strings.HasPrefix(key, row.shard) {
						time.Sleep(10 * time.Second)
						return errStoreDown
					}
					return nil
				}
				store := &hooked{
					Store: new(tokens.Memory),
					load:  func(_ int, key string) error { return hang(key) },
					swap:  func(_ int, key string, _, _ []byte) error { return hang(key) },
				}
				r := hungRegion{row.region, 100 * time.Millisecond}
				m := newManager(r, store, nil)
				var ours []string
				for n := range 200 {
					for _, location := range []string{"EU", "NA"} {
						key := fmt.Sprint(strings.ToLower(location), n)
						require.NoError(t, m.Put(t.Context(), key, &csoauth.Token{AccessToken: "old", RefreshToken: key, Location: location, UserUID: key, Expiry: time.Now().Add(time.Hour)}))
						if location == "NA" {
							ours = append(ours, key)
						}
					}
				}
				time.Sleep(time.Hour)
				down = true
				for n := range 200 {
					go func() { _, _ = m.Token(t.Context(), fmt.Sprint("eu", n)) }()
					go func() { _ = m.Put(t.Context(), fmt.Sprint("eu", n), &csoauth.Token{AccessToken: "x"}) }()
				}
				time.Sleep(2 * time.Second) // and the looks of those that hang are 250 ms old
				assert.Equal(t, (200+63)/64*r.takes, gateAsks(t, m, ours), "as if nothing hung")
				began := time.Now()
				require.NoError(t, m.Put(t.Context(), "na0", &csoauth.Token{AccessToken: "x", UserUID: "na0"}))
				assert.Equal(t, began, time.Now())
				time.Sleep(time.Minute)
				require.NoError(t, m.Close())
			})
		})
	}
}

// Law: M8
func TestPlaceIsNotWaitedForForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		p.takes = time.Minute
		m := replica(t, p, new(tokens.Memory), &tokens.Options{MaxRefreshesPerHost: 1, Lease: time.Hour})
		users := gateUsers(t, p, m, "user", 2)
		atEnd(p)
		go func() { _, _ = m.Token(t.Context(), users[0]) }()
		synctest.Wait()
		began := time.Now()
		_, err := m.Token(t.Context(), users[1])
		require.ErrorIs(t, err, csoauth.ErrNotSent)
		assert.Equal(t, 30*time.Second, time.Since(began))
	})
}
