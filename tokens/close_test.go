package tokens_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// Law: M4
func TestCloseWaitsForARefreshThatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		m := replicas(t, 1, p, store, nil)[0]
		atEnd(p)
		p.takes = 10 * time.Second
		answer := ask(t.Context(), m)
		time.Sleep(time.Second)
		require.NoError(t, m.Close())
		now := readStored(t, store)
		assert.Equal(t, "access-user-2", now.token.AccessToken)
		assert.Empty(t, now.lease)
		got := <-answer
		require.NoError(t, got.err)
		assert.Equal(t, "access-user-2", got.token.AccessToken)
	})
}

func TestCloseDoesNotWaitForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		m := replicas(t, 1, p, store, nil)[0]
		atEnd(p)
		leaveLease(t, store, "of another process", time.Hour)
		answer := ask(t.Context(), m)
		time.Sleep(10 * time.Second)
		began := time.Now()
		require.NoError(t, m.Close())
		assert.Equal(t, began, time.Now())
		got := <-answer
		require.ErrorContains(t, got.err, "closed")
		require.NotErrorIs(t, got.err, csoauth.ErrLoginRequired)
		assert.Equal(t, 0, p.asked())
		assert.Equal(t, "of another process", readStored(t, store).lease)
	})
}

func TestCloseEndsRefreshesThatHaveNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		m := replicas(t, 1, p, store, &tokens.Options{MaxRefreshesPerHost: 1})[0]
		require.NoError(t, m.Put(t.Context(), "first", p.login("first")))
		atEnd(p)
		p.takes = 10 * time.Second
		go func() { _, _ = m.Token(t.Context(), "first") }()
		synctest.Wait()
		answer := ask(t.Context(), m)
		synctest.Wait()
		require.NoError(t, m.Close())
		require.Error(t, (<-answer).err)
		assert.Equal(t, 1, p.asked())
		assert.Empty(t, readStored(t, store).lease)
	})
}

// Law: M4
func TestCloseTriesOnceMoreAndNamesWhatIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), newBrokenLater()
		m := unsavedReplica(t, p, store, nil)
		require.NoError(t, m.Put(t.Context(), "another", p.login("another")))
		store.hooked.mu.Lock()
		loads := store.loads
		store.hooked.mu.Unlock()

		for range 2 { // closing it again is no mistake, and loses nothing of the news
			err := m.Close()
			require.ErrorContains(t, err, tokens.KeyHash("user"))
			assert.NotContains(t, err.Error(), tokens.KeyHash("another"))
			assert.NotContains(t, err.Error(), "access-")
			assert.NotContains(t, err.Error(), "refresh-")
		}
		assert.Equal(t, loads+1, store.loads, "one more try")
	})
}

// Law: M4
func TestCloseSucceedsIfTheLastTryDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), newBrokenLater()
		m := unsavedReplica(t, p, store, nil)
		time.Sleep(30 * time.Minute) // the next try of its own would be minutes away
		store.setBroken(false)
		began := time.Now()
		require.NoError(t, m.Close())
		assert.Equal(t, began, time.Now())
		now := readStored(t, store)
		assert.Equal(t, "access-user-2", now.token.AccessToken)
		assert.Empty(t, now.lease)
		p.requireAlive(t, &now.token)
	})
}

// The store goes down during the very refresh that Close waits for.
func TestCloseDuringAFailedSaveNamesTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), newBrokenLater()
		m := replicas(t, 1, p, store, nil)[0]
		atEnd(p)
		p.takes = 10 * time.Second
		store.setBroken(true)
		answer := ask(t.Context(), m)
		time.Sleep(5 * time.Second)
		require.ErrorContains(t, m.Close(), tokens.KeyHash("user"))
		got := <-answer
		require.NoError(t, got.err)
		assert.Equal(t, "access-user-2", got.token.AccessToken)
	})
}

func TestAfterCloseNothingIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		m := replicas(t, 1, p, store, nil)[0]
		client := &http.Client{Transport: m.For("user").Transport(flightAPI(func(*http.Request) (*http.Response, error) {
			t.Error("a request without a token was sent")
			return nil, http.ErrServerClosed
		}))}
		source := m.For("user").TokenSource(t.Context())
		require.NoError(t, m.Close())
		require.NoError(t, m.Close())
		atEnd(p)
		loads, swaps := store.loads, store.swaps

		_, err := m.Token(t.Context(), "user")
		require.ErrorContains(t, err, "closed")
		_, err = m.Token(t.Context(), "somebody")
		require.ErrorContains(t, err, "closed")
		_, err = source.Token()
		require.ErrorContains(t, err, "closed")
		_, err = client.Get("https://api.contentstack.io/")
		require.ErrorContains(t, err, "closed")
		require.ErrorContains(t, m.Put(t.Context(), "user", p.login("user")), "closed")
		require.ErrorContains(t, m.Delete(t.Context(), "user"), "closed")
		assert.Equal(t, loads, store.loads)
		assert.Equal(t, swaps, store.swaps)
		assert.Equal(t, 0, p.asked())
	})
}
