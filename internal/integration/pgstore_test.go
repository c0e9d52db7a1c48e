package integration_test

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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
		execAll(t, owner, "CREATE ROLE app LOGIN", "CREATE SCHEMA app AUTHORIZATION app") // which comes first in its search path
		app := server.postgres("user=app")
		defer app.Close()
		store := newPgstore(t, app, nil)
		require.ErrorContains(t, store.Migrate(t.Context()), `the role "app", which lacks SELECT, INSERT, UPDATE, DELETE`)
		execAll(t, owner, "GRANT SELECT, INSERT, UPDATE, DELETE ON csoauth_tokens TO app")
		require.NoError(t, store.Migrate(t.Context()))
		value, err := store.Load(t.Context(), "ada")
		require.NoError(t, err, "there is no second table")
		assert.Equal(t, "value", string(value))
		err = newPgstore(t, app, &pgstore.Options{Table: "other"}).Migrate(t.Context())
		require.ErrorContains(t, err, "permission denied")
		require.ErrorContains(t, err, `CREATE TABLE IF NOT EXISTS "public"."other"`)
		require.ErrorContains(t, newPgstore(t, app, &pgstore.Options{Schema: "none"}).Migrate(t.Context()), `CREATE SCHEMA "none"`)
	})
}

// execAll runs statements that must succeed.
func execAll(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err, statement)
	}
}

// TestMigrateTrusts: who owns a table reads the tokens in it. The roles are those of a database
// with an application, its migrations, and a third party.
func TestMigrateTrusts(t *testing.T) {
	t.Parallel()
	server := startPostgres(t, postgresWithoutSync...)
	super := server.postgres("")
	defer super.Close()
	execAll(t, super,
		"CREATE ROLE app LOGIN", "CREATE ROLE mallory LOGIN", "CREATE ROLE migrator LOGIN", "CREATE ROLE team", "GRANT team TO app",
		"GRANT CREATE ON SCHEMA public TO PUBLIC", // as it was before PostgreSQL 15
		"GRANT CREATE ON DATABASE postgres TO mallory, migrator")
	const columns = " (key bytea PRIMARY KEY, value bytea NOT NULL, updated_at timestamptz NOT NULL DEFAULT now())"
	for name, test := range map[string]struct {
		by      string // who runs before
		before  []string
		options pgstore.Options
		wrong   string // in the error of app's Migrate; empty: it succeeds
	}{
		"planted under the name":  {"mallory", []string{"CREATE TABLE public.planted" + columns}, pgstore.Options{Table: "planted"}, `belongs to the role "mallory"`},
		"a group's":               {"app", []string{"CREATE TABLE public.grouped" + columns, "ALTER TABLE public.grouped OWNER TO team"}, pgstore.Options{Table: "grouped"}, ""},
		"a superuser's":           {"postgres", []string{"CREATE TABLE public.supers" + columns}, pgstore.Options{Table: "supers"}, ""},
		"of the schema's owner":   {"migrator", []string{`CREATE SCHEMA "My ""App"""`, `CREATE TABLE "My ""App""".migrated` + columns}, pgstore.Options{Schema: `My "App"`, Table: "migrated"}, ""},
		"of migrations in public": {"migrator", []string{"CREATE TABLE public.migrated" + columns}, pgstore.Options{Table: "migrated"}, `set Options.Owner to "migrator"`},
		"of the Owner":            {"migrator", []string{"CREATE TABLE public.named" + columns}, pgstore.Options{Table: "named", Owner: "migrator"}, ""},
		"not of the Owner":        {"app", []string{"CREATE TABLE public.misnamed" + columns}, pgstore.Options{Table: "misnamed", Owner: "migrator"}, `Options.Owner is "migrator"`},
	} {
		t.Run(name, func(t *testing.T) {
			db := server.postgres("user=" + test.by)
			defer db.Close()
			execAll(t, db, test.before...)
			full := fmt.Sprintf(`"%s".%s`, strings.ReplaceAll(cmp.Or(test.options.Schema, "public"), `"`, `""`), test.options.Table)
			if test.options.Schema != "" {
				execAll(t, db, fmt.Sprintf(`GRANT USAGE ON SCHEMA "%s" TO app`, strings.ReplaceAll(test.options.Schema, `"`, `""`)))
			}
			execAll(t, super, "GRANT SELECT, INSERT, UPDATE, DELETE ON "+full+" TO app")
			app := server.postgres("user=app")
			defer app.Close()
			store := newPgstore(t, app, &test.options)
			err := store.Migrate(t.Context())
			if test.wrong != "" {
				require.ErrorContains(t, err, test.wrong)
				return
			}
			require.NoError(t, err)
			require.NoError(t, store.CompareAndSwap(t.Context(), "ada", nil, []byte("a")))
		})
	}
	t.Run("no superuser's word for everybody", func(t *testing.T) {
		err := newPgstore(t, super, &pgstore.Options{Table: "planted"}).Migrate(t.Context())
		require.ErrorContains(t, err, `belongs to the role "mallory"`, "a superuser counts as a member of each role")
	})
	t.Run("planted in the search_path", func(t *testing.T) {
		mallory := server.postgres("user=mallory")
		defer mallory.Close()
		execAll(t, mallory, "CREATE SCHEMA first", "CREATE TABLE first.csoauth_tokens"+columns,
			"GRANT USAGE ON SCHEMA first TO PUBLIC", "GRANT ALL ON first.csoauth_tokens TO PUBLIC")
		app := server.postgres("user=app&search_path=first,public")
		defer app.Close()
		require.ErrorContains(t, newPgstore(t, app, nil).Migrate(t.Context()), `leads to one in the schema "first"`)
		store := newPgstore(t, app, &pgstore.Options{Schema: "public"})
		require.NoError(t, store.Migrate(t.Context()))
		require.NoError(t, store.CompareAndSwap(t.Context(), "ada", nil, []byte("secret")))
		var planted, own int
		require.NoError(t, super.QueryRow("SELECT (SELECT count(*) FROM first.csoauth_tokens), (SELECT count(*) FROM public.csoauth_tokens)").Scan(&planted, &own))
		assert.Equal(t, [2]int{0, 1}, [2]int{planted, own})
		require.NoError(t, newPgstore(t, app, nil).Migrate(t.Context()), "the table in public is there")
	})
}

