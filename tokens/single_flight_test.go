package tokens_test

import (
	"context"
	"errors"
	"fmt"
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

func TestEveryKindOfCallerSharesOneRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := replica(t, p, new(tokens.Memory), nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
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
				resp, err := client.Get("https://api.example.com/")
				if assert.NoError(t, err) {
					assert.NoError(t, resp.Body.Close())
				}
			})
		}
		all.Wait()
		assert.Equal(t, 1, p.asked())
	})
}

func TestWaiterLeavesWithItsContextAndTheRefreshGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		m := replica(t, p, store, nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		atEnd(p)
		p.takes = 10 * time.Second

		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		left := <-ask(ctx, m)
		require.ErrorIs(t, left.err, context.DeadlineExceeded)
		assert.Equal(t, 200*time.Millisecond, left.took)

		// Nobody waits any more, and the pair is fetched and stored all the same.
		time.Sleep(10 * time.Second)
		synctest.Wait()
		assert.Equal(t, "access-user-2", readStored(t, store).token.AccessToken)
		assert.Equal(t, "access-user-2", access(t, m))
		assert.Equal(t, 1, p.asked())
	})
}

func TestWaitersLeaveEachAtTheirOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := replica(t, p, new(tokens.Memory), nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		atEnd(p)
		p.takes = 10 * time.Second

		errShutdown := errors.New("the server shuts down")
		var answers []<-chan asked
		for i := range 20 { // every second until after the refresh
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Duration(i)*time.Second+500*time.Millisecond, func() { cancel(errShutdown) })
			answers = append(answers, ask(ctx, m))
		}
		for i, answer := range answers {
			got := <-answer
			if i < 10 {
				require.ErrorIs(t, got.err, errShutdown, "waiter %d", i)
				assert.Equal(t, time.Duration(i)*time.Second+500*time.Millisecond, got.took, "waiter %d", i)
				continue
			}
			require.NoError(t, got.err, "waiter %d", i)
			assert.Equal(t, "access-user-2", got.token.AccessToken)
			assert.Equal(t, 10*time.Second, got.took, "waiter %d", i)
		}
		assert.Equal(t, 1, p.asked())
	})
}

func TestCallerWithAnEndedContextStillGetsTheTokenThatIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := replica(t, p, new(tokens.Memory), nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
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

func TestRefreshEndsByItsOwnDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := replica(t, p, new(tokens.Memory), nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		atEnd(p)
		p.takes = time.Hour

		// The first caller's deadline is later than the refresh's, and must not become it.
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		got := <-ask(ctx, m)
		require.Error(t, got.err)
		require.NoError(t, ctx.Err())
		assert.Greater(t, got.took, 15*time.Second)
		assert.LessOrEqual(t, got.took, 30*time.Second)
	})
}

func TestKeysDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := replica(t, p, new(tokens.Memory), nil)
		for i := range 10 {
			require.NoError(t, m.Put(t.Context(), fmt.Sprint(i), p.login(fmt.Sprint(i))))
		}
		atEnd(p)
		p.before = func(n int, r *http.Request) (*http.Response, error) {
			if n > 1 {
				return nil, nil
			}
			<-r.Context().Done() // the first hangs
			return nil, r.Context().Err()
		}
		go func() { _, _ = m.Token(t.Context(), "0") }()
		synctest.Wait()
		for i := 1; i < 10; i++ {
			began := time.Now()
			_, err := m.Token(t.Context(), fmt.Sprint(i))
			require.NoError(t, err)
			assert.Equal(t, p.takes, time.Since(began))
		}
		assert.Equal(t, 10, p.asked())
	})
}
