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

func TestTokenSourceKeepsTheRefreshToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := transportManager(t, p, nil)
		source := m.For("user").TokenSource(t.Context())
		for _, access := range []string{"access-user-1", "access-user-2"} {
			token, err := source.Token()
			require.NoError(t, err)
			assert.Equal(t, access, token.AccessToken)
			assert.Equal(t, "Bearer", token.Type())
			assert.True(t, token.Valid())
			assert.WithinRange(t, token.Expiry, time.Now().Add(30*time.Second), time.Now().Add(70*time.Second), "the next look")
			assert.Equal(t, "org", token.Extra("organization_uid"))
			assert.Empty(t, token.RefreshToken)
			assert.Empty(t, token.Extra("refresh_token"))
			assert.Empty(t, csoauth.FromOAuth2(token).RefreshToken)
			time.Sleep(p.lives)
		}
		mine, err := m.Token(t.Context(), "user")
		require.NoError(t, err)
		p.requireAlive(t, mine) // the Manager still has its own
	})
}

func TestTokenSourceSharesItsToken(t *testing.T) {
	m := transportManager(t, newProvider(), nil)
	source := m.For("user").TokenSource(t.Context())
	first, err := source.Token()
	require.NoError(t, err)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				again, err := source.Token()
				assert.NoError(t, err)
				assert.Same(t, first, again)
			}
		})
	}
	all.Wait()
}

// A source has one ctx for all its life; it ends waits, not hits.
func TestTheContextOfATokenSourceBoundsItsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := transportManager(t, p, nil)
		ctx, cancel := context.WithCancel(t.Context())
		source := m.For("user").TokenSource(ctx)
		_, err := source.Token()
		require.NoError(t, err)

		time.Sleep(2 * p.lives)
		time.AfterFunc(p.takes/2, cancel)
		began := time.Now()
		_, err = source.Token()
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, p.takes/2, time.Since(began))
		_, err = source.Token()
		require.ErrorIs(t, err, context.Canceled, "at once")
		assert.Equal(t, p.takes/2, time.Since(began))

		time.Sleep(p.takes)
		token, err := source.Token()
		require.NoError(t, err, "the refresh went on, and a hit does not wait")
		assert.Equal(t, "access-user-2", token.AccessToken)
		assert.Equal(t, 1, p.asked())
	})
}

func TestTokenSourceOfAUserWhoIsNotLoggedIn(t *testing.T) {
	m := transportManager(t, newProvider(), nil)
	for _, key := range []string{"nobody", ""} {
		token, err := m.For(key).TokenSource(t.Context()).Token()
		require.Error(t, err)
		assert.Nil(t, token)
	}
	_, err := m.For("nobody").TokenSource(t.Context()).Token()
	require.ErrorIs(t, err, csoauth.ErrLoginRequired)
	require.ErrorIs(t, err, tokens.ErrNotFound)
}

func TestTokenSourceSeesPutAndDelete(t *testing.T) {
	p := newProvider()
	m := transportManager(t, p, nil)
	source := m.For("user").TokenSource(t.Context())
	for _, step := range []struct {
		do     func() error
		access string
	}{
		{func() error { return nil }, "access-user-1"},
		{func() error { return m.Put(t.Context(), "user", p.login("user")) }, "access-user-2"},
		{func() error { return m.Delete(t.Context(), "user") }, ""},
		{func() error { return m.Put(t.Context(), "user", p.login("user")) }, "access-user-3"},
	} {
		require.NoError(t, step.do())
		token, err := source.Token()
		if step.access == "" {
			require.ErrorIs(t, err, csoauth.ErrLoginRequired)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, step.access, token.AccessToken)
	}
}

// What x/oauth2's users have already goes on working: its client, its transport, and a
// ReuseTokenSource around the source.
func TestTokenSourceUnderXOAuth2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := transportManager(t, p, nil)
		source := m.For("user").TokenSource(t.Context())
		seen := &api{}
		ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: seen})
		clients := []*http.Client{
			oauth2.NewClient(ctx, source),
			{Transport: &oauth2.Transport{Source: source, Base: seen}},
			{Transport: &oauth2.Transport{Source: oauth2.ReuseTokenSource(nil, source), Base: seen}},
		}
		var want []string
		for _, access := range []string{"access-user-1", "access-user-2"} {
			for _, client := range clients {
				resp, err := client.Get(someAPI)
				require.NoError(t, err)
				resp.Body.Close()
				want = append(want, "Bearer "+access)
			}
			time.Sleep(p.lives)
		}
		assert.Equal(t, want, seen.bearers())
		assert.Equal(t, 1, p.asked())
	})
}