// TestMigrateRefuses tables of the role's own that are no place for logins.
func TestMigrateRefuses(t *testing.T) {
	t.Parallel()
	server := startPostgres(t, postgresWithoutSync...)
	super := server.postgres("")
	defer super.Close()
	execAll(t, super, "CREATE ROLE app LOGIN", "CREATE SCHEMA app AUTHORIZATION app", "GRANT CREATE ON SCHEMA public TO app",
		"CREATE COLLATION app.insensitive (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
		"CREATE FOREIGN DATA WRAPPER wrapper", "CREATE SERVER elsewhere FOREIGN DATA WRAPPER wrapper", "GRANT USAGE ON FOREIGN SERVER elsewhere TO app")
	app := server.postgres("user=app")
	defer app.Close()
	const columns = "key bytea PRIMARY KEY, value bytea NOT NULL"
	for name, test := range map[string]struct {
		statements []string // %s: the table
		wrong      string   // empty: it may be used
	}{
		"a view":                 {[]string{"CREATE TABLE %s_of (" + columns + ")", "CREATE VIEW %s AS SELECT * FROM %[1]s_of"}, "is a view"},
		"a materialized view":    {[]string{"CREATE MATERIALIZED VIEW %s AS SELECT 1"}, "is a materialized view"},
		"a foreign table":        {[]string{"CREATE FOREIGN TABLE %s (key bytea, value bytea) SERVER elsewhere"}, "is a foreign table"},
		"a partitioned table":    {[]string{"CREATE TABLE %s (" + columns + ") PARTITION BY HASH (key)"}, "is a partitioned table"},
		"a sequence":             {[]string{"CREATE SEQUENCE %s"}, "is a sequence"},
		"an unlogged table":      {[]string{"CREATE UNLOGGED TABLE %s (" + columns + ")"}, "is unlogged"},
		"a parent":               {[]string{"CREATE TABLE %s (" + columns + ")", "CREATE TABLE %s_child () INHERITS (%[1]s)"}, "has a parent or children"},
		"no primary key":         {[]string{"CREATE TABLE %s (key bytea NOT NULL, value bytea NOT NULL)"}, "has no primary key"},
		"a unique key":           {[]string{"CREATE TABLE %s (key bytea UNIQUE NOT NULL, value bytea NOT NULL)"}, "has no primary key"},
		"a primary key of two":   {[]string{"CREATE TABLE %s (key bytea, value bytea, PRIMARY KEY (key, value))"}, `has the primary key "PRIMARY KEY (key, value)"`},
		"a primary key for late": {[]string{"CREATE TABLE %s (key bytea PRIMARY KEY DEFERRABLE, value bytea NOT NULL)"}, "DEFERRABLE"},
		"a key of text":          {[]string{"CREATE TABLE %s (key text PRIMARY KEY, value bytea NOT NULL)"}, `has a column key of the type "text"`},
		"a key with a collation": {[]string{"CREATE TABLE %s (key text COLLATE app.insensitive PRIMARY KEY, value bytea NOT NULL)"}, "has no collation"},
		"a type of that name":    {[]string{"CREATE DOMAIN %s_bytea AS bytea", "CREATE TABLE %s (key bytea PRIMARY KEY, value %[1]s_bytea NOT NULL)"}, "has a column value of the type"},
		"a value or none":        {[]string{"CREATE TABLE %s (key bytea PRIMARY KEY, value bytea)"}, "has a column value that may be NULL"},
		"a generated value":      {[]string{"CREATE TABLE %s (key bytea PRIMARY KEY, value bytea NOT NULL GENERATED ALWAYS AS (key) STORED)"}, "the server generates"},
		"another's":              {[]string{"CREATE TABLE %s (id int PRIMARY KEY)"}, "has no column key"},
		"a time without a zone":  {[]string{"CREATE TABLE %s (" + columns + ", updated_at timestamp NOT NULL DEFAULT now())"}, `"timestamp without time zone"`},
		"a time or none":         {[]string{"CREATE TABLE %s (" + columns + ", updated_at timestamptz DEFAULT now())"}, "may be NULL"},
		"a time to be given":     {[]string{"CREATE TABLE %s (" + columns + ", updated_at timestamptz NOT NULL)"}, "without a default"},
		"a column to be given":   {[]string{"CREATE TABLE %s (" + columns + ", tenant text NOT NULL)"}, `has a column "tenant" that is NOT NULL`},
		"forced policies":        {[]string{"CREATE TABLE %s (" + columns + ")", "ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"}, "row-level security"},

		"policies that do not count":  {[]string{"CREATE TABLE %s (" + columns + ")", "ALTER TABLE %s ENABLE ROW LEVEL SECURITY"}, ""},
		"further columns":             {[]string{"CREATE TABLE %s (id bigint GENERATED ALWAYS AS IDENTITY, " + columns + ", note text, n int NOT NULL DEFAULT 1, size int NOT NULL GENERATED ALWAYS AS (length(value)) STORED)"}, ""},
		"a column that was there":     {[]string{"CREATE TABLE %s (was int NOT NULL, " + columns + ")", "ALTER TABLE %s DROP COLUMN was"}, ""},
		"a key that covers the value": {[]string{"CREATE TABLE %s (key bytea, value bytea NOT NULL, PRIMARY KEY (key) INCLUDE (value))"}, "INCLUDE"},
	} {
		t.Run(name, func(t *testing.T) {
			table := strings.ReplaceAll(name, " ", "_")
			table = strings.ReplaceAll(table, "'", "")
			for _, statement := range test.statements {
				execAll(t, app, fmt.Sprintf(strings.Replace(statement, "%s", "%[1]s", 1), "app."+table))
			}
			store := newPgstore(t, app, &pgstore.Options{Schema: "app", Table: table})
			err := store.Migrate(t.Context())
			if test.wrong == "" {
				require.NoError(t, err)
				require.NoError(t, store.CompareAndSwap(t.Context(), "ada", nil, []byte("a")))
				require.NoError(t, store.CompareAndSwap(t.Context(), "ada", []byte("a"), []byte("b")))
				return
			}
			require.ErrorContains(t, err, fmt.Sprintf(`the table "app"."%s" `, table))
			require.ErrorContains(t, err, test.wrong)
		})
	}
	t.Run("what hides rows from another role", func(t *testing.T) {
		execAll(t, super, "CREATE ROLE reader LOGIN", "GRANT USAGE ON SCHEMA app TO reader",
			"GRANT ALL ON app.policies_that_do_not_count TO reader")
		reader := server.postgres("user=reader")
		defer reader.Close()
		err := newPgstore(t, reader, &pgstore.Options{Schema: "app", Table: "policies_that_do_not_count"}).Migrate(t.Context())
		require.ErrorContains(t, err, `row-level security that counts for the role "reader"`)
	})
}

