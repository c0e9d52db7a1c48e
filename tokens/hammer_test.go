package tokens_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/contentstack/csoauth/tokens"
)

// hammer does what it likes with so many keys, and fails if it gets another key's token.
func hammer(t *testing.T, p *provider, m *tokens.Manager, keys, rounds int) {
	sources := map[string]oauth2.TokenSource{}
	for range rounds {
		key, owner := fmt.Sprint("user", rand.N(keys)), any(nil)
		if sources[key] == nil {
			sources[key] = m.For(key).TokenSource(t.Context())
		}
		switch n := rand.N(400); {
		case n == 0:
			assert.NoError(t, m.Put(t.Context(), key, p.login(key)))
		case n == 1:
			assert.NoError(t, m.Delete(t.Context(), key))
		case n < 200:
			if token, err := sources[key].Token(); err != nil {
				assert.ErrorIs(t, err, tokens.ErrNotFound)
			} else {
				owner = token.Extra("user_uid")
			}
		default:
			if token, err := m.Token(t.Context(), key); err != nil {
				assert.ErrorIs(t, err, tokens.ErrNotFound)
			} else {
				owner = token.UserUID
			}
		}
		if owner != nil && !assert.Equal(t, key, owner) {
			return
		}
		time.Sleep(rand.N(5 * time.Second))
	}
}

func TestHammeringFewKeysNeverMixesThemUp(t *testing.T) {
	t.Parallel()
	for _, cached := range []int{1, 2, 5} {
		t.Run(fmt.Sprint(cached), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				p.lives = time.Minute
				m := newManager(p.config(), new(tokens.Memory), &tokens.Options{MaxCached: cached, Recheck: time.Second})
				var all sync.WaitGroup
				for range 50 {
					all.Go(func() { hammer(t, p, m, 8, 200) })
				}
				all.Wait()
				require.NoError(t, m.Close())
				assert.LessOrEqual(t, m.Cached(), 8)
				assert.Positive(t, p.asked())
			})
		})
	}
}
