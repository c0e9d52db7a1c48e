package tokens_test

import (
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

// outageGaps returns the times between the requests to p.
func outageGaps(p *provider) (gaps []time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range len(p.posts) - 1 {
		gaps = append(gaps, p.posts[i+1].at.Sub(p.posts[i].at))
	}
	return gaps
}

// outageRetryAfter is an answer that says when to come back.
func outageRetryAfter(status int, value string) *http.Response {
	resp := httpAnswer(status, "application/json", `{"error":"temporarily_unavailable"}`)
	resp.Header.Set("Retry-After", value)
	return resp
}

func TestBackoffGrowsFromASecondTo5Minutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		refusalOf(p, http.StatusInternalServerError, "text/plain", "oops")
		m := newManager(p.config(), new(tokens.Memory), nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		time.Sleep(p.lives)
		for end := time.Now().Add(2 * time.Hour); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			_, err := m.Token(t.Context(), "user")
			require.Error(t, err)
		}
		for i, gap := range outageGaps(p) {
			most := min(2*time.Second<<min(i, 16), 5*time.Minute)
			assert.GreaterOrEqual(t, gap, most/2, "pause %d", i+1)
			assert.LessOrEqual(t, gap, most+100*time.Millisecond, "pause %d", i+1)
		}
		require.NoError(t, m.Close())
	})
}

func TestBackoffDiffersFromKeyToKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		refusalOf(p, http.StatusInternalServerError, "text/plain", "oops")
		m := newManager(p.config(), new(tokens.Memory), nil)
		const users = 10
		for n := range users {
			require.NoError(t, m.Put(t.Context(), fmt.Sprint(n), p.login(fmt.Sprint(n))))
		}
		time.Sleep(p.lives)
		start := time.Now()
		for time.Since(start) < 3*time.Second {
			for n := range users {
				_, _ = m.Token(t.Context(), fmt.Sprint(n))
			}
			time.Sleep(10 * time.Millisecond)
		}
		times := map[time.Time]bool{}
		for _, post := range p.posts[users : 2*users] {
			times[post.at] = true
		}
		assert.Greater(t, len(times), users/2, "they do not come back together")
		require.NoError(t, m.Close())
	})
}

// An hour of 500: the law's bounds with a token wanted every second are 8 requests while the pauses
// grow (they last 255 to 510 s together), and then one in 150 to 300 s.
func TestHourOf500(t *testing.T) {
	for name, lives := range map[string]time.Duration{"without a token": time.Hour, "with a token": 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				p.lives = lives
				m := newManager(p.config(), new(tokens.Memory), &tokens.Options{SoftWindow: 3 * time.Hour})
				require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
				left := lives > time.Hour
				if left {
					time.Sleep(lives - 80*time.Minute) // in the soft window for certain
				} else {
					time.Sleep(lives)
				}
				refusalOf(p, http.StatusInternalServerError, "text/plain", "oops")
				for range 3600 {
					start := time.Now()
					_, err := m.Token(t.Context(), "user")
					require.Equal(t, left, err == nil)
					require.NotErrorIs(t, err, csoauth.ErrLoginRequired)
					require.Equal(t, start, time.Now(), "nobody waits")
					time.Sleep(time.Second)
				}
				t.Logf("%d requests in an hour of 500, %s", p.asked(), name)
				assert.GreaterOrEqual(t, p.asked(), 8+(3600-510)/301)
				assert.LessOrEqual(t, p.asked(), 8+(3600-255)/150+1)
				require.NoError(t, m.Close())
			})
		})
	}
}