// oldColumns are those of a table that an older version made.
const oldColumns = " (key bytea PRIMARY KEY, value bytea NOT NULL)"

// TestOldTable: what an older version made is brought forward while others use it, and older
// versions go on to use it.
func TestOldTable(t *testing.T) {
	t.Parallel()
	server := startPostgres(t, postgresWithoutSync...)
	db := server.postgres("")
	defer db.Close()
	ctx := t.Context()
	execAll(t, db, "CREATE TABLE csoauth_tokens"+oldColumns, "INSERT INTO csoauth_tokens SELECT convert_to('user/' || n, 'UTF8'), 'a' FROM generate_series(1, 2500) n")
	store := newPgstore(t, db, nil)
	require.ErrorContains(t, store.CompareAndSwap(ctx, "user/1", []byte("a"), []byte("b")), "call Migrate first")
	file := func() (node int) {
		require.NoError(t, db.QueryRowContext(ctx, "SELECT pg_relation_filenode('csoauth_tokens')").Scan(&node))
		return node
	}
	before := file()

	t.Run("others need not wait for Migrate to get its lock", func(t *testing.T) {
		long, err := db.BeginTx(ctx, nil)
		require.NoError(t, err)
		defer func() { _ = long.Rollback() }() // an error once it is committed
		_, err = long.ExecContext(ctx, "SELECT count(*) FROM csoauth_tokens")
		require.NoError(t, err)
		migrated := make(chan error, 1)
		go func() { migrated <- store.Migrate(ctx) }()
		until(t, "Migrate waits for the table", func() bool {
			var waiting int
			err := db.QueryRowContext(ctx, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'ALTER TABLE%'").Scan(&waiting)
			require.NoError(t, err)
			return waiting > 0
		})
		within, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		_, err = store.Load(within, "user/1")
		require.NoError(t, err, "while a long transaction keeps Migrate waiting")
		require.NoError(t, long.Commit())
		require.NoError(t, <-migrated)
	})
	assert.Equal(t, before, file(), "the rows were not written again")
	value, err := store.Load(ctx, "user/2500")
	require.NoError(t, err)
	require.Equal(t, "a", string(value))

	t.Run("the rows are as old as that", func(t *testing.T) {
		n, err := store.DeleteOlderThan(ctx, 48*time.Hour)
		require.NoError(t, err)
		assert.Zero(t, n)
	})
	t.Run("with the statements of older versions", func(t *testing.T) {
		execAll(t, db, "INSERT INTO csoauth_tokens (key, value) VALUES ('new', 'a') ON CONFLICT (key) DO NOTHING",
			"UPDATE csoauth_tokens SET updated_at = now() - interval '100 days' WHERE key IN ('user/1', 'user/2', 'user/2400')",
			"UPDATE csoauth_tokens SET value = 'b' WHERE key = 'user/1' AND value = 'a'") // a refresh by an older version
		require.NoError(t, store.CompareAndSwap(ctx, "user/2", []byte("a"), []byte("b"))) // and one by this version
		n, err := store.DeleteOlderThan(ctx, 99*24*time.Hour)
		require.NoError(t, err)
		assert.EqualValues(t, 2, n, "the time that the older version did not write counts, so DeleteOlderThan has to wait for it to be gone")
		for key, there := range map[string]bool{"user/1": false, "user/2": true, "user/3": true, "user/2400": false, "new": true} {
			_, err := store.Load(ctx, key)
			assert.Equal(t, there, err == nil, key)
		}
	})
	t.Run("who may not alter it", func(t *testing.T) {
		execAll(t, db, "CREATE ROLE app LOGIN", "CREATE TABLE older"+oldColumns, "GRANT SELECT, INSERT, UPDATE, DELETE ON older TO app")
		app := server.postgres("user=app")
		defer app.Close()
		err := newPgstore(t, app, &pgstore.Options{Table: "older"}).Migrate(ctx)
		require.ErrorContains(t, err, `its owner, "postgres", may add it: ALTER TABLE "public"."older" ADD COLUMN IF NOT EXISTS updated_at`)
		_, statement, _ := strings.Cut(err.Error(), "may add it: ")
		execAll(t, db, statement)
		require.NoError(t, newPgstore(t, app, &pgstore.Options{Table: "older"}).Migrate(ctx))
	})
	t.Run("several at once", func(t *testing.T) {
		execAll(t, db, "CREATE TABLE oldest"+oldColumns)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { assert.NoError(t, newPgstore(t, db, &pgstore.Options{Table: "oldest"}).Migrate(ctx)) })
		}
		all.Wait()
	})
}

