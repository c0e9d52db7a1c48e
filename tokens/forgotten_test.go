package tokens_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

// What a reader who set out to break the laws has found. Each stands for something that was known
// and then forgotten.

// A refusal that is over is no reason to believe one API's 401.
//
// Law: M9
func TestRefusalThatIsOverWithholdsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		p.lives = 4 * time.Hour
		m := replicas(t, 1, p, store, nil)[0]
		refusalOf(p, 400, "application/json", refusalDead)
		unclear := &api{answer: func(int, *http.Request) (*http.Response, error) { return httpAnswer(401, "text/plain", "no"), nil }}
		transportGet(t, m.For("user").Transport(unclear), someAPI)
		require.Equal(t, 1, p.asked())
		require.Equal(t, "access-user-1", access(t, m))
		time.Sleep(20 * time.Minute)
		require.Equal(t, "access-user-1", access(t, m))
		synctest.Wait()
		store.change(func() { store.load = func(int, string) error { return errStoreDown } })
		clear := &api{answer: func(int, *http.Request) (*http.Response, error) {
			return jsonAnswer(401, map[string]any{"error_code": 105}), nil
		}}
		resp, err := m.For("user").Transport(clear).RoundTrip(httptest.NewRequest(http.MethodGet, someAPI, nil))
		if assert.NoError(t, err) {
			assert.Equal(t, 401, resp.StatusCode)
		}
		token, err := m.Token(t.Context(), "user")
		if assert.NoError(t, err, "the refresh failed otherwise: the token is served") {
			assert.Equal(t, "access-user-1", token.AccessToken)
		}
	})
}

// The key of a lost response was evicted; the record's lease still says that it may be spent.
//
// Law: M6
func TestPutOverALostResponseThatWasEvicted(t *testing.T) {
	for _, evict := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p, store := newProvider(), new(tokens.Memory)
			m := replicas(t, 1, p, store, &tokens.Options{MaxCached: 10})[0]
			first := readStored(t, store).token
			p.before = func(int, *http.Request) (*http.Response, error) { return nil, errors.New("connection reset") }
			time.Sleep(p.lives - 5*time.Minute)
			access(t, m)
			time.Sleep(5 * time.Second)
			require.Equal(t, 2, p.asked())
			time.Sleep(2 * time.Minute)
			if evict {
				evictionFlood(t, p, m, "other", 100)
				require.False(t, m.IsCached("user"))
			}
			require.NoError(t, m.Put(t.Context(), "user", &first))
			for time.Until(first.Expiry) > 12*time.Second {
				require.Equal(t, "access-user-1", access(t, m))
				time.Sleep(time.Second)
			}
			synctest.Wait()
			assert.Equal(t, 2, p.asked(), "not again while the access token is valid; evicted: %v", evict)
		})
	}
}

// A write that the store has lost is written back with what others must know of its refresh token.
//
// Law: M2
func TestWriteBackTellsWhatIsKnown(t *testing.T) {
	for _, how := range []string{"refused", "lost"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), new(tokens.Memory)
				ms := replicas(t, 2, p, store, nil)
				older := readStored(t, store).raw
				time.Sleep(p.lives - 5*time.Minute)
				access(t, ms[0])
				synctest.Wait()
				time.Sleep(2 * time.Minute)
				access(t, ms[1])
				synctest.Wait()
				require.Equal(t, "access-user-2", access(t, ms[0]))
				require.Equal(t, "access-user-2", access(t, ms[1]))
				if how == "refused" {
					refusalOf(p, 400, "application/json", refusalDead)
				} else {
					p.before = func(int, *http.Request) (*http.Response, error) { return nil, errors.New("connection reset") }
				}
				time.Sleep(p.lives - 11*time.Minute)
				for p.asked() == 1 {
					access(t, ms[0])
					time.Sleep(5 * time.Second)
				}
				asked := p.asked()
				now := readStored(t, store).raw
				require.NoError(t, store.CompareAndSwap(t.Context(), "user", now, older))
				time.Sleep(time.Minute + time.Second)
				require.Equal(t, "access-user-2", access(t, ms[0])) // writes back
				synctest.Wait()
				for range 40 {
					_, err := ms[1].Token(t.Context(), "user")
					require.NoError(t, err)
					time.Sleep(5 * time.Second)
				}
				assert.Equal(t, asked, p.asked())
			})
		})
	}
}

