package tokens_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

// TestCallThatEndsBeforeItsTurnHasDoneNothing: Put and Delete of one key wait for each other, and
// one that was not done must not say that it was.
func TestCallThatEndsBeforeItsTurnHasDoneNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		m := replica(t, p, store, nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		first := readStored(t, store).token

		goOn := make(chan struct{})
		store.change(func() {
			store.swap = func(int, string, []byte, []byte) error {
				<-goOn
				return nil
			}
		})
		second := p.login("user")
		var put error
		putter := make(chan struct{})
		go func() {
			defer close(putter)
			put = m.Put(t.Context(), "user", second)
		}()
		synctest.Wait() // it has the turn

		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 2)
		go func() { ended <- m.Delete(ctx, "user") }()
		go func() { ended <- m.Put(ctx, "user", p.login("user")) }()
		synctest.Wait()
		cancel()
		for range 2 {
			require.ErrorIs(t, <-ended, context.Canceled)
		}
		require.Equal(t, first.AccessToken, readStored(t, store).token.AccessToken)

		close(goOn)
		<-putter
		require.NoError(t, put)
		require.Equal(t, second.AccessToken, readStored(t, store).token.AccessToken)
		require.NoError(t, m.Delete(t.Context(), "user"), "and the next one has its turn")
	})
}
