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
func windowsOpen(t *testing.T, p *provider, m *tokens.Manager, key string) time.Duration {
	t.Helper()
	end := time.Now().Add(p.lives)
	for before := p.asked(); ; time.Sleep(p.lives / 1000) {
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

// TestWindows has the lengths for other lifetimes.
//
// Law: M8
func TestSoftWindow(t *testing.T) {
	t.Parallel()
	for option, row := range map[time.Duration]struct{ least, most time.Duration }{
		0:           {5*time.Minute + 15*time.Second, 10 * time.Minute}, // between soft and half the way to hard
		time.Minute: {45 * time.Second, time.Minute},
	} {
		t.Run(option.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				m := replica(t, p, new(tokens.Memory), &tokens.Options{SoftWindow: option, Recheck: -1})
				least, most := row.most, row.least
				for n := range 16 {
					user := fmt.Sprint("user", n)
					require.NoError(t, m.Put(t.Context(), user, p.login(user)))
					opens := windowsOpen(t, p, m, user)
					least, most = min(least, opens), max(most, opens)
				}
				assert.GreaterOrEqual(t, least, row.least-p.lives/1000)
				assert.LessOrEqual(t, most, row.most)
				assert.Greater(t, most-least, (row.most-row.least)/4, "users who came together are not refreshed together")
			})
		})
	}
}

// A refresh that takes long shows who waits: those who come in the hard window.
//
// Law: M8
func TestHardWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		p.takes = time.Second
		m := replicas(t, 1, p, new(tokens.Memory), nil)[0]
		require.NoError(t, m.Put(t.Context(), "another", p.login("another")))

		time.Sleep(p.lives - 30*time.Second - time.Millisecond)
		start := time.Now()
		_, err := m.Token(t.Context(), "another")
		require.NoError(t, err)
		assert.Equal(t, start, time.Now(), "just before it nobody waits")

		time.Sleep(2 * time.Millisecond)
		got := <-ask(t.Context(), m)
		require.NoError(t, got.err)
		assert.NotEqual(t, "access-user-1", got.token.AccessToken, "in it the new one is waited for")
		assert.Equal(t, p.takes, got.took)
	})
}

func TestNobodyWaitsLongWhileATokenIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		p.takes = 25 * time.Second
		m := replicas(t, 1, p, new(tokens.Memory), nil)[0]
		time.Sleep(p.lives - 29*time.Second)
		got := <-ask(t.Context(), m)
		require.NoError(t, got.err)
		assert.Equal(t, "access-user-1", got.token.AccessToken)
		assert.LessOrEqual(t, got.took, 15*time.Second, "half of what is left")
	})
}

// What has ended when it comes, because the response took longer, must not be asked for again and
// again.
//
// Law: M8
func TestTokenThatComesExpiredIsNotARefreshForEveryCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		p.after = func(_ int, resp *http.Response) (*http.Response, error) {
			time.Sleep(2 * time.Second)
			return resp, nil
		}
		m := replicas(t, 1, p, new(tokens.Memory), nil)[0]
		atEnd(p)
		p.lives = time.Second
		for range 100 {
			_, err := m.Token(t.Context(), "user")
			require.ErrorContains(t, err, "compare the clocks of these machines")
			time.Sleep(100 * time.Millisecond)
		}
		for _, gap := range outageGaps(p) {
			require.GreaterOrEqual(t, gap, 30*time.Second, "at most one refresh per half minute")
		}
	})
}

// A program that ends soon gets the token that a refresh brings, its own or another process's.
func TestWaitForRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		p.takes = 5 * time.Second
		first := replicas(t, 1, p, store, &tokens.Options{WaitForRefresh: true})[0]
		second := replica(t, p, store, &tokens.Options{WaitForRefresh: true})
		time.Sleep(p.lives - 10*time.Minute - time.Second)
		start := time.Now()
		require.Equal(t, "access-user-1", access(t, first))
		require.Equal(t, start, time.Now(), "it is not due yet")

		time.Sleep(5 * time.Minute)
		ours := ask(t.Context(), first)
		time.Sleep(time.Second)
		others := ask(t.Context(), second)
		for _, got := range []asked{<-ours, <-others} {
			require.NoError(t, got.err)
			assert.Equal(t, "access-user-2", got.token.AccessToken)
		}
		assert.Equal(t, 1, p.asked())
	})
}

// It waits for a while only, and has the old token if no better one comes.
func TestWaitForRefreshEnds(t *testing.T) {
	for name, row := range map[string]struct {
		takes time.Duration
		most  time.Duration
	}{
		"it fails": {time.Second, time.Second},
		"it hangs": {25 * time.Second, 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				m := replicas(t, 1, p, new(tokens.Memory), &tokens.Options{WaitForRefresh: true})[0]
				time.Sleep(p.lives - 5*time.Minute)
				p.before = func(int, *http.Request) (*http.Response, error) {
					time.Sleep(row.takes)
					return httpAnswer(500, "text/plain", "oops"), nil
				}
				got := <-ask(t.Context(), m)
				require.NoError(t, got.err)
				assert.Equal(t, "access-user-1", got.token.AccessToken)
				assert.Equal(t, row.most, got.took)
				start := time.Now()
				require.Equal(t, "access-user-1", access(t, m))
				if name == "it fails" {
					assert.Equal(t, start, time.Now(), "the next try is later")
				}
			})
		})
	}
}