// TestRetryAfterIsHonouredInFullWhileATokenIsLeft: nobody waits for the refresh then.
func TestRetryAfterIsHonouredInFullWhileATokenIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		p.before = func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return outageRetryAfter(503, "7200"), nil
			}
			return nil, nil
		}
		m := newManager(p.config(), new(tokens.Memory), nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		end := time.Now().Add(p.lives - 10*time.Second)
		for time.Now().Before(end) {
			_, err := m.Token(t.Context(), "user")
			require.NoError(t, err)
			time.Sleep(time.Second)
		}
		synctest.Wait()
		require.Equal(t, 1, p.asked())
		require.Greater(t, end.Sub(p.posts[0].at), 5*time.Minute, "the first try was early enough for this test to mean something")

		time.Sleep(time.Second)
		token, err := m.Token(t.Context(), "user")
		require.NoError(t, err, "the server is back, and somebody waits")
		require.Equal(t, 2, p.asked())
		p.requireAlive(t, token)
		require.NoError(t, m.Close())
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	for name, row := range map[string]struct {
		status int
		value  string
		least  time.Duration
		most   time.Duration
	}{
		"429":              {429, "120", 2 * time.Minute, 133 * time.Second},
		"503":              {503, "120", 2 * time.Minute, 133 * time.Second},
		"500":              {500, "120", 2 * time.Minute, 133 * time.Second},
		"a date":           {503, "Sat, 01 Jan 2000 01:02:00 GMT", 2 * time.Minute, 133 * time.Second},
		"a later date":     {503, "Sat, 01 Jan 2000 03:00:00 GMT", 150 * time.Second, 5*time.Minute + time.Second},
		"an hour":          {429, "3600", 150 * time.Second, 5*time.Minute + time.Second},
		"two hours":        {503, "7200", 150 * time.Second, 5*time.Minute + time.Second},
		"an eternity":      {503, "99999999999999999999", 150 * time.Second, 5*time.Minute + time.Second},
		"429 without":      {429, "", time.Second, 3 * time.Second},
		"503 without":      {503, "", time.Second, 3 * time.Second},
		"nonsense is none": {503, "soon", time.Second, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				p.before = func(n int, _ *http.Request) (*http.Response, error) {
					if n == 1 {
						return outageRetryAfter(row.status, row.value), nil
					}
					return nil, nil
				}
				m := newManager(p.config(), new(tokens.Memory), nil)
				require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
				time.Sleep(p.lives)
				start := time.Now()
				var token *csoauth.Token
				_, err := m.Token(t.Context(), "user")
				require.Error(t, err)
				for ; err != nil; token, err = m.Token(t.Context(), "user") {
					require.NotErrorIs(t, err, csoauth.ErrLoginRequired)
					require.Less(t, time.Since(start), 2*time.Hour)
					require.ErrorContains(t, err, "(next try at 01:")
					time.Sleep(time.Second)
				}
				require.Equal(t, 2, p.asked())
				gap := outageGaps(p)[0]
				assert.GreaterOrEqual(t, gap, row.least)
				assert.LessOrEqual(t, gap, row.most)
				p.requireAlive(t, token)
				require.NoError(t, m.Close())
			})
		})
	}
}

// A short one is waited for by the Config itself, three tries in all; the Manager's pauses begin
// after them.
func TestShortRetryAfterIsWaitedForByTheConfig(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		p.before = func(int, *http.Request) (*http.Response, error) { return outageRetryAfter(503, "2"), nil }
		m := newManager(p.config(), new(tokens.Memory), nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		time.Sleep(p.lives)
		start := time.Now()
		_, err := m.Token(t.Context(), "user")
		require.Error(t, err)
		assert.Equal(t, 4*time.Second, time.Since(start))
		assert.Equal(t, 3, p.asked())

		for p.asked() == 3 {
			_, err = m.Token(t.Context(), "user")
			require.Error(t, err)
			time.Sleep(10 * time.Millisecond)
			require.Less(t, time.Since(start), 15*time.Second)
		}
		assert.GreaterOrEqual(t, p.posts[3].at.Sub(p.posts[2].at), 2*time.Second)
		require.NoError(t, m.Close())
	})
}

func TestRetryAfterOutlivesAFailureOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		p.before = func(int, *http.Request) (*http.Response, error) { return outageRetryAfter(429, "3600"), nil }
		m := newManager(p.config(), store, nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		time.Sleep(p.lives)
		_, err := m.Token(t.Context(), "user")
		require.Error(t, err)
		store.load = func(n int, _ string) error {
			if n%2 == 0 {
				return errStoreDown
			}
			return nil
		}
		for range 59 * 60 {
			time.Sleep(time.Second)
			_, err = m.Token(t.Context(), "user")
			require.Error(t, err)
		}
		assert.GreaterOrEqual(t, p.asked(), 12, "somebody waits, so the provider is asked within 5 minutes")
		assert.LessOrEqual(t, p.asked(), 25, "and not more often, whatever becomes of the store")
		require.NoError(t, m.Close())
	})
}

func TestUsersWithoutATokenGetTheRememberedErrorAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		p.takes = 2 * time.Second
		p.after = func(int, *http.Response) (*http.Response, error) {
			return httpAnswer(http.StatusBadGateway, "text/html", "<h1>Bad Gateway</h1>"), nil
		}
		store := &hooked{Store: new(tokens.Memory)}
		m := newManager(p.config(), store, nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		time.Sleep(p.lives)
		_, first := m.Token(t.Context(), "user")
		require.Error(t, first)

		start, loads := time.Now(), store.loads
		for range 1000 {
			_, err := m.Token(t.Context(), "user")
			require.Equal(t, first, err)
		}
		assert.Equal(t, start, time.Now())
		assert.Equal(t, loads, store.loads)
		assert.Equal(t, 1, p.asked())
		require.NoError(t, m.Close())
	})
}
