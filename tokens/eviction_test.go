package tokens_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

// evictionFlood has m use so many keys.
func evictionFlood(t *testing.T, p *provider, m *tokens.Manager, name string, users int) {
	t.Helper()
	for n := range users {
		key := fmt.Sprint(name, n)
		require.NoError(t, m.Put(t.Context(), key, p.login(key)))
		_, err := m.Token(t.Context(), key)
		require.NoError(t, err)
	}
}

func TestEvictedUserComesBackFromTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		m := replicas(t, 1, p, store, &tokens.Options{MaxCached: 10})[0]
		time.Sleep(2 * time.Minute)
		evictionFlood(t, p, m, "other", 100)
		require.False(t, m.IsCached("user"))
		assert.Equal(t, 10, m.Cached())
		loads := store.loads
		assert.Equal(t, "access-user-1", access(t, m))
		assert.Equal(t, loads+1, store.loads)
		assert.Zero(t, p.asked())
	})
}

func TestThoseNotUsedForLongestAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		p.lives = 24 * time.Hour
		m := replica(t, p, new(tokens.Memory), &tokens.Options{MaxCached: 10, Recheck: -1})
		evictionFlood(t, p, m, "old", 10)
		time.Sleep(time.Hour)
		gateUsers(t, p, m, "new", 10) // these have not had a hit yet
		for n := range 10 {
			require.True(t, m.IsCached(fmt.Sprint("new", n)), n)
			require.False(t, m.IsCached(fmt.Sprint("old", n)), n)
		}
	})
}

// Law: M10
func TestHolderOfADeadEntryLooksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := newManager(p.config(), new(tokens.Memory), &tokens.Options{MaxCached: 10, Recheck: -1})
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		source := m.For("user").TokenSource(t.Context())
		_, err := source.Token()
		require.NoError(t, err)
		time.Sleep(2 * time.Minute)
		evictionFlood(t, p, m, "other", 100)
		require.False(t, m.IsCached("user"))

		newer := p.login("user") // known to a new entry, which the source has not seen
		require.NoError(t, m.Put(t.Context(), "user", newer))
		token, err := source.Token()
		require.NoError(t, err)
		assert.Equal(t, newer.AccessToken, token.AccessToken)

		require.NoError(t, m.Delete(t.Context(), "user"))
		_, err = source.Token()
		assert.ErrorIs(t, err, tokens.ErrNotFound)
		require.NoError(t, m.Put(t.Context(), "user", newer))
		_, err = source.Token()
		assert.NoError(t, err)
		require.NoError(t, m.Close())
	})
}

// Law: M10
func TestFlightAndItsWaitersSurviveTheFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		p.takes = 10 * time.Second
		m := replicas(t, 1, p, new(tokens.Memory), &tokens.Options{MaxCached: 10})[0]
		atEnd(p)
		first := ask(t.Context(), m)
		synctest.Wait()
		evictionFlood(t, p, m, "other", 100)
		assert.True(t, m.IsCached("user"))
		for _, answer := range []<-chan asked{first, ask(t.Context(), m)} {
			got := <-answer
			require.NoError(t, got.err)
			assert.Equal(t, "access-user-2", got.token.AccessToken)
		}
		assert.Equal(t, 1, p.asked(), "who came later joined the same flight")
	})
}

// Law: M10
func TestUnsavedPairSurvivesTheFlood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), newBrokenLater()
		m := unsavedReplica(t, p, store, &tokens.Options{MaxCached: 10})
		for range 10 {
			evictionFlood(t, p, m, "other", 100)
			require.True(t, m.IsCached("user"))
			require.Equal(t, "access-user-2", access(t, m))
			time.Sleep(time.Minute)
		}
		store.setBroken(false)
		time.Sleep(6 * time.Minute)
		assert.Equal(t, "access-user-2", readStored(t, store).token.AccessToken)
	})
}

// That a token was rejected a while ago is nothing to keep an entry for.
func TestUserWhoseTokenWasRejectedIsEvicted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := replicas(t, 1, p, new(tokens.Memory), &tokens.Options{MaxCached: 10})[0]
		require.NoError(t, m.For("user").Invalidate(t.Context(), access(t, m)))
		time.Sleep(10 * time.Second)
		evictionFlood(t, p, m, "soon", 100)
		require.True(t, m.IsCached("user"), "another rejection would have to wait")
		time.Sleep(2 * time.Minute)
		evictionFlood(t, p, m, "later", 100)
		assert.False(t, m.IsCached("user"))
	})
}

func TestCacheShrinksAgainAfterABurst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := newManager(p.config(), new(tokens.Memory), &tokens.Options{MaxCached: 10, MaxRefreshesPerHost: 1000})
		evictionFlood(t, p, m, "user", 1000)
		time.Sleep(p.lives)
		var all sync.WaitGroup
		for n := range 1000 { // as long as all wait, none can be given up meanwhile
			all.Go(func() { _, err := m.Token(t.Context(), fmt.Sprint("user", n)); assert.NoError(t, err) })
		}
		all.Wait()
		evictionFlood(t, p, m, "other", 2000)
		assert.LessOrEqual(t, m.Cached(), 20)
		require.NoError(t, m.Close())
	})
}

// What is remembered of a failure is nothing to keep an entry for once it is over.
//
// Law: M10
func TestUsersWhoseLoginEndedAreForgotten(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]func(*provider, *hooked){
		"refused":           func(p *provider, _ *hooked) { refusalOf(p, http.StatusBadRequest, "application/json", refusalDead) },
		"an outage":         func(p *provider, _ *hooked) { refusalOf(p, http.StatusBadGateway, "text/html", "") },
		"the store is down": func(_ *provider, s *hooked) { s.load = func(int, string) error { return errStoreDown } },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
				m := newManager(p.config(), store, &tokens.Options{MaxCached: 1000})
				evictionFlood(t, p, m, "user", 1000)
				time.Sleep(p.lives)
				failure(p, store)
				for n := range 1000 {
					_, err := m.Token(t.Context(), fmt.Sprint("user", n))
					require.Error(t, err)
				}
				time.Sleep(time.Hour)
				store.load = nil
				evictionFlood(t, p, m, "other", 3000)
				assert.LessOrEqual(t, m.Cached(), 1010)
				require.NoError(t, m.Close())
			})
		})
	}
}
