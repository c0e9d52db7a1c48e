package tokens_test

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// A refusal is remembered for a minute, and an invalid_grant for a quarter of an hour.
func TestRefusalIsRemembered(t *testing.T) {
	for name, row := range map[string]struct {
		body         string
		first, other time.Duration // the longest time to the second request, and between others
	}{
		"a minute":             {`{"message":"invalid refresh_token"}`, 66 * time.Second, 306 * time.Second}, // the backoff grows
		"a quarter of an hour": {refusalDead, 906 * time.Second, 906 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				refusalOf(p, http.StatusUnauthorized, "application/json", row.body)
				m := replicas(t, 1, p, new(tokens.Memory), nil)[0]
				atEnd(p)
				for range 2 * 3600 {
					_, err := m.Token(t.Context(), "user")
					require.ErrorIs(t, err, csoauth.ErrLoginRequired)
					time.Sleep(time.Second)
				}
				gaps := outageGaps(p)
				assert.GreaterOrEqual(t, slices.Min(gaps), row.first-6*time.Second)
				assert.Less(t, gaps[0], row.first)
				assert.Less(t, slices.Max(gaps), row.other)
			})
		})
	}
}

func TestStoreIsLookedAtEvery5SecondsAtMostByLoggedOutUsers(t *testing.T) {
	for name, fails := range map[string]error{"it works": nil, "it is down": errStoreDown} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
				refusalOf(p, http.StatusBadRequest, "application/json", refusalDead)
				m := replicas(t, 1, p, store, nil)[0]
				atEnd(p)
				_, err := m.Token(t.Context(), "user")
				require.ErrorIs(t, err, csoauth.ErrLoginRequired)

				var looks []time.Time
				store.load = func(int, string) error { looks = append(looks, time.Now()); return fails }
				for range 8_800 { // 20 s less than the refusal is remembered: then a refresh is due, and a look
					_, err := m.Token(t.Context(), "user")
					require.Error(t, err)
					time.Sleep(100 * time.Millisecond)
				}
				for i := range looks[1:] {
					require.GreaterOrEqual(t, looks[i+1].Sub(looks[i]), 5*time.Second, "look %d", i+2)
				}
				if fails == nil {
					assert.Greater(t, len(looks), 880/6, "and it is looked at: the user may have logged in again")
				}
			})
		})
	}
}

func TestNewLoginClearsARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		refusalOf(p, http.StatusBadRequest, "application/json", refusalDead)
		all := replicas(t, 2, p, store, nil)
		here, there := all[0], all[1]
		atEnd(p)
		_, err := here.Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)

		time.Sleep(time.Second)
		p.lives = 5 * time.Minute // that refusal would be remembered for longer
		require.NoError(t, there.Put(t.Context(), "user", p.login("user")))
		start := time.Now()
		for err != nil && time.Since(start) < time.Minute {
			time.Sleep(100 * time.Millisecond)
			_, err = here.Token(t.Context(), "user")
		}
		assert.LessOrEqual(t, time.Since(start), 5*time.Second)
		assert.Equal(t, "access-user-2", access(t, here))
		assert.Equal(t, 1, p.asked())

		atEnd(p) // the refusal was for that record: the next is tried at once, and refused anew
		_, err = here.Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)
		assert.Equal(t, 2, p.asked())

		require.NoError(t, here.Put(t.Context(), "user", p.login("user")))
		assert.Equal(t, "access-user-3", access(t, here), "a login by this Manager counts at once")
	})
}

// What the server has said counts on, whatever becomes of the store: a refusal for 15 minutes.
func TestRefusalOutlivesAFailureOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		refusalOf(p, http.StatusBadRequest, "application/json", refusalDead)
		m := replicas(t, 1, p, store, nil)[0]
		atEnd(p)
		_, err := m.Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)
		store.load = func(int, string) error { return errStoreDown }
		for second := range 14 * 60 {
			if second == 60 {
				store.load = nil
			}
			time.Sleep(time.Second)
			_, err = m.Token(t.Context(), "user")
			require.Error(t, err)
		}
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)
		assert.Equal(t, 1, p.asked())
	})
}
