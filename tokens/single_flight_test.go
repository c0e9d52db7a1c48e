package tokens_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

// flightAPI is an API behind a Transport.
type flightAPI func(*http.Request) (*http.Response, error)

func (f flightAPI) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Law: M1
func TestEveryKindOfCallerSharesOneRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := replicas(t, 1, p, new(tokens.Memory), nil)[0]
		atEnd(p)

		source := m.For("user").TokenSource(t.Context())
		client := &http.Client{Transport: m.For("user").Transport(flightAPI(func(r *http.Request) (*http.Response, error) {
			assert.Equal(t, "Bearer access-user-2", r.Header.Get("Authorization"))
			return httpAnswer(http.StatusOK, "text/plain", ""), nil
		}))}
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				token, err := m.Token(t.Context(), "user")
				if assert.NoError(t, err) {
					assert.Equal(t, "access-user-2", token.AccessToken)
				}
			})
			all.Go(func() {
				token, err := source.Token()
				if assert.NoError(t, err) {
					assert.Equal(t, "access-user-2", token.AccessToken)
				}
			})
			all.Go(func() {
				resp, err := client.Get("https://api.contentstack.io/")
				if assert.NoError(t, err) {
					assert.NoError(t, resp.Body.Close())
				}
			})
		}
		all.Wait()
		assert.Equal(t, 1, p.asked())
	})
}

// Law: M1
func TestWaiterLeavesWithItsContextAndTheRefreshGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		m := replicas(t, 1, p, store, nil)[0]
		atEnd(p)
		p.takes = 10 * time.Second

		errShutdown := errors.New("the server shuts down")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 200*time.Millisecond, errShutdown)
		defer cancel()
		left := <-ask(ctx, m)
		require.ErrorIs(t, left.err, errShutdown)
		assert.Equal(t, 200*time.Millisecond, left.took)

		// Nobody waits any more, and the pair is fetched and stored all the same.
		time.Sleep(10 * time.Second)
		synctest.Wait()
		assert.Equal(t, "access-user-2", readStored(t, store).token.AccessToken)
		assert.Equal(t, "access-user-2", access(t, m))
		assert.Equal(t, 1, p.asked())
	})
}

func TestCallerWithAnEndedContextStillGetsTheTokenThatIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := replicas(t, 1, p, new(tokens.Memory), nil)[0]
		time.Sleep(p.lives - 20*time.Second) // so near the end that callers wait for the next
		p.takes = 5 * time.Second

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got := <-ask(ctx, m)
		require.NoError(t, got.err)
		assert.Equal(t, "access-user-1", got.token.AccessToken)
		assert.LessOrEqual(t, got.took, time.Second)
	})
}