// Between two tries the login may be deleted or replaced.
//
// Law: M6
func TestLoginThatEndsIsNotAskedForAgain(t *testing.T) {
	for _, how := range []string{"delete", "put"} {
		synctest.Test(t, func(t *testing.T) {
			p, store := newProvider(), new(tokens.Memory)
			m := replicas(t, 1, p, store, nil)[0]
			p.before = func(int, *http.Request) (*http.Response, error) { return nil, errors.New("connection reset") }
			time.Sleep(p.lives - 5*time.Minute)
			access(t, m)
			time.Sleep(500 * time.Millisecond)
			require.Equal(t, 1, p.asked())
			if how == "put" {
				require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
			} else {
				require.NoError(t, m.Delete(t.Context(), "user"))
			}
			time.Sleep(10 * time.Second)
			assert.Equal(t, 1, p.asked(), how)
		})
	}
}

// A Put of the same refresh token keeps the lease while that is sent, and not for longer.
//
// Law: M4
func TestPutOfTheSameRefreshTokenLeavesNoLease(t *testing.T) {
	for _, status := range []int{400, 500} {
		synctest.Test(t, func(t *testing.T) {
			p, store := newProvider(), new(tokens.Memory)
			ms := replicas(t, 2, p, store, nil)
			first := readStored(t, store).token
			var good atomic.Bool
			p.before = func(int, *http.Request) (*http.Response, error) {
				time.Sleep(3 * time.Second)
				if good.Load() {
					return nil, nil
				}
				if status == 400 {
					return httpAnswer(400, "application/json", refusalDead), nil
				}
				return httpAnswer(status, "application/json", "{}"), nil
			}
			atEnd(p)
			a := ask(t.Context(), ms[0])
			time.Sleep(time.Second)
			require.NoError(t, ms[0].Put(t.Context(), "user", &first))
			<-a
			assert.Empty(t, readStored(t, store).lease, "the response is whole: nobody need wait")
			time.Sleep(time.Second)
			if status == 500 {
				good.Store(true)
			}
			began := time.Now()
			_, _ = ms[1].Token(t.Context(), "user")
			if status == 400 {
				assert.Equal(t, 1, p.asked(), "a refused token is sent again")
			} else {
				assert.Less(t, time.Since(began), 10*time.Second)
			}
		})
	}
}

// A token that was put back by the application, and then again after a refresh.
//
// Law: M4
func TestPutOfThePresentTokenBeginsALogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		m := replicas(t, 1, p, store, nil)[0]
		time.Sleep(p.lives)
		require.Equal(t, "access-user-2", access(t, m))
		r1 := readStored(t, store).token
		require.NoError(t, m.Put(t.Context(), "user", &r1)) // the login begins with refresh-user-2 now
		time.Sleep(p.lives)
		require.Equal(t, "access-user-3", access(t, m))
		require.NoError(t, m.Put(t.Context(), "user", &r1)) // twice
		now := readStored(t, store).token
		assert.Equal(t, "access-user-3", now.AccessToken)
	})
}

// The user logs in again in another region, in another process. The old token gets a 401.
//
// Law: M9
func TestBetterTokenOfAnotherRegionStaysAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		m, other := newManager(p.config(), store, nil), newManager(p.config(), store, nil)
		na, eu := p.login("user"), p.login("user")
		na.Location, eu.Location = "NA", "EU"
		require.NoError(t, m.Put(t.Context(), "user", na))
		require.Equal(t, "access-user-1", access(t, m))
		time.Sleep(time.Second)
		require.NoError(t, other.Put(t.Context(), "user", eu))
		seen := &api{answer: takesOnly("nothing")}
		transportGet(t, m.For("user").Transport(seen), someAPI) // of North America
		assert.NotContains(t, seen.bearers(), "Bearer access-user-2", "a token of Europe")
		require.NoError(t, m.Close())
		require.NoError(t, other.Close())
	})
}

// A record must be one that all stores take and all processes read.
//
// Law: M2
func TestPutOfATokenThatIsTooLarge(t *testing.T) {
	p := newProvider()
	m := newManager(p.config(), new(tokens.Memory), nil)
	for size, fits := range map[int]bool{60_000: true, 63_400: false, 70_000: false} {
		token := p.login("user")
		token.AccessToken = strings.Repeat("x", size)
		err := m.Put(t.Context(), fmt.Sprint(size), token)
		if fits {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, "bytes")
			assert.NotContains(t, err.Error(), "xxx")
		}
	}
	require.NoError(t, m.Close())
}
