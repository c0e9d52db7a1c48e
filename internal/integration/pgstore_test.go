package integration_test

import (
	"database/sql"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens/pgstore"
)

// newPgstore returns what pgstore.New does, which must not fail.
func newPgstore(t *testing.T, db *sql.DB, o *pgstore.Options) *pgstore.Store {
	t.Helper()
	store, err := pgstore.New(db, o)
	require.NoError(t, err)
	return store
}

// TestMigrate: replicas start at the same time, and not all may make tables.
func TestMigrate(t *testing.T) {
	t.Parallel()
	server := startPostgres(t, postgresWithoutSync...)
	owner := server.postgres("")
	defer owner.Close()

	t.Run("several at once", func(t *testing.T) {
		for n := range 20 {
			store := newPgstore(t, owner, &pgstore.Options{Table: fmt.Sprintf("at_once_%d", n)})
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() { assert.NoError(t, store.Migrate(t.Context())) })
			}
			all.Wait()
		}
	})
	t.Run("without the right to make it", func(t *testing.T) {
		made := newPgstore(t, owner, nil)
		require.NoError(t, made.Migrate(t.Context()))
		require.NoError(t, made.CompareAndSwap(t.Context(), "ada", nil, []byte("value")))
		for _, statement := range []string{
			"CREATE ROLE app LOGIN", "CREATE SCHEMA app AUTHORIZATION app", // which comes first in its search path
			"GRANT SELECT, INSERT, UPDATE, DELETE ON csoauth_tokens TO app",
		} {
			_, err := owner.ExecContext(t.Context(), statement)
			require.NoError(t, err)
		}
		app := server.postgres("user=app")
		defer app.Close()
		store := newPgstore(t, app, nil)
		require.NoError(t, store.Migrate(t.Context()))
		value, err := store.Load(t.Context(), "ada")
		require.NoError(t, err, "there is no second table")
		assert.Equal(t, "value", string(value))
		require.ErrorContains(t, newPgstore(t, app, &pgstore.Options{Table: "public.other"}).Migrate(t.Context()), "permission denied")
	})
}

// TestNoFalseConflicts: where transactions are serializable, the server refuses some that nobody is
// in the way of.
func TestNoFalseConflicts(t *testing.T) {
	t.Parallel()
	server := startPostgres(t, postgresWithoutSync...)
	db := server.postgres("default_transaction_isolation=serializable")
	defer db.Close()
	store := newPgstore(t, db, nil)
	require.NoError(t, store.Migrate(t.Context()))
	var writers sync.WaitGroup
	for writer := range 20 {
		writers.Go(func() {
			key, value := fmt.Sprintf("user/%d", writer), []byte(nil)
			for n := range 50 {
				next := fmt.Appendf(nil, "%d", n)
				if !assert.NoError(t, store.CompareAndSwap(t.Context(), key, value, next)) {
					return
				}
				value = next
			}
		})
	}
	writers.Wait()
}
