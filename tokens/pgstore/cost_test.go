package pgstore_test

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
		fake, store := newStore(t, nil)
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
		costs := func(what string, want []string, do func()) {
			t.Helper()
			fake.sent = nil
			do()
			assert.Equal(t, want, fake.sent, what)
		}
		costs("Put", []string{"SELECT", "INSERT"}, func() { require.NoError(t, m.Put(t.Context(), "ada", login())) })
		costs("Put over another", []string{"SELECT", "UPDATE"}, func() { require.NoError(t, m.Put(t.Context(), "ada", login())) })
		costs("a hit", nil, token)
		require.NoError(t, m.Close())
		m = manager()
		costs("a look", []string{"SELECT"}, token)
		time.Sleep(time.Hour)
		costs("a refresh", []string{"SELECT", "UPDATE", "UPDATE"}, token)
		costs("Delete", []string{"SELECT", "DELETE"}, func() { require.NoError(t, m.Delete(t.Context(), "ada")) })
		require.NoError(t, m.Close())
	})
}
