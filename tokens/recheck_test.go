package tokens_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// recheckNoticed uses key, some thousand times at most, until it gets something else than before.
// It returns how long that took, and what it got.
func recheckNoticed(t *testing.T, m *tokens.Manager, key string, before *csoauth.Token, step time.Duration) (after time.Duration, token *csoauth.Token, err error) {
	t.Helper()
	for start := time.Now(); time.Since(start) < 3000*step; time.Sleep(step) {
		asked := time.Now()
		token, err = m.Token(t.Context(), key)
		require.Equal(t, asked, time.Now(), "the look into the store is in the background")
		if err != nil || token.AccessToken != before.AccessToken {
			return time.Since(start), token, err
		}
		synctest.Wait()
	}
	require.Fail(t, "never noticed")
	return 0, nil, nil
}

func TestEndOfALoginElsewhereEndsItHereWithinRecheck(t *testing.T) {
	for _, row := range []struct{ option, recheck time.Duration }{{0, time.Minute}, {10 * time.Second, 10 * time.Second}, {10 * time.Minute, 10 * time.Minute}} {
		t.Run(row.recheck.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), new(tokens.Memory)
				here, there := newManager(p.config(), store, &tokens.Options{Recheck: row.option}), newManager(p.config(), store, nil)
				step := row.recheck / 1000
				shortest, longest := row.recheck, time.Duration(0)
				for n := range 20 {
					user := fmt.Sprint("user", n)
					login := p.login(user)
					require.NoError(t, here.Put(t.Context(), user, login))
					require.NoError(t, there.Delete(t.Context(), user))
					after, _, err := recheckNoticed(t, here, user, login, step)
					require.ErrorIs(t, err, csoauth.ErrLoginRequired)
					require.ErrorIs(t, err, tokens.ErrNotFound)
					require.Positive(t, after, "the call that has the store looked at gets the old one")
					shortest, longest = min(shortest, after), max(longest, after)
				}
				assert.GreaterOrEqual(t, shortest, row.recheck/2, "replicas must not look all the time")
				assert.LessOrEqual(t, longest, row.recheck+2*step)
				assert.Greater(t, longest-shortest, row.recheck/10, "nor at the same moment")
				require.NoError(t, here.Close())
				require.NoError(t, there.Close())
			})
		})
	}
}

func TestLoginReplacedElsewhereIsReplacedHereWithinRecheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		here, there := newManager(p.config(), store, nil), newManager(p.config(), store, nil)
		old := p.login("user")
		require.NoError(t, here.Put(t.Context(), "user", old))
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		_, err := here.Token(t.Context(), "user")
		require.NoError(t, err)
		synctest.Wait() // it has just looked
		newer := p.login("user")
		require.NoError(t, there.Put(t.Context(), "user", newer))
		after, token, err := recheckNoticed(t, here, "user", old, 100*time.Millisecond)
		require.NoError(t, err)
		assert.Equal(t, newer.AccessToken, token.AccessToken)
		assert.GreaterOrEqual(t, after, 30*time.Second)
		assert.LessOrEqual(t, after, time.Minute+200*time.Millisecond)
		assert.Zero(t, p.asked())
		require.NoError(t, here.Close())
		require.NoError(t, there.Close())
	})
}

func TestWithoutRecheckTheStoreIsLookedAtToRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		here, there := newManager(p.config(), store, &tokens.Options{Recheck: -1}), newManager(p.config(), store, nil)
		login := p.login("user")
		require.NoError(t, here.Put(t.Context(), "user", login))
		require.NoError(t, there.Delete(t.Context(), "user"))
		loads := store.loads
		for range 49 {
			token, err := here.Token(t.Context(), "user")
			require.NoError(t, err)
			require.Equal(t, login.AccessToken, token.AccessToken)
			time.Sleep(time.Minute)
		}
		assert.Equal(t, loads, store.loads)
		time.Sleep(10 * time.Minute)
		_, err := here.Token(t.Context(), "user")
		require.NoError(t, err, "the call that has the store looked at gets the old one")
		synctest.Wait()
		_, err = here.Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)
		assert.Zero(t, p.asked())
		require.NoError(t, here.Close())
		require.NoError(t, there.Close())
	})
}

func TestUnusedKeyIsNotLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		m := newManager(p.config(), store, nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		loads := store.loads
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		assert.Equal(t, loads, store.loads)
		assert.Zero(t, p.asked())
		require.NoError(t, m.Close())
	})
}

// A key that nobody has used for long may have been deleted or replaced elsewhere.
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
		assert.LessOrEqual(t, waits, store.loads-loads)
	})
}
