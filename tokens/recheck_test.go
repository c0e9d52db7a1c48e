package tokens_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// recheckNoticed uses key step by step until its login has ended, and returns how long that took.
func recheckNoticed(t *testing.T, m *tokens.Manager, key string, step time.Duration) time.Duration {
	t.Helper()
	for start := time.Now(); time.Since(start) < 3000*step; time.Sleep(step) {
		asked := time.Now()
		_, err := m.Token(t.Context(), key)
		require.Equal(t, asked, time.Now(), "the look into the store is in the background")
		if err != nil {
			require.ErrorIs(t, err, csoauth.ErrLoginRequired)
			require.ErrorIs(t, err, tokens.ErrNotFound)
			return time.Since(start)
		}
		synctest.Wait()
	}
	require.Fail(t, "never noticed")
	return 0
}

// Law: M11
func TestEndOfALoginElsewhereEndsItHereWithinRecheck(t *testing.T) {
	for option, recheck := range map[time.Duration]time.Duration{0: time.Minute, 10 * time.Minute: 10 * time.Minute} {
		t.Run(recheck.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), new(tokens.Memory)
				here, there := replica(t, p, store, &tokens.Options{Recheck: option}), replica(t, p, store, nil)
				step := recheck / 1000
				shortest, longest := recheck, time.Duration(0)
				for n := range 20 {
					user := fmt.Sprint("user", n)
					require.NoError(t, here.Put(t.Context(), user, p.login(user)))
					require.NoError(t, there.Delete(t.Context(), user))
					after := recheckNoticed(t, here, user, step)
					require.Positive(t, after, "the call that has the store looked at gets the old one")
					shortest, longest = min(shortest, after), max(longest, after)
				}
				assert.GreaterOrEqual(t, shortest, recheck/2, "replicas must not look all the time")
				assert.LessOrEqual(t, longest, recheck+2*step)
				assert.Greater(t, longest-shortest, recheck/10, "nor at the same moment")
			})
		})
	}
}

// Law: M11
func TestWithoutRecheckTheStoreIsLookedAtToRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		all := replicas(t, 2, p, store, &tokens.Options{Recheck: -1})
		require.NoError(t, all[1].Delete(t.Context(), "user"))
		loads := store.loads
		for range 49 {
			assert.Equal(t, "access-user-1", access(t, all[0]))
			time.Sleep(time.Minute)
		}
		assert.Equal(t, loads, store.loads)
		time.Sleep(10 * time.Minute)
		access(t, all[0]) // has the store looked at
		synctest.Wait()
		_, err := all[0].Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)
		assert.Zero(t, p.asked())
	})
}

// A key that nobody has used for long may have been deleted or replaced elsewhere.
//
// Law: M11
func TestIdleKeyIsLookedAtBeforeItsTokenIsServed(t *testing.T) {
	for name, row := range map[string]struct {
		elsewhere func(l *tokens.Login, ctx context.Context, newer *csoauth.Token) error
		want      error
	}{
		"deleted":  {func(l *tokens.Login, ctx context.Context, _ *csoauth.Token) error { return l.Delete(ctx) }, csoauth.ErrLoginRequired},
		"replaced": {(*tokens.Login).Put, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), new(tokens.Memory)
				here, there := replica(t, p, store, nil), replica(t, p, store, nil)
				require.NoError(t, here.Put(t.Context(), "user", p.login("user")))
				time.Sleep(5 * time.Minute)
				newer := p.login("user")
				require.NoError(t, row.elsewhere(there.For("user"), t.Context(), newer))
				time.Sleep(35 * time.Minute)
				token, err := here.Token(t.Context(), "user")
				require.ErrorIs(t, err, row.want)
				if row.want == nil {
					assert.Equal(t, newer.AccessToken, token.AccessToken)
				}
			})
		})
	}
}

// In an outage of the store one caller of each look waits, and not for long.
//
// Law: M11
func TestStoreThatHangsHoldsUpOneCallerOfEachLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		m := replica(t, p, store, nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		store.load = func(int, string) error {
			time.Sleep(10 * time.Second)
			return errors.New("it hangs")
		}
		time.Sleep(10 * time.Minute) // nobody has used it
		loads, waits := store.loads, 0
		for range 20 * 60 {
			asked := time.Now()
			assert.Equal(t, "access-user-1", access(t, m))
			if waited := time.Since(asked); waited > 0 {
				waits++
				assert.LessOrEqual(t, waited, 2*time.Second)
			}
			time.Sleep(time.Second)
		}
		assert.Positive(t, waits)
		store.change(func() { assert.LessOrEqual(t, waits, store.loads-loads) })
	})
}

// A caller who has no time for a look has the token of the last one.
func TestCallerWhoLeavesDuringALookHasAToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		m := replica(t, p, store, nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		time.Sleep(10 * time.Minute)
		store.load = func(int, string) error { time.Sleep(10 * time.Second); return nil }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		token, err := m.Token(ctx, "user")
		require.NoError(t, err)
		assert.Equal(t, "access-user-1", token.AccessToken)
		assert.Error(t, ctx.Err(), "it had waited")
	})
}

// A refresh that hangs is no look at the store: a login that was replaced meanwhile is noticed in
// time after it.
//
// Law: M11
func TestLookIsDueRecheckAfterTheLastOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		ms := replicas(t, 2, p, store, &tokens.Options{Recheck: 10 * time.Second})
		time.Sleep(p.lives - 5*time.Minute)
		p.before = func(n int, _ *http.Request) (*http.Response, error) {
			if n > 1 {
				return nil, nil
			}
			time.Sleep(24 * time.Second)
			return httpAnswer(500, "text/plain", "oops"), nil
		}
		access(t, ms[0])
		time.Sleep(time.Second)
		require.NoError(t, ms[1].Put(t.Context(), "user", p.login("other")))
		time.Sleep(24 * time.Second)
		access(t, ms[0]) // it begins a look
		synctest.Wait()
		assert.Equal(t, "access-other-2", access(t, ms[0]))
	})
}
