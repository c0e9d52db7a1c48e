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

// rememberedGaps asks for a token every second and returns the shortest and the longest time
// between two requests to p.
func rememberedGaps(t *testing.T, p *provider, m *tokens.Manager, during time.Duration) (shortest, longest time.Duration) {
	t.Helper()
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(time.Second) {
		_, err := m.Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)
	}
	require.GreaterOrEqual(t, len(p.posts), 2)
	shortest = during
	for i := range p.posts[1:] {
		gap := p.posts[i+1].at.Sub(p.posts[i].at)
		shortest, longest = min(shortest, gap), max(longest, gap)
	}
	return shortest, longest
}

func TestRefusalIsRememberedForAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		refusalOf(p, http.StatusUnauthorized, "application/json", `{"message":"invalid refresh_token"}`)
		m := newManager(p.config(), new(tokens.Memory), nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		time.Sleep(p.lives)

		shortest, longest := rememberedGaps(t, p, m, time.Hour)
		assert.GreaterOrEqual(t, shortest, time.Minute)
		assert.Less(t, p.posts[1].at.Sub(p.posts[0].at), 66*time.Second, "and not much longer")
		assert.Less(t, longest, 306*time.Second, "the backoff grows meanwhile, to 5 minutes")
		require.NoError(t, m.Close())
	})
}

func TestInvalidGrantIsRememberedForAQuarterOfAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		refusalOf(p, http.StatusBadRequest, "application/json", refusalDead)
		m := newManager(p.config(), new(tokens.Memory), nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		time.Sleep(p.lives)

		shortest, longest := rememberedGaps(t, p, m, 2*time.Hour)
		assert.GreaterOrEqual(t, shortest, 15*time.Minute)
		assert.Less(t, longest, 15*time.Minute+6*time.Second)
		require.NoError(t, m.Close())
	})
}

func TestStoreIsLookedAtEvery5SecondsAtMostByLoggedOutUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		refusalOf(p, http.StatusBadRequest, "application/json", refusalDead)
		var looks []time.Time
		store := &hooked{Store: new(tokens.Memory)}
		m := newManager(p.config(), store, nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		time.Sleep(p.lives)

		store.load = func(int, string) error { looks = append(looks, time.Now()); return nil }
		for range 10_000 {
			_, err := m.Token(t.Context(), "user")
			require.ErrorIs(t, err, csoauth.ErrLoginRequired)
			time.Sleep(100 * time.Millisecond)
		}
		for i := range looks[1:] {
			require.GreaterOrEqual(t, looks[i+1].Sub(looks[i]), 5*time.Second, "look %d", i+2)
		}
		assert.Greater(t, len(looks), 1000/6, "and it is looked at: the user may have logged in again")
		require.NoError(t, m.Close())
	})
}

func TestStoreThatIsDownIsLookedAtNoMoreOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		refusalOf(p, http.StatusBadRequest, "application/json", refusalDead)
		m := newManager(p.config(), store, nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		time.Sleep(p.lives)
		_, err := m.Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)

		var looks []time.Time
		store.load = func(int, string) error { looks = append(looks, time.Now()); return errStoreDown }
		for range 6000 {
			_, err := m.Token(t.Context(), "user")
			require.Error(t, err)
			time.Sleep(100 * time.Millisecond)
		}
		for i := range looks[1:] {
			require.GreaterOrEqual(t, looks[i+1].Sub(looks[i]), 5*time.Second, "look %d", i+2)
		}
		require.NoError(t, m.Close())
	})
}

func TestNewLoginClearsARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		refusalOf(p, http.StatusBadRequest, "application/json", refusalDead)
		here, there := newManager(p.config(), store, nil), newManager(p.config(), store, nil)
		require.NoError(t, here.Put(t.Context(), "user", p.login("user")))
		time.Sleep(p.lives)
		_, err := here.Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)

		time.Sleep(time.Second)
		p.lives = 5 * time.Minute // that refusal would be remembered for longer
		login := p.login("user")
		require.NoError(t, there.Put(t.Context(), "user", login))
		var token *csoauth.Token
		start := time.Now()
		for err != nil && time.Since(start) < time.Minute {
			time.Sleep(100 * time.Millisecond)
			token, err = here.Token(t.Context(), "user")
		}
		require.NoError(t, err)
		assert.Equal(t, login.AccessToken, token.AccessToken)
		assert.LessOrEqual(t, time.Since(start), 5*time.Second)
		assert.Equal(t, 1, p.asked())

		time.Sleep(p.lives) // the refusal was for that record: the next is tried at once, and refused anew
		_, err = here.Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)
		assert.Equal(t, 2, p.asked())

		login = p.login("user")
		require.NoError(t, here.Put(t.Context(), "user", login))
		token, err = here.Token(t.Context(), "user")
		require.NoError(t, err, "a login by this Manager counts at once")
		assert.Equal(t, login.AccessToken, token.AccessToken)
		require.NoError(t, here.Close())
		require.NoError(t, there.Close())
	})
}

func TestRefusalOutlivesAFailureOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		refusalOf(p, http.StatusBadRequest, "application/json", refusalDead)
		m := newManager(p.config(), store, nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		time.Sleep(p.lives)
		_, err := m.Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)

		store.load = func(int, string) error { return errStoreDown }
		for range 60 {
			time.Sleep(time.Second)
			_, err = m.Token(t.Context(), "user")
			require.Error(t, err)
		}
		store.load = nil
		for range 13 * 60 {
			time.Sleep(time.Second)
			_, err = m.Token(t.Context(), "user")
			require.Error(t, err)
		}
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)
		assert.Equal(t, 1, p.asked(), "a refusal is remembered for 15 minutes, whatever becomes of the store")
		require.NoError(t, m.Close())
	})
}
