package tokens_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

// A server may forget the old access token at once when it hands out a new one. So a call may get a
// 401 while the refresh that its token was due for is under way. That is no reason to stay with the
// new token when another process replaces it in turn.
func TestA401DuringARefreshThatWasDueLeavesTheNextToBeMended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		store := new(tokens.Memory)
		m, other := newManager(p.config(), store, nil), newManager(p.config(), store, nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		time.Sleep(p.lives - 2*time.Minute) // in every soft window, and before every hard one
		token, err := m.Token(t.Context(), "user")
		require.NoError(t, err)
		require.Equal(t, "access-user-1", token.AccessToken, "the refresh goes on in the background")
		synctest.Wait()
		require.Equal(t, 1, p.asked())

		second := &api{answer: takesOnly("access-user-2")}
		require.Equal(t, http.StatusOK, transportGet(t, m.For("user").Transport(second), someAPI).StatusCode)
		require.Equal(t, []string{"Bearer access-user-1", "Bearer access-user-2"}, second.bearers())

		time.Sleep(10 * time.Second)
		third := &api{answer: takesOnly("access-user-3")}
		require.Equal(t, http.StatusOK, transportGet(t, other.For("user").Transport(third), someAPI).StatusCode)
		require.Equal(t, 2, p.asked())
		assert.Equal(t, http.StatusOK, transportGet(t, m.For("user").Transport(third), someAPI).StatusCode, "the store has a token that works")
		assert.Equal(t, 2, p.asked())
		require.NoError(t, m.Close())
		require.NoError(t, other.Close())
	})
}

// While another process refreshes, the old access token may be dead at the server before the new
// one is in the store. That process has said so by its lease, so a 401 then is worth the wait, even
// for a token that came because of a 401.
func TestA401WhileAnotherProcessRefreshesWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		store := new(tokens.Memory)
		m, other, third := newManager(p.config(), store, nil), newManager(p.config(), store, nil), newManager(p.config(), store, nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		get := func(m *tokens.Manager, good string) int {
			return transportGet(t, m.For("user").Transport(&api{answer: takesOnly(good)}), someAPI).StatusCode
		}
		require.Equal(t, http.StatusOK, get(other, "access-user-2"), "it refreshes because of a 401")
		require.Equal(t, http.StatusOK, get(m, "access-user-2"), "it adopts that because of a 401")
		require.Equal(t, 1, p.asked())

		time.Sleep(10 * time.Second)
		done := make(chan int)
		go func() { done <- get(third, "access-user-3") }()
		synctest.Wait()
		require.Equal(t, 2, p.asked(), "the third refreshes now, and its answer is on its way")
		assert.Equal(t, http.StatusOK, get(m, "access-user-3"))
		assert.Equal(t, http.StatusOK, <-done)
		assert.Equal(t, 2, p.asked())
		for _, m := range []*tokens.Manager{m, other, third} {
			require.NoError(t, m.Close())
		}
	})
}
