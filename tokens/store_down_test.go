package tokens_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

var errStoreDown = errors.New("the store is down")

func TestStoreThatIsDownIsNoLogout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		m := replicas(t, 1, p, store, nil)[0]
		store.load = func(int, string) error { return errStoreDown }

		nearEnd(p)
		for range 5 {
			assert.Equal(t, "access-user-1", access(t, m), "a token that is valid is handed out")
			time.Sleep(30 * time.Second)
		}
		atEnd(p)
		_, err := m.Token(t.Context(), "user")
		require.ErrorIs(t, err, errStoreDown)
		require.NotErrorIs(t, err, csoauth.ErrLoginRequired)
		require.NotErrorIs(t, err, tokens.ErrNotFound)
		assert.Equal(t, 0, p.asked(), "nothing is sent without a look at the store")

		store.load = nil
		time.Sleep(5 * time.Minute)
		assert.Equal(t, "access-user-2", access(t, m))
	})
}

func TestStoreThatCannotBeWrittenCostsNoRefreshToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		m := replicas(t, 1, p, store, nil)[0]
		store.swap = func(int, string, []byte, []byte) error { return errStoreDown }
		atEnd(p)
		for range 20 {
			_, err := m.Token(t.Context(), "user")
			require.ErrorIs(t, err, errStoreDown)
			require.NotErrorIs(t, err, csoauth.ErrLoginRequired)
			time.Sleep(time.Minute)
		}
		assert.Equal(t, 0, p.asked())

		store.swap = nil
		time.Sleep(5 * time.Minute)
		assert.Equal(t, "access-user-2", access(t, m))
	})
}
