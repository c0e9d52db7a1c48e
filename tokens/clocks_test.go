package tokens_test

import (
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
//
// Law: M11
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
			clocksMachine(t, 48*time.Hour+row.ahead, func(t *testing.T) { replicas(t, 1, p, store, nil) })
			clocksMachine(t, 48*time.Hour, func(t *testing.T) {
				refusalOf(p, http.StatusInternalServerError, "text/plain", "oops")
				m := replica(t, p, store, nil)
				start := time.Now()
				for ; ; time.Sleep(time.Second) {
					token, err := m.Token(t.Context(), "user")
					if err != nil {
						break
					}
					require.Equal(t, "access-user-1", token.AccessToken)
				}
				assert.Equal(t, max(0, row.good-10*time.Second), time.Since(start).Round(time.Second))
				assert.Positive(t, p.asked())
			})
		})
	}
}

// Two machines 2 hours apart share a login for a day: each is served all the time, and neither
// keeps the provider busy.
func TestTwoMachinesWhoseClocksDifferShareALogin(t *testing.T) {
	p, store := newProvider(), new(tokens.Memory)
	clocksMachine(t, 0, func(t *testing.T) { replicas(t, 1, p, store, nil) })
	for hour := range 24 {
		ahead := time.Duration(hour%2) * 2 * time.Hour
		clocksMachine(t, time.Duration(hour)*time.Hour+ahead, func(t *testing.T) {
			m := replica(t, p, store, nil)
			before := p.asked()
			for range 60 {
				access(t, m)
				time.Sleep(time.Minute)
			}
			assert.LessOrEqual(t, p.asked()-before, 2, "in an hour")
			require.NoError(t, m.Close())
			now := readStored(t, store)
			p.requireAlive(t, &now.token)
		})
	}
}

// Law: M11
func TestOwnTokenIsOverWhenEitherClockSaysSo(t *testing.T) {
	for name, passes := range map[string]struct{ wall, monotonic time.Duration }{
		"the wall clock is set forward, or the machine was suspended": {2 * time.Hour, 0},
		"the wall clock is set back":                                  {0, 2 * time.Hour},
		"both go on":                                                  {2 * time.Hour, 2 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				m := replicas(t, 1, p, new(tokens.Memory), nil)[0]
				time.Sleep(time.Minute)
				access(t, m)
				synctest.Wait()

				time.Sleep(passes.wall)
				m.SkewClock()(passes.monotonic - passes.wall)
				for range 2 {
					assert.Equal(t, "access-user-2", access(t, m))
					assert.Equal(t, 1, p.asked())
				}
			})
		})
	}
}

func TestStoreIsLookedAtAgainAfterASuspension(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		all := replicas(t, 2, p, store, nil)
		require.NoError(t, all[1].Delete(t.Context(), "user"))
		time.Sleep(10 * time.Minute)
		all[0].SkewClock()(-10 * time.Minute)
		_, err := all[0].Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)
	})
}

// The machine sleeps between the lease and the request: another may have refreshed in the meantime,
// so nothing is sent.
//
// Law: M11
func TestLeaseIsOverWhenTheWallClockSaysSo(t *testing.T) {
	for name, passes := range map[string]struct{ wall, monotonic time.Duration }{
		"the machine was suspended":  {time.Hour, 0},
		"the wall clock is set back": {0, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
				m := replicas(t, 1, p, store, nil)[0]
				advanceMonotonic := m.SkewClock()
				atEnd(p)
				store.swapped = func(n int, _ string, err error) error {
					if n == 2 { // the lease is in the store
						time.Sleep(passes.wall)
						advanceMonotonic(passes.monotonic - passes.wall)
					}
					return err
				}
				_, err := m.Token(t.Context(), "user")
				require.Error(t, err)
				assert.NotErrorIs(t, err, csoauth.ErrLoginRequired)
				assert.Zero(t, p.asked(), "nothing is sent after waking")

				time.Sleep(10 * time.Second)
				assert.Equal(t, "access-user-2", access(t, m), "the next attempt is a new one")
			})
		})
	}
}
