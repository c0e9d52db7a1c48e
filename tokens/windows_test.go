package tokens_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

// windowsOpen uses key's token step by step until a refresh begins, and returns how long before the
// token's end that was.
func windowsOpen(t *testing.T, p *provider, m *tokens.Manager, key string, step time.Duration) time.Duration {
	t.Helper()
	end := time.Now().Add(p.lives)
	for before := p.asked(); ; time.Sleep(step) {
		start := time.Now()
		_, err := m.Token(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, start, time.Now(), "nobody waits before the hard window")
		synctest.Wait()
		if p.asked() > before {
			return end.Sub(start)
		}
		require.True(t, start.Before(end), "it is refreshed before its end")
	}
}

func TestSoftWindow(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		lives, option time.Duration
		least, most   time.Duration
	}{
		{time.Second, 0, 175 * time.Millisecond, 250 * time.Millisecond}, // between soft and half the way to hard
		{3 * time.Second, 0, 525 * time.Millisecond, 750 * time.Millisecond},
		{time.Minute, 0, 10500 * time.Millisecond, 15 * time.Second},
		{time.Hour, 0, 5*time.Minute + 15*time.Second, 10 * time.Minute},
		{24 * time.Hour, 0, 5*time.Minute + 15*time.Second, 10 * time.Minute},
		{time.Hour, 24 * time.Hour, 7*time.Minute + 45*time.Second, 15 * time.Minute}, // a quarter
		{24 * time.Hour, 24 * time.Hour, 180*time.Minute + 15*time.Second, 6 * time.Hour},
		{time.Hour, time.Minute, 45 * time.Second, time.Minute},
	} {
		t.Run(fmt.Sprint(row.lives, " with ", row.option), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				p.lives, p.takes = row.lives, min(row.lives/100, time.Second)
				m := newManager(p.config(), new(tokens.Memory), &tokens.Options{SoftWindow: row.option, Recheck: -1})
				least, most := row.most, row.least
				step := row.lives / 1000
				const users = 16
				for n := range users {
					user := fmt.Sprint("user", n)
					require.NoError(t, m.Put(t.Context(), user, p.login(user)))
					opens := windowsOpen(t, p, m, user, step)
					least, most = min(least, opens), max(most, opens)
					synctest.Wait()
				}
				assert.GreaterOrEqual(t, least, row.least-step)
				assert.LessOrEqual(t, most, row.most)
				assert.Greater(t, most-least, (row.most-row.least)/4, "users who came together are not refreshed together")
				require.NoError(t, m.Close())
			})
		})
	}
}

// A refresh that takes long shows who waits: those who come in the hard window.
func TestHardWindow(t *testing.T) {
	for _, row := range []struct{ lives, hard time.Duration }{
		{time.Second, 100 * time.Millisecond},
		{3 * time.Second, 300 * time.Millisecond},
		{time.Minute, 6 * time.Second},
		{5 * time.Minute, 30 * time.Second},
		{time.Hour, 30 * time.Second},
		{24 * time.Hour, 30 * time.Second},
	} {
		t.Run(row.lives.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				p.lives, p.takes = row.lives, min(row.hard/100, time.Second)
				m := newManager(p.config(), new(tokens.Memory), nil)
				login := p.login("user")
				late := p.login("late")
				require.NoError(t, m.Put(t.Context(), "user", login))
				require.NoError(t, m.Put(t.Context(), "late", late))

				time.Sleep(row.lives - row.hard - row.hard/1000)
				start := time.Now()
				token, err := m.Token(t.Context(), "user")
				require.NoError(t, err)
				assert.Equal(t, login.AccessToken, token.AccessToken, "just before it nobody waits")
				assert.Equal(t, start, time.Now())

				time.Sleep(row.hard / 500)
				start = time.Now()
				token, err = m.Token(t.Context(), "late")
				require.NoError(t, err)
				assert.NotEqual(t, late.AccessToken, token.AccessToken, "in it the new one is waited for")
				assert.Equal(t, p.takes, time.Since(start))
				require.NoError(t, m.Close())
			})
		})
	}
}

func TestNobodyWaitsLongWhileATokenIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		p.takes = 25 * time.Second
		m := newManager(p.config(), new(tokens.Memory), nil)
		login := p.login("user")
		require.NoError(t, m.Put(t.Context(), "user", login))
		time.Sleep(p.lives - 29*time.Second)
		start := time.Now()
		token, err := m.Token(t.Context(), "user")
		require.NoError(t, err)
		assert.Equal(t, login.AccessToken, token.AccessToken)
		assert.LessOrEqual(t, time.Since(start), 15*time.Second, "half of what is left")
		require.NoError(t, m.Close())
	})
}

// A token lives three quarters of its lifetime at least before the next, or half a minute where
// that is less.
func TestOneRefreshPerHalfMinute(t *testing.T) {
	t.Parallel()
	for _, lives := range []time.Duration{time.Second, 3 * time.Second, time.Minute, time.Hour} {
		t.Run(lives.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				p.lives, p.takes = lives, min(lives/100, time.Second)
				m := newManager(p.config(), new(tokens.Memory), &tokens.Options{SoftWindow: 24 * time.Hour})
				require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
				for range 10_000 {
					_, err := m.Token(t.Context(), "user")
					require.NoError(t, err)
					time.Sleep(lives / 500)
				}
				gaps := outageGaps(p)
				assert.Greater(t, len(gaps), 18)
				for _, gap := range gaps {
					require.GreaterOrEqual(t, gap, min(30*time.Second, lives/2))
				}
				require.NoError(t, m.Close())
			})
		})
	}
}

// What has ended when it comes, because the answer took longer, must not be asked for again and
// again.
func TestTokenThatComesExpiredIsNotARefreshForEveryCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		p.after = func(_ int, resp *http.Response) (*http.Response, error) {
			time.Sleep(2 * time.Second)
			return resp, nil
		}
		m := newManager(p.config(), new(tokens.Memory), nil)
		login := p.login("user")
		require.NoError(t, m.Put(t.Context(), "user", login))
		time.Sleep(p.lives)
		p.lives = time.Second
		for range 100 {
			_, err := m.Token(t.Context(), "user")
			require.Error(t, err)
			time.Sleep(100 * time.Millisecond)
		}
		for _, gap := range outageGaps(p) {
			require.GreaterOrEqual(t, gap, 30*time.Second, "at most one refresh per half minute")
		}
		require.NoError(t, m.Close())
	})
}
