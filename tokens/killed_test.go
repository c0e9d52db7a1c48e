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

// What is not promised (law M5): these logins are lost. The tests show that nothing worse comes of it, which would be
// another error than ErrLoginRequired, requests without end, or a new login that suffers from the old one.

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
			token, err := m.Token(t.Context(), "user")
			require.NoError(t, err)
			assert.Equal(t, "access-user-1", token.AccessToken)
			time.Sleep(30 * time.Second)
		}
		assert.Equal(t, 1, p.asked(), "no second request while a token is left")
		time.Sleep(time.Minute)
		requireLoginLost(t, p, m, 2)
	})
}

func TestStoreThatForgetsAWriteOfADeadProcessCostsTheLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		dead := replicas(t, 1, p, store, nil)[0]
		old := readStored(t, store)
		atEnd(p)
		access(t, dead)
		require.NoError(t, dead.Close())
		require.NoError(t, store.CompareAndSwap(t.Context(), "user", readStored(t, store).raw, old.raw))
		requireLoginLost(t, p, replica(t, p, store, nil), 2)
	})
}

// requireLoginLost fails unless m finds out by the request number asked, and a new login helps.
func requireLoginLost(t *testing.T, p *provider, m *tokens.Manager, asked int) {
	t.Helper()
	for range 10 {
		_, err := m.Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)
		require.NotErrorIs(t, err, tokens.ErrNotFound)
		var said *csoauth.Error
		require.ErrorAs(t, err, &said)
		assert.Equal(t, "invalid_grant", said.Code)
		time.Sleep(time.Minute)
	}
	assert.Equal(t, asked, p.asked())

	require.NoError(t, m.Put(t.Context(), "user", p.login("again")))
	token, err := m.Token(t.Context(), "user")
	require.NoError(t, err)
	assert.Equal(t, "again", token.UserUID)
	atEnd(p)
	token, err = m.Token(t.Context(), "user")
	require.NoError(t, err)
	p.requireAlive(t, token)
}
