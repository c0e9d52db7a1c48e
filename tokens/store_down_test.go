package tokens_test

import (
	"errors"
	"fmt"
	"strings"
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

// Law: M3
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

// TestErrorOfAStoreSaysWhatItWasAskedFor.
func TestErrorOfAStoreSaysWhatItWasAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, down := newProvider(), errors.New("down")
		store := &hooked{Store: new(tokens.Memory), swap: func(int, string, []byte, []byte) error { return down }}
		m := replica(t, p, store, nil)
		require.EqualError(t, m.Put(t.Context(), "user", p.login("user")), "tokens: the store failed to swap: down")
		store.load = func(int, string) error { return down }
		_, err := m.Token(t.Context(), "another")
		require.EqualError(t, err, "tokens: the store failed to load: down")
		require.Equal(t, "tokens.Manager", fmt.Sprint(m))
	})
}

// TestCleanText of a refusal that is stored has only what prints.
func TestCleanText(t *testing.T) {
	require.Equal(t, "ab", tokens.Clean("a\xff\x00\nb"))
	require.Len(t, tokens.Clean(strings.Repeat("x", 200)), 128)
}
