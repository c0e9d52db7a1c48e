package integration_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/integration/worker/stores"
	"github.com/contentstack/csoauth/tokens"
)

// sharedStores are the stores that processes may share. Each start returns a fresh one as
// stores.Open takes it, good until the end of the test.
var sharedStores = []struct {
	name  string
	start func(t testing.TB) string
}{
	{"dir", func(t testing.TB) string { return "dir:" + t.TempDir() }},
	{"redis", func(t testing.TB) string { return "redis:" + startRedis(t, redisWithoutSync...).addr }},
	{"postgres", func(t testing.TB) string { return "postgres:" + startPostgres(t, postgresWithoutSync...).url("") }},
}

// sealKey is the same in all processes.
var sealKey = bytes.Repeat([]byte{7}, 32)

// openSealed opens a store as the program in the folder worker does. wrap, if it is not nil, comes
// between the store and the seal.
func openSealed(ctx context.Context, text string, wrap func(tokens.Store) tokens.Store) (tokens.Store, func() error, error) {
	store, closeStore, err := stores.Open(ctx, text)
	if err != nil {
		return nil, nil, err
	}
	if wrap != nil {
		store = wrap(store)
	}
	sealed, err := tokens.Sealed(store, sealKey)
	return sealed, closeStore, err
}

// newManager returns what tokens.New does, which must not fail.
func newManager(t testing.TB, r tokens.Refresher, store tokens.Store, o *tokens.Options) *tokens.Manager {
	t.Helper()
	m, err := tokens.New(r, store, o)
	require.NoError(t, err)
	return m
}
