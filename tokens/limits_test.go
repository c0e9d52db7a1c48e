package tokens_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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

func TestParallelRefreshesAreBounded(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ option, bound, users int }{
		"16 by default": {0, 16, 2_000},
		"3":             {3, 3, 100},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				m := replica(t, p, new(tokens.Memory), &tokens.Options{MaxRefreshes: row.option})
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
					assert.LessOrEqual(t, longest, p.takes, "who has a place waits for the answer, and nobody for a place")
				}
				require.NoError(t, m.Close())
				assert.Equal(t, 16, p.most)
				assert.LessOrEqual(t, p.asked(), len(users))
			})
		})
	}
}

func TestWaitingCallersGoBeforeBackgroundRefreshes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := replica(t, p, new(tokens.Memory), &tokens.Options{MaxRefreshes: 2})
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

func TestCallerWhoBeginsToWaitMovesItsRefreshAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		p.lives, p.takes = 10*time.Minute, 10*time.Second
		m := replica(t, p, new(tokens.Memory), &tokens.Options{MaxRefreshes: 1})
		users := gateUsers(t, p, m, "user", 10)
		time.Sleep(p.lives - 40*time.Second)
		for _, user := range users { // the last of them queues last
			assert.Zero(t, gateAsks(t, m, []string{user}))
			synctest.Wait()
		}
		time.Sleep(35 * time.Second) // the first three are done, the fourth is on its way
		assert.Equal(t, 15*time.Second, gateAsks(t, m, users[9:]))
	})
}
