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

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// A singleState is the state of a tool that has one token in it, and what happened to that.
type singleState struct {
	p     *provider
	fails func(n int) error // the nth save, from 1

	mu    sync.Mutex
	token *csoauth.Token
	saves []singleSave
}

// A singleSave is one call of save: the refresh token, empty for none, and how many requests the
// provider had by then.
type singleSave struct {
	refresh string
	asked   int
}

func (s *singleState) save(ctx context.Context, t *csoauth.Token) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	saved := singleSave{asked: s.p.asked()}
	if t != nil {
		saved.refresh = t.RefreshToken
	}
	s.saves = append(s.saves, saved)
	if s.fails != nil {
		if err := s.fails(len(s.saves)); err != nil {
			return err
		}
	}
	s.token = t
	return ctx.Err()
}

func (s *singleState) saved() []singleSave {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]singleSave(nil), s.saves...)
}

func (s *singleState) current() *csoauth.Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

func TestSingleSavesBeforeAndAfterARefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		state := &singleState{p: p, token: p.login("user")}
		m := replica(t, p, tokens.Single(state.token, state.save), nil)
		assert.Equal(t, "access-user-1", access(t, m))
		assert.Empty(t, state.saved(), "nothing has changed")

		time.Sleep(p.lives)
		assert.Equal(t, "access-user-2", access(t, m))
		assert.Equal(t, []singleSave{{"refresh-user-1", 0}, {"refresh-user-2", 1}}, state.saved())

		time.Sleep(p.lives)
		access(t, m)
		assert.Equal(t, []singleSave{{"refresh-user-2", 1}, {"refresh-user-3", 2}}, state.saved()[2:])
		require.NoError(t, m.Close())
		p.requireAlive(t, state.current())
		assert.Equal(t, "user", state.current().UserUID)
	})
}

// A refresh that fails takes off its lease, and the token stays: the state has it already.
func TestSingleSavesOnceForARefreshThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		p.before = func(int, *http.Request) (*http.Response, error) {
			return httpAnswer(http.StatusInternalServerError, "text/plain", ""), nil
		}
		state := &singleState{p: p, token: p.login("user")}
		m := replica(t, p, tokens.Single(state.token, state.save), nil)
		time.Sleep(2 * p.lives)
		_, err := m.Token(t.Context(), "user")
		require.Error(t, err)
		assert.Equal(t, 1, p.asked())
		assert.Equal(t, []singleSave{{"refresh-user-1", 0}}, state.saved())
	})
}

// A wrapper starts again with what it saved, whatever became of the process before.
func TestSingleStartsFromTheStateAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		state := &singleState{p: p, token: p.login("user")}
		for range 5 {
			m := newManager(p.config(), tokens.Single(state.current(), state.save), nil)
			time.Sleep(2 * p.lives)
			access(t, m)
			require.NoError(t, m.Close())
		}
		assert.Equal(t, 5, p.asked())
		p.requireAlive(t, state.current())
	})
}

func TestSingleDoesNotRefreshIfTheStateCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		full := errors.New("the disk is full")
		state := &singleState{p: p, token: p.login("user"), fails: func(int) error { return full }}
		m := replica(t, p, tokens.Single(state.token, state.save), nil)
		time.Sleep(2 * p.lives)
		_, err := m.Token(t.Context(), "user")
		require.ErrorIs(t, err, full)
		require.NotErrorIs(t, err, csoauth.ErrLoginRequired)
		requireNoSecret(t, err.Error())
		assert.Zero(t, p.asked(), "the refresh token is not spent")
		require.NoError(t, m.Close(), "nothing is lost")
		p.requireAlive(t, state.token)
	})
}

func TestSingleSavesAgainWhatItCouldNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		full := errors.New("the disk is full")
		state := &singleState{p: p, token: p.login("user")}
		broken := true
		state.fails = func(int) error {
			if broken && p.asked() > 0 {
				return full
			}
			return nil
		}
		m := replica(t, p, tokens.Single(state.token, state.save), nil)
		time.Sleep(2 * p.lives)
		assert.Equal(t, "access-user-2", access(t, m), "the new pair is used")
		assert.Equal(t, "refresh-user-1", state.current().RefreshToken)

		state.mu.Lock()
		broken = false
		state.mu.Unlock()
		time.Sleep(10 * time.Second)
		p.requireAlive(t, state.current())
		assert.Equal(t, 1, p.asked())
	})
}

func TestSingleWithoutATokenYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		state := &singleState{p: p}
		m := newManager(p.config(), tokens.Single(nil, state.save), nil)
		_, err := m.Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)
		require.ErrorIs(t, err, tokens.ErrNotFound)
		assert.Empty(t, state.saved())

		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		p.requireAlive(t, state.current())
		access(t, m)

		require.NoError(t, m.Delete(t.Context(), "user"))
		assert.Nil(t, state.current())
		assert.Equal(t, []singleSave{{"refresh-user-1", 0}, {"", 0}}, state.saved())
		_, err = m.Token(t.Context(), "user")
		require.ErrorIs(t, err, tokens.ErrNotFound)
		require.NoError(t, m.Close())
	})
}

func TestSingleHasOneKey(t *testing.T) {
	p := newProvider()
	state := &singleState{p: p, token: p.login("user")}
	m := replica(t, p, tokens.Single(state.token, state.save), nil)
	_, err := m.Token(t.Context(), "one")
	require.NoError(t, err)
	_, err = m.Token(t.Context(), "two")
	require.ErrorContains(t, err, tokens.KeyHash("one"))
	require.ErrorContains(t, err, tokens.KeyHash("two"))
	assert.NotContains(t, err.Error(), `"two"`)
	require.NotErrorIs(t, err, csoauth.ErrLoginRequired)
	require.Error(t, m.Put(t.Context(), "two", p.login("user")))
	require.Error(t, m.Delete(t.Context(), "two"))
	assert.Empty(t, state.saved(), "the token of the first is untouched")
}

// The program of a tool that wraps this module and keeps the token in a state of its own.
func TestSingleInAWrapper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		app, written := p.config(), p.login("me")
		seen := &api{answer: takesOnly("access-me-2")}

		store := tokens.Single(written, func(_ context.Context, t *csoauth.Token) error {
			written = t
			return nil
		})
		m := newManager(app, store, nil)
		client := &http.Client{Transport: m.For("me").Transport(seen)}
		resp, err := client.Get(someAPI)
		require.NoError(t, err)
		resp.Body.Close()
		require.NoError(t, m.Close())

		assert.Equal(t, http.StatusOK, resp.StatusCode)
		p.requireAlive(t, written)
	})
}
