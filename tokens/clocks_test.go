package tokens_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// A machine whose clock is wrong is a bubble at another time: each begins in the year 2000.
func clocksMachine(t *testing.T, at time.Duration, do func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(at)
		do(t)
	})
}

// An adopted token is believed in for min(expiry - now, lifetime).
func TestTokenFromAMachineWithAnotherClock(t *testing.T) {
	for name, row := range map[string]struct {
		ahead time.Duration // of the machine that wrote the record
		good  time.Duration // for which the token may be used here, if nothing newer can be got
	}{
		"the same":               {0, time.Hour},
		"2 hours ahead":          {2 * time.Hour, time.Hour},
		"30 minutes ahead":       {30 * time.Minute, time.Hour},
		"30 minutes behind":      {-30 * time.Minute, 30 * time.Minute},
		"2 hours behind":         {-2 * time.Hour, 0},
		"the whole hour behind":  {-time.Hour, 0},
		"a day ahead":            {24 * time.Hour, time.Hour},
		"a few seconds short of": {-59*time.Minute - 55*time.Second, 0}, // within the margin
	} {
		t.Run(name, func(t *testing.T) {
			p, store := newProvider(), new(tokens.Memory)
			var login *csoauth.Token
			clocksMachine(t, 48*time.Hour+row.ahead, func(t *testing.T) {
				m := newManager(p.config(), store, nil)
				login = p.login("user")
				require.NoError(t, m.Put(t.Context(), "user", login))
				require.NoError(t, m.Close())
			})
			clocksMachine(t, 48*time.Hour, func(t *testing.T) {
				refusalOf(p, http.StatusInternalServerError, "text/plain", "oops")
				m := newManager(p.config(), store, nil)
				start := time.Now()
				for ; ; time.Sleep(time.Second) {
					token, err := m.Token(t.Context(), "user")
					if err != nil {
						break
					}
					require.Equal(t, login.AccessToken, token.AccessToken)
				}
				assert.Equal(t, max(0, row.good-10*time.Second), time.Since(start).Round(time.Second))
				assert.Positive(t, p.asked())
				require.NoError(t, m.Close())
			})
		})
	}
}

// Two machines 2 hours apart share a login for a day: each is served all the time, and neither
// keeps the provider busy.
func TestTwoMachinesWhoseClocksDifferShareALogin(t *testing.T) {
	p, store := newProvider(), new(tokens.Memory)
	clocksMachine(t, 0, func(t *testing.T) {
		m := newManager(p.config(), store, nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		require.NoError(t, m.Close())
	})
	for hour := range 24 {
		ahead := time.Duration(hour%2) * 2 * time.Hour
		clocksMachine(t, time.Duration(hour)*time.Hour+ahead, func(t *testing.T) {
			m := newManager(p.config(), store, nil)
			before := p.asked()
			var token *csoauth.Token
			for range 60 {
				var err error
				token, err = m.Token(t.Context(), "user")
				require.NoError(t, err)
				time.Sleep(time.Minute)
			}
			assert.LessOrEqual(t, p.asked()-before, 2, "in an hour")
			require.NoError(t, m.Close())
			p.requireAlive(t, token)
		})
	}
}

func TestOwnTokenIsOverWhenEitherClockSaysSo(t *testing.T) {
	for name, passes := range map[string]struct{ wall, monotonic time.Duration }{
		"the wall clock is set forward, or the machine was suspended": {2 * time.Hour, 0},
		"the wall clock is set back":                                  {0, 2 * time.Hour},
		"both go on":                                                  {2 * time.Hour, 2 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				m := newManager(p.config(), new(tokens.Memory), nil)
				require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
				time.Sleep(time.Minute)
				old, err := m.Token(t.Context(), "user")
				require.NoError(t, err)
				synctest.Wait()

				time.Sleep(passes.wall)
				m.AdvanceMonotonic(passes.monotonic - passes.wall)
				for range 2 {
					token, err := m.Token(t.Context(), "user")
					require.NoError(t, err)
					assert.NotEqual(t, old.AccessToken, token.AccessToken)
					assert.Equal(t, 1, p.asked())
				}
				require.NoError(t, m.Close())
			})
		})
	}
}

func TestStoreIsLookedAtAgainAfterASuspension(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		here, there := newManager(p.config(), store, nil), newManager(p.config(), store, nil)
		require.NoError(t, here.Put(t.Context(), "user", p.login("user")))
		require.NoError(t, there.Delete(t.Context(), "user"))
		time.Sleep(10 * time.Minute)
		here.AdvanceMonotonic(-10 * time.Minute)
		_, err := here.Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)
		require.NoError(t, here.Close())
		require.NoError(t, there.Close())
	})
}

// The wall clock goes 20 seconds forward and back again for an hour: no token is handed out beyond
// its end on either clock, and the provider is not asked more often for it.
func TestFlappingClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		p.lives = time.Minute
		const flap = 20 * time.Second
		m := newManager(p.config(), new(tokens.Memory), nil)
		born := map[string][2]time.Duration{} // by access token: what the clocks showed when it was first seen
		epoch := time.Now()
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		var refreshes []time.Duration
		for m.Monotonic() < time.Hour {
			for range 10 {
				asked := p.asked()
				token, err := m.Token(t.Context(), "user")
				synctest.Wait()
				if p.asked() > asked {
					refreshes = append(refreshes, m.Monotonic())
				}
				if err == nil {
					now := [2]time.Duration{m.Monotonic(), time.Since(epoch)}
					if _, seen := born[token.AccessToken]; !seen {
						born[token.AccessToken] = now
					}
					require.Less(t, now[0]-born[token.AccessToken][0], p.lives)
					require.Less(t, now[1]-born[token.AccessToken][1], p.lives)
				}
				time.Sleep(100 * time.Millisecond)
			}
			time.Sleep(flap)
			m.AdvanceMonotonic(-flap) // forward, and ...
			_, _ = m.Token(t.Context(), "user")
			synctest.Wait()
			m.AdvanceMonotonic(flap) // ... back
		}
		for i := range len(refreshes) - 1 {
			assert.GreaterOrEqual(t, refreshes[i+1]-refreshes[i], 20*time.Second)
		}
		assert.LessOrEqual(t, p.asked(), 3600/30+1, "in an hour")
		require.NoError(t, m.Close())
	})
}

// The machine sleeps between the lease and the request: another may have refreshed in the meantime,
// so nothing is sent.
func TestLeaseIsOverWhenTheWallClockSaysSo(t *testing.T) {
	for name, passes := range map[string]struct{ wall, monotonic time.Duration }{
		"the machine was suspended":  {time.Hour, 0},
		"the wall clock is set back": {0, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
				m := newManager(p.config(), store, nil)
				require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
				time.Sleep(p.lives)
				store.swapped = func(n int, _ string, err error) error {
					if n == 2 { // the lease is in the store
						time.Sleep(passes.wall)
						m.AdvanceMonotonic(passes.monotonic - passes.wall)
					}
					return err
				}
				_, err := m.Token(context.Background(), "user")
				require.Error(t, err)
				assert.NotErrorIs(t, err, csoauth.ErrLoginRequired)
				assert.Zero(t, p.asked(), "nothing is sent after waking")

				time.Sleep(10 * time.Second)
				token, err := m.Token(t.Context(), "user")
				require.NoError(t, err, "the next attempt is a new one")
				p.requireAlive(t, token)
				require.NoError(t, m.Close())
			})
		})
	}
}
