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

func TestRecordThatCannotBeReadIsNoLogout(t *testing.T) {
	for name, text := range map[string]string{
		"empty":         "",
		"of others":     "hello",
		"of the future": `{"kind":"csoauth/tokens.Record","version":2,"token":{}}`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), new(tokens.Memory)
				m := replicas(t, 1, p, store, nil)[0]
				good := readStored(t, store).raw
				require.NoError(t, store.CompareAndSwap(t.Context(), "user", good, []byte(text)))
				atEnd(p)
				_, err := m.Token(t.Context(), "user")
				require.Error(t, err)
				require.NotErrorIs(t, err, csoauth.ErrLoginRequired)
				assert.Equal(t, 0, p.asked())
				value, err := store.Load(t.Context(), "user")
				require.NoError(t, err)
				assert.Equal(t, text, string(value), "what cannot be read is left alone")

				require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
				assert.Equal(t, "access-user-2", access(t, m), "a new login takes its place")
			})
		})
	}
}

// A hanging store must not hang the callers, nor the refresh token under a lease.
func TestStoreThatHangsEndsTheRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		m := replicas(t, 1, p, store, nil)[0]
		store.load = func(int, string) error { time.Sleep(15 * time.Second); return errStoreDown }
		atEnd(p)
		got := <-ask(t.Context(), m)
		require.Error(t, got.err)
		require.NotErrorIs(t, got.err, csoauth.ErrLoginRequired)
		assert.LessOrEqual(t, got.took, 15*time.Second)
		assert.Equal(t, 0, p.asked())
	})
}
