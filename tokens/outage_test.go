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

// outageGaps returns the times between the requests to p.
func outageGaps(p *provider) (gaps []time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range len(p.posts) - 1 {
		gaps = append(gaps, p.posts[i+1].at.Sub(p.posts[i].at))
	}
	return gaps
}

// retryAfterFirst has p tell the first to come back later.
func retryAfterFirst(p *provider, value string) {
	p.before = func(n int, _ *http.Request) (*http.Response, error) {
		if n > 1 {
			return nil, nil
		}
		resp := httpAnswer(http.StatusServiceUnavailable, "application/json", `{"error":"temporarily_unavailable"}`)
		resp.Header.Set("Retry-After", value)
		return resp, nil
	}
}

// Law: M8
func TestBackoffDiffersFromKeyToKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		refusalOf(p, http.StatusInternalServerError, "text/plain", "oops")
		m := replica(t, p, new(tokens.Memory), nil)
		users := gateUsers(t, p, m, "user", 10)
		atEnd(p)
		for range 300 {
			for _, user := range users {
				_, _ = m.Token(t.Context(), user)
			}
			time.Sleep(10 * time.Millisecond)
		}
		times := map[time.Time]bool{}
		for _, post := range p.posts[len(users) : 2*len(users)] {
			times[post.at] = true
		}
		assert.Greater(t, len(times), len(users)/2, "they do not come back together")
	})
}

// An hour of 500: the law's bounds with a token wanted every second are 8 requests while the pauses
// grow (they last 255 to 510 s together), and then one in 150 to 300 s.
//
// Law: M8
func TestHourOf500(t *testing.T) {
	for name, left := range map[string]time.Duration{"without a token": 0, "with a token": 80 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				p.lives = 24 * time.Hour
				m := replicas(t, 1, p, new(tokens.Memory), &tokens.Options{SoftWindow: 3 * time.Hour})[0]
				time.Sleep(p.lives - left)
				refusalOf(p, http.StatusInternalServerError, "text/plain", "oops")
				for range 3600 {
					got := <-ask(t.Context(), m)
					require.Equal(t, left > 0, got.err == nil)
					require.NotErrorIs(t, got.err, csoauth.ErrLoginRequired)
					require.Zero(t, got.took, "nobody waits")
					time.Sleep(time.Second)
				}
				t.Logf("%d requests in an hour of 500, %s", p.asked(), name)
				assert.GreaterOrEqual(t, p.asked(), 8+(3600-510)/301)
				assert.LessOrEqual(t, p.asked(), 8+(3600-255)/150+1)
			})
		})
	}
}

// TestRetryAfterIsHonouredInFullWhileATokenIsLeft: nobody waits for the refresh then.
//
// Law: M8
func TestRetryAfterIsHonouredInFullWhileATokenIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		retryAfterFirst(p, "7200")
		m := replicas(t, 1, p, new(tokens.Memory), nil)[0]
		for end := time.Now().Add(p.lives - 10*time.Second); time.Now().Before(end); time.Sleep(time.Second) {
			assert.Equal(t, "access-user-1", access(t, m))
		}
		synctest.Wait()
		require.Equal(t, 1, p.asked())
		require.Greater(t, time.Since(p.posts[0].at), 5*time.Minute, "the first try was early enough for this test to mean something")

		time.Sleep(time.Second)
		assert.Equal(t, "access-user-2", access(t, m), "the server is back, and a caller waits")
	})
}

// Law: M8
func TestRetryAfterIsHonoured(t *testing.T) {
	for value, row := range map[string]struct{ least, most time.Duration }{
		"120":  {2 * time.Minute, 133 * time.Second},
		"7200": {150 * time.Second, 5*time.Minute + time.Second}, // a caller waits: 5 minutes at most
		"":     {time.Second, 3 * time.Second},
	} {
		t.Run(value, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				retryAfterFirst(p, value)
				m := replicas(t, 1, p, new(tokens.Memory), nil)[0]
				atEnd(p)
				_, err := m.Token(t.Context(), "user")
				require.Error(t, err)
				for ; err != nil; _, err = m.Token(t.Context(), "user") {
					require.NotErrorIs(t, err, csoauth.ErrLoginRequired)
					require.ErrorContains(t, err, "(next try at 01:")
					time.Sleep(time.Second)
				}
				require.Equal(t, 2, p.asked())
				gap := outageGaps(p)[0]
				assert.GreaterOrEqual(t, gap, row.least)
				assert.LessOrEqual(t, gap, row.most)
			})
		})
	}
}

// Law: M8
func TestUsersWithoutATokenGetTheRememberedErrorAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		p.takes = 2 * time.Second
		p.after = func(int, *http.Response) (*http.Response, error) {
			return httpAnswer(http.StatusBadGateway, "text/html", "<h1>Bad Gateway</h1>"), nil
		}
		store := &hooked{Store: new(tokens.Memory)}
		m := replicas(t, 1, p, store, nil)[0]
		atEnd(p)
		_, first := m.Token(t.Context(), "user")
		require.Error(t, first)

		start, loads := time.Now(), store.loads
		for range 1000 {
			_, err := m.Token(t.Context(), "user")
			require.Equal(t, first, err)
		}
		assert.Equal(t, start, time.Now())
		assert.Equal(t, loads, store.loads)
		assert.Equal(t, 2, p.asked(), "once, and a moment later once more")
	})
}
