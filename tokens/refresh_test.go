package tokens_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

func TestHerdIsOneRefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := newManager(p.config(), new(tokens.Memory), nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		time.Sleep(2 * p.lives)

		var all sync.WaitGroup
		for range 10_000 {
			all.Go(func() {
				token, err := m.Token(t.Context(), "user")
				if assert.NoError(t, err) {
					assert.Equal(t, "access-user-2", token.AccessToken)
				}
			})
		}
		all.Wait()
		assert.Equal(t, 1, p.asked())
		require.NoError(t, m.Close())
	})
}
