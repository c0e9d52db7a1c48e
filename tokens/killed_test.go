package tokens_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// What is not promised (law M5): this login is lost. Nothing worse comes of it, which would be
// another error than ErrLoginRequired, requests without end, or a new login that suffers from the
// old one.
//
// Law: M5
func TestProcessKilledBetweenAnswerAndWriteCostsTheLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), newBrokenLater()
		killed := replicas(t, 1, p, store, nil)[0]
		nearEnd(p)
		store.setBroken(true) // nothing that it writes after the lease arrives
		access(t, killed)
		time.Sleep(time.Second)
		require.Error(t, killed.Close())
		require.Equal(t, 1, p.asked())

		m := replica(t, p, store.Store, nil)
		for range 9 {
			assert.Equal(t, "access-user-1", access(t, m))
			time.Sleep(30 * time.Second)
		}
		assert.Equal(t, 1, p.asked(), "no second request while a token is left")
		for range 10 {
			time.Sleep(time.Minute)
			_, err := m.Token(t.Context(), "user")
			require.ErrorIs(t, err, csoauth.ErrLoginRequired)
			require.NotErrorIs(t, err, tokens.ErrNotFound)
			var said *csoauth.Error
			require.ErrorAs(t, err, &said)
			assert.Equal(t, "invalid_grant", said.Code)
		}
		assert.Equal(t, 2, p.asked())

		require.NoError(t, m.Put(t.Context(), "user", p.login("again")))
		for _, want := range []string{"access-again-3", "access-again-4"} {
			assert.Equal(t, want, access(t, m))
			atEnd(p)
		}
	})
}