// TestDeleteOlderThan beside refreshes: what is being written stays, and nobody waits for it.
func TestDeleteOlderThan(t *testing.T) {
	t.Parallel()
	server := startPostgres(t, postgresWithoutSync...)
	for _, level := range []string{"read committed", "repeatable read", "serializable"} {
		t.Run(level, func(t *testing.T) {
			db := server.postgres("default_transaction_isolation=" + url.PathEscape(level))
			defer db.Close()
			ctx := t.Context()
			table := strings.ReplaceAll(level, " ", "_")
			store := newPgstore(t, db, &pgstore.Options{Table: table})
			require.NoError(t, store.Migrate(ctx))
			execAll(t, db, "INSERT INTO "+table+" SELECT convert_to('user/' || n, 'UTF8'), 'a', now() - interval '100 days' FROM generate_series(1, 3000) n")
			tx, err := db.BeginTx(ctx, nil)
			require.NoError(t, err)
			defer func() { _ = tx.Rollback() }() // an error once it is committed
			_, err = tx.ExecContext(ctx, "UPDATE "+table+" SET value = 'b', updated_at = now() WHERE key = 'user/7'")
			require.NoError(t, err)
			var all sync.WaitGroup
			var gone atomic.Int64
			for range 4 {
				all.Go(func() {
					n, err := store.DeleteOlderThan(ctx, 90*24*time.Hour)
					gone.Add(n)
					if level == "read committed" {
						assert.NoError(t, err)
					}
				})
			}
			all.Wait()
			require.NoError(t, tx.Commit())
			n, err := store.DeleteOlderThan(ctx, 90*24*time.Hour) // where transactions are stricter, one may have been refused
			require.NoError(t, err)
			assert.EqualValues(t, 2999, gone.Load()+n)
			value, err := store.Load(ctx, "user/7")
			require.NoError(t, err)
			assert.Equal(t, "b", string(value))
		})
	}
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
