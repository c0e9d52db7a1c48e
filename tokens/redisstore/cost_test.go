package redisstore_test

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// refresher returns a token that is another each time.
type refresher func() *csoauth.Token

func (r refresher) Refresh(context.Context, *csoauth.Token) (*csoauth.Token, error) { return r(), nil }

// TestWhatAManagerCosts holds the table of README.md.
func TestWhatAManagerCosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := new(server)
		store := newStore(t, fake.do, nil)
		require.NoError(t, store.CompareAndSwap(t.Context(), "grace", nil, nil)) // the server has the scripts from here on
		_, err := store.Load(t.Context(), "grace")
		require.ErrorIs(t, err, tokens.ErrNotFound)
		sealed, err := tokens.Sealed(store, bytes.Repeat([]byte{7}, 32))
		require.NoError(t, err)
		n := 0
		login := func() *csoauth.Token {
			n++
			name := string(rune('a' + n))
			return &csoauth.Token{AccessToken: "access " + name, RefreshToken: "refresh " + name, Expiry: time.Now().Add(time.Hour)}
		}
		manager := func() *tokens.Manager {
			m, err := tokens.New(refresher(login), sealed, &tokens.Options{Recheck: -1})
			require.NoError(t, err)
			return m
		}
		m := manager()
		token := func() {
			t.Helper()
			_, err := m.Token(t.Context(), "ada")
			require.NoError(t, err)
			synctest.Wait()
		}
		costs := func(what string, want int, do func()) {
			t.Helper()
			fake.sent = nil
			do()
			assert.Len(t, fake.sent, want, what)
			for _, command := range fake.sent {
				assert.Equal(t, "EVALSHA", command[0], what)
			}
		}
		costs("Put", 2, func() { require.NoError(t, m.Put(t.Context(), "ada", login())) })
		costs("Put over another", 2, func() { require.NoError(t, m.Put(t.Context(), "ada", login())) })
		costs("a hit", 0, token)
		require.NoError(t, m.Close())
		m = manager()
		costs("a look", 1, token)
		time.Sleep(time.Hour)
		costs("a refresh", 3, token)
		costs("Delete", 2, func() { require.NoError(t, m.Delete(t.Context(), "ada")) })
		require.NoError(t, m.Close())
	})
}
