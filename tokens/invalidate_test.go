package tokens_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// Law: M9
func TestInvalidateByTenCallersIsOneRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := transportManager(t, p, nil)
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				l := m.For("user")
				assert.NoError(t, l.Invalidate(t.Context(), "access-user-1"))
				token, err := l.Token(t.Context())
				assert.NoError(t, err)
				assert.Equal(t, "access-user-2", token.AccessToken)
			})
		}
		all.Wait()
		for _, old := range []string{"access-user-1", "", "never seen"} {
			require.NoError(t, m.For("user").Invalidate(t.Context(), old))
		}
		assert.Equal(t, 1, p.asked())
		assert.Equal(t, "access-user-2", access(t, m))
	})
}

func TestInvalidate(t *testing.T) {
	for name, row := range map[string]struct {
		before func(p *provider, m *tokens.Manager)
		err    error
		then   string
	}{
		"the refresh token was refused": {func(p *provider, _ *tokens.Manager) { p.logins["refresh-user-1"].revoked = true }, csoauth.ErrLoginRequired, ""},
		"the endpoint is down": {func(p *provider, _ *tokens.Manager) {
			p.before = func(int, *http.Request) (*http.Response, error) { return httpAnswer(500, "text/plain", "oops"), nil }
		}, nil, "access-user-1"},
		"the key was evicted":   {func(p *provider, m *tokens.Manager) { evictUser(t, p, m) }, nil, "access-user-5"},
		"the login was deleted": {func(_ *provider, m *tokens.Manager) { _ = m.Delete(context.Background(), "user") }, tokens.ErrNotFound, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				m := transportManager(t, p, &tokens.Options{MaxCached: 1})
				row.before(p, m)
				err := m.For("user").Invalidate(t.Context(), "access-user-1")
				require.ErrorIs(t, err, row.err)
				token, err := m.Token(t.Context(), "user")
				if row.err != nil {
					require.ErrorIs(t, err, csoauth.ErrLoginRequired)
					return
				}
				require.NoError(t, err)
				assert.Equal(t, row.then, token.AccessToken)
			})
		})
	}
}

func evictUser(t *testing.T, p *provider, m *tokens.Manager) {
	for _, key := range []string{"one", "two", "three"} {
		require.NoError(t, m.Put(context.Background(), key, p.login(key)))
	}
}

// What oauth2 keeps is asked for again before another process's login has been there for long.
func TestReuseTokenSourceSeesANewLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		ms := replicas(t, 2, p, store, nil)
		kept := oauth2.ReuseTokenSource(nil, ms[0].For("user").TokenSource(t.Context()))
		for range 100 {
			token, err := kept.Token()
			require.NoError(t, err)
			require.True(t, token.Valid())
			time.Sleep(time.Second)
		}
		require.NoError(t, ms[1].Put(t.Context(), "user", p.login("user")))
		start := time.Now()
		for {
			token, err := kept.Token()
			require.NoError(t, err)
			if token.AccessToken == "access-user-2" {
				break
			}
			require.Less(t, time.Since(start), 2*time.Minute+2*time.Second)
			time.Sleep(time.Second)
		}
		time.Sleep(p.lives - 30*time.Second)
		token, err := kept.Token()
		require.NoError(t, err)
		assert.False(t, token.Expiry.After(time.Now().Add(p.lives)), "never past the true end")
	})
}

// TestRejectionDuringARefreshThatFails is not forgotten with it: the store is looked at once more.
func TestRejectionDuringARefreshThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		ms := replicas(t, 2, p, store, nil)
		time.Sleep(p.lives - 5*time.Minute)
		p.before = func(int, *http.Request) (*http.Response, error) {
			time.Sleep(2 * time.Second)
			return httpAnswer(500, "text/plain", "oops"), nil
		}
		require.Equal(t, "access-user-1", access(t, ms[0]), "the refresh is in the background")
		time.Sleep(time.Second)
		newer := p.login("user")
		require.NoError(t, ms[1].Put(t.Context(), "user", newer))
		require.NoError(t, ms[0].For("user").Invalidate(t.Context(), "access-user-1"))
		require.Equal(t, newer.AccessToken, access(t, ms[0]))
	})
}
