package pgstore_test

import (
	"context"
	"database/sql/driver"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens/pgstore"
)

// The words that Migrate's statements begin with, in turn.
var (
	version = []string{"SELECT"}
	isThere = []string{"SELECT", "SELECT"} // the table, and its columns
	missing = []string{"SELECT", "SELECT"} // no table, and none elsewhere
	create  = []string{"CREATE"}
	add     = []string{"BEGIN", "SET", "ALTER", "COMMIT"}
	addFail = []string{"BEGIN", "SET", "ALTER", "ROLLBACK"}
)

func words(all ...[]string) (sent []string) {
	for _, some := range all {
		sent = append(sent, some...)
	}
	return sent
}

func TestMigrateWithOthersAtWork(t *testing.T) {
	isMade := func(err error) step { return isLost(err) } // by another process
	before := times(3, runs)                              // up to CREATE
	after := func(s ...step) []step { return append(before[:3:3], s...) }
	for name, test := range map[string]struct {
		steps []step
		sent  []string
		want  error
	}{
		"alone":            {nil, words(version, missing, create, isThere), nil},
		"the index has it": {after(isMade(sqlState("23505"))), words(version, missing, create, isThere), nil},
		"the type has it":  {after(isMade(sqlState("42710"))), words(version, missing, create, isThere), nil},
		"the table has it": {after(isMade(sqlState("42P07"))), words(version, missing, create, isThere), nil},
		"another makes it and takes it back": {after(fails(sqlState("42P07"))),
			words(version, missing, create, missing, create, isThere), nil},
		"it cannot be made":                {after(fails(errDown)), words(version, missing, create), errDown},
		"nobody knows whether it is there": {append(times(1, runs), fails(errDown)), words(version, []string{"SELECT"}), errDown},
		"nobody knows of others":           {append(times(2, runs), fails(errDown)), words(version, missing), errDown},
		"nobody knows whether it was made": {after(fails(sqlState("42P07")), fails(errDown)),
			words(version, missing, create, []string{"SELECT"}), errDown},
		"nobody knows its columns": {after(runs, runs, fails(errDown)), words(version, missing, create, isThere), errDown},
	} {
		t.Run(name, func(t *testing.T) {
			fake, db := newServer(t)
			fake.steps = test.steps
			store := open(t, db, &pgstore.Options{Schema: "App 1", Table: "logins"})
			err := store.Migrate(t.Context())
			assert.Equal(t, test.sent, fake.sent)
			if test.want != nil {
				requireFailure(t, err, test.want, "pgstore: migrate: ")
				return
			}
			require.NoError(t, err)
			require.NoError(t, store.CompareAndSwap(t.Context(), "key", nil, some("a")))
			requireValue(t, store, "key", "a")
			fake.sent = nil
			require.NoError(t, store.Migrate(t.Context()))
			assert.Equal(t, words(version, isThere), fake.sent, "a role that may not make tables may migrate when the table is there")
		})
	}
	t.Run("it is never made", func(t *testing.T) {
		fake, db := newServer(t)
		fake.steps = times(1, runs)
		for range tries {
			fake.steps = append(fake.steps, runs, runs, fails(sqlState("42P07")))
		}
		requireFailure(t, open(t, db, nil).Migrate(t.Context()), sqlState("42P07"), "pgstore: migrate: ")
		assert.Len(t, fake.sent, 1+3*tries)
	})
	t.Run("it is always gone again", func(t *testing.T) {
		fake, db := newServer(t)
		isGone := func(_ context.Context, run func() (reply, error)) (reply, error) {
			r, err := run()
			delete(fake.tables, tokensTable)
			return r, err
		}
		fake.steps = times(1, runs)
		for range tries {
			fake.steps = append(fake.steps, runs, runs, isGone)
		}
		require.ErrorContains(t, open(t, db, nil).Migrate(t.Context()), `other processes create and drop the table "public"."csoauth_tokens"`)
	})
	t.Run("the context ends", func(t *testing.T) {
		for n := range 6 {
			fake, db := newServer(t)
			ctx, cancel := context.WithCancel(t.Context())
			fake.steps = append(times(n, runs), ends(cancel, fails(nil)))
			requireFailure(t, open(t, db, nil).Migrate(ctx), context.Canceled, "pgstore: migrate: ")
			assert.Len(t, fake.sent, n+1)
		}
	})
	for name, columns := range map[string]reply{
		"the columns break off":      {rows: [][]driver.Value{keyColumn}, nextErr: errDown},
		"a column cannot be scanned": {rows: [][]driver.Value{{"key", "bytea", "no", "no", "no"}}},
	} {
		t.Run(name, func(t *testing.T) {
			fake, store := newStore(t, nil)
			fake.steps = []step{runs, runs, func(context.Context, func() (reply, error)) (reply, error) { return columns, nil }}
			err := store.Migrate(t.Context())
			require.ErrorContains(t, err, "pgstore: migrate: ")
			require.NotContains(t, err.Error(), "has no column")
		})
	}
}

// TestMigrateSaysWhatItNeeds: who may not make the table learns who has to do what.
func TestMigrateSaysWhatItNeeds(t *testing.T) {
	for name, test := range map[string]struct {
		options pgstore.Options
		other   string // the schema of another table, in the search_path
		create  error
		want    []string
	}{
		"the right to create": {pgstore.Options{}, "", sqlState("42501"),
			[]string{`there is no table "public"."csoauth_tokens", and the role "app" may not create it: name another schema in Options.Schema, or have another role create it: CREATE TABLE IF NOT EXISTS "public"."csoauth_tokens" (`, "CURRENT_TIMESTAMP)$"}},
		"a schema": {pgstore.Options{Schema: `a "b"`}, "", sqlState("3F000"), []string{`CREATE SCHEMA "a ""b"""`}},
		"to know which of two": {pgstore.Options{}, "app", nil,
			[]string{`there is no table "public"."csoauth_tokens"`, `one in the schema "app"`, "Options.Schema"}},
		"the owner": {pgstore.Options{Owner: "migrator"}, "", nil,
			[]string{`this role is "app"`, `"migrator"`, `CREATE TABLE IF NOT EXISTS "public"."csoauth_tokens" (`}},
	} {
		t.Run(name, func(t *testing.T) {
			fake, db := newServer(t)
			fake.other = test.other
			fake.steps = append(times(3, runs), fails(test.create))
			err := open(t, db, &test.options).Migrate(t.Context())
			for _, want := range test.want {
				requireText(t, err, want)
			}
			if test.create != nil {
				require.ErrorIs(t, err, test.create)
			} else {
				assert.NotContains(t, fake.sent, "CREATE")
			}
			assert.Empty(t, fake.tables)
		})
	}
	t.Run("the table that another process has just made", func(t *testing.T) {
		fake, db := newServer(t)
		fake.other = "public"
		require.NoError(t, open(t, db, nil).Migrate(t.Context()))
	})
	t.Run("a schema that the caller chose is the one", func(t *testing.T) {
		fake, db := newServer(t)
		fake.other = "mallory"
		require.NoError(t, open(t, db, &pgstore.Options{Schema: "public", Owner: "app"}).Migrate(t.Context()))
		assert.Contains(t, fake.tables, tokensTable)
	})
}

// requireText requires an error with a text in it, or at its end if the text ends with $.
func requireText(t *testing.T, err error, want string) {
	t.Helper()
	if text, atEnd := strings.CutSuffix(want, "$"); atEnd {
		require.Error(t, err)
		require.True(t, strings.HasSuffix(err.Error(), text), "%q\ndoes not end with\n%q", err, text)
		return
	}
	require.ErrorContains(t, err, want)
}

// TestTableThatMustNotBeUsed: each is refused with what is wrong and what to do, and nothing is
// changed.
func TestTableThatMustNotBeUsed(t *testing.T) {
	set := func(at int, value driver.Value) func(*table) { return func(t *table) { t.found[at] = value } }
	columns := func(c ...[]driver.Value) func(*table) { return func(t *table) { t.columns = c } }
	for name, test := range map[string]struct {
		change func(*table)
		owner  string // Options.Owner
		want   []string
	}{
		"a view":               {set(kindOf, "v"), "", []string{"is a view: name an ordinary table, or none, in Options.Schema and Options.Table$"}},
		"a materialized view":  {set(kindOf, "m"), "", []string{"is a materialized view: "}},
		"a foreign table":      {set(kindOf, "f"), "", []string{"is a foreign table: "}},
		"a partitioned table":  {set(kindOf, "p"), "", []string{"is a partitioned table: "}},
		"a sequence":           {set(kindOf, "S"), "", []string{"is a sequence: "}},
		"an index":             {set(kindOf, "i"), "", []string{"is an index: "}},
		"a partitioned index":  {set(kindOf, "I"), "", []string{"is a partitioned index: "}},
		"a type":               {set(kindOf, "c"), "", []string{"is a type: "}},
		"something else":       {set(kindOf, "x"), "", []string{"is no table: "}},
		"a planted one":        {func(t *table) { t.found[ownerOf], t.found[isTrusted] = "mallory", false }, "", []string{`belongs to the role "mallory"`, `set Options.Owner to "mallory"`, `neither "app"`}},
		"not the owner's":      {set(ownerOf, "other"), "migrator", []string{`belongs to the role "other"`, `Options.Owner is "migrator"`}},
		"one that is unlogged": {set(persistenceOf, "u"), "", []string{"unlogged", `ALTER TABLE "public"."csoauth_tokens" SET LOGGED, or use another one$`}},
		"one with children":    {set(inherits, true), "", []string{"has a parent or children", "past its own primary key and rights: use another one$"}},
		"hidden rows":          {set(hidesRows, true), "", []string{"row-level security", `"app"`, "DISABLE ROW LEVEL SECURITY"}},
		"no primary key":       {set(primaryKeyOf, ""), "", []string{"has no primary key", `ALTER TABLE "public"."csoauth_tokens" ADD PRIMARY KEY (key)`}},
		"another primary key":  {set(primaryKeyOf, "PRIMARY KEY (key, value)"), "", []string{`has the primary key "PRIMARY KEY (key, value)", and must have "PRIMARY KEY (key)"`}},
		"a late primary key":   {set(primaryKeyOf, "PRIMARY KEY (key) DEFERRABLE"), "", []string{"DEFERRABLE"}},
		"a right is missing":   {set(missingRights, "UPDATE, DELETE"), "", []string{`the role "app"`, "lacks UPDATE, DELETE"}},
		"no key":               {columns(valueColumn, timeColumn), "", []string{"has no column key"}},
		"no value":             {columns(keyColumn, timeColumn), "", []string{"has no column value"}},
		"a key of text": {columns([]driver.Value{"key", "text", true, false, false}, valueColumn, timeColumn), "",
			[]string{`has a column key of the type "text"`, `must be "bytea"`, "no collation"}},
		"a value of text": {columns(keyColumn, []driver.Value{"value", "text", true, false, false}, timeColumn), "",
			[]string{`has a column value of the type "text"`}},
		"a time without a zone": {columns(keyColumn, valueColumn, []driver.Value{"updated_at", "timestamp without time zone", true, true, false}), "",
			[]string{`has a column updated_at of the type "timestamp without time zone"`}},
		"a value that may be NULL": {columns(keyColumn, []driver.Value{"value", "bytea", false, false, false}, timeColumn), "",
			[]string{`ALTER TABLE "public"."csoauth_tokens" ALTER COLUMN value SET NOT NULL`}},
		"a value that is generated": {columns(keyColumn, []driver.Value{"value", "bytea", true, true, true}, timeColumn), "",
			[]string{"has a column value that the server generates"}},
		"a time without a default": {columns(keyColumn, valueColumn, []driver.Value{"updated_at", "timestamp with time zone", true, false, false}), "",
			[]string{"ALTER COLUMN updated_at SET DEFAULT CURRENT_TIMESTAMP$"}},
		"a column that must be named": {columns(keyColumn, valueColumn, timeColumn, []driver.Value{"The tenant", "text", true, false, false}), "",
			[]string{`ALTER COLUMN "The tenant" DROP NOT NULL$`}},
	} {
		t.Run(name, func(t *testing.T) {
			fake, store := newStore(t, given("key", "a"))
			test.change(fake.tables[tokensTable])
			if test.owner != "" {
				store = open(t, fake.pool(t), &pgstore.Options{Owner: test.owner})
			}
			err := store.Migrate(t.Context())
			require.ErrorContains(t, err, `pgstore: migrate: the table "public"."csoauth_tokens" `)
			for _, want := range test.want {
				requireText(t, err, want)
			}
			assert.Equal(t, words(version, isThere), fake.sent)
		})
	}
}

func TestTableThatMayBeUsed(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*table)
		owner  string
	}{
		"further columns": {func(t *table) {
			t.columns = append(t.columns, []driver.Value{"note", "text", false, false, false}, []driver.Value{"n", "bigint", true, true, false})
		}, ""},
		"the owner that Options name": {func(t *table) { t.found[ownerOf], t.found[isTrusted] = "migrator", false }, "migrator"},
	} {
		t.Run(name, func(t *testing.T) {
			fake, _ := newStore(t, given("key", "a"))
			test.change(fake.tables[tokensTable])
			store := open(t, fake.pool(t), &pgstore.Options{Owner: test.owner})
			require.NoError(t, store.Migrate(t.Context()))
			requireValue(t, store, "key", "a")
		})
	}
}

func TestServerMustBePostgreSQL(t *testing.T) {
	for version, want := range map[string]string{
		"10.11.6-MariaDB-0+deb12u1":         `for PostgreSQL only, and the version of this server is "10.11.6-MariaDB-0+deb12u1"$`,
		"8.0.36":                            `for PostgreSQL only, and the version of this server is "8.0.36"`,
		"CockroachDB CCL v23.1.11 (x86_64)": "for PostgreSQL only",
		"PostgreSQL 11.22 on x86_64":        "needs PostgreSQL 12 or later",
		"PostgreSQL 8.0.2 on i686-pc-linux-gnu, Redshift 1.0.12": "needs PostgreSQL 12 or later",
		"PostgreSQL 12.1 on x86_64":                              "",
		"PostgreSQL 18beta1 on x86_64":                           "",
	} {
		fake, db := newServer(t)
		fake.version = version
		err := open(t, db, nil).Migrate(t.Context())
		if want == "" {
			require.NoError(t, err, version)
			continue
		}
		requireText(t, err, want)
		assert.Len(t, fake.sent, 1)
	}
	t.Run("SQLite", func(t *testing.T) {
		fake, db := newServer(t)
		fake.sqlite = true
		require.EqualError(t, open(t, db, nil).Migrate(t.Context()), "pgstore: migrate: pgstore is for PostgreSQL only, and this is SQLite 3.40.1")
	})
	t.Run("nobody knows", func(t *testing.T) {
		for _, cause := range []error{errDown, sqlState("57P03")} {
			fake, db := newServer(t)
			fake.steps = []step{fails(cause)}
			requireFailure(t, open(t, db, nil).Migrate(t.Context()), cause, "pgstore: migrate: ")
		}
	})
}

// oldTable makes the table one of a version that had no updated_at.
func oldTable(fake *server) {
	t := fake.tables[tokensTable]
	t.columns = t.columns[:2:2]
}

func TestOldTableIsBroughtForward(t *testing.T) {
	inUse := fails(sqlState("55P03"))
	upToAlter := times(3, runs)
	t.Run("at once", func(t *testing.T) {
		fake, store := newStore(t, given("key", "a"))
		oldTable(fake)
		err := store.CompareAndSwap(t.Context(), "key", some("a"), some("b"))
		require.ErrorIs(t, err, sqlState("42703"))
		require.ErrorContains(t, err, "call Migrate first")
		requireValue(t, store, "key", "a")
		fake.sent = nil
		require.NoError(t, store.Migrate(t.Context()))
		assert.Equal(t, words(version, isThere, add, isThere), fake.sent)
		require.NoError(t, store.CompareAndSwap(t.Context(), "key", some("a"), some("b")))
		requireValue(t, store, "key", "b")
	})
	t.Run("when it is free", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			fake, store := newStore(t, nil)
			oldTable(fake)
			fake.steps = append(upToAlter[:3:3], runs, runs, inUse, runs, runs, runs, inUse)
			start := time.Now()
			require.NoError(t, store.Migrate(t.Context()))
			assert.Equal(t, words(version, isThere, addFail, addFail, add, isThere), fake.sent)
			assert.Equal(t, 2*time.Second, time.Since(start), "others use the table meanwhile")
		})
	})
	t.Run("never free", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			fake, store := newStore(t, nil)
			oldTable(fake)
			fake.steps = upToAlter[:3:3]
			for range tries {
				fake.steps = append(fake.steps, runs, runs, inUse, runs)
			}
			err := store.Migrate(t.Context())
			require.ErrorIs(t, err, sqlState("55P03"))
			require.ErrorContains(t, err, "call Migrate again")
			assert.Len(t, fake.sent, 3+4*tries)
		})
	})
	t.Run("the context ends in a pause", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			fake, store := newStore(t, nil)
			oldTable(fake)
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			fake.steps = append(upToAlter[:3:3], runs, runs, inUse)
			start := time.Now()
			require.ErrorIs(t, store.Migrate(ctx), sqlState("55P03"))
			assert.Equal(t, time.Millisecond, time.Since(start))
		})
	})
	for name, test := range map[string]struct {
		steps []step
		want  string
	}{
		"it is the owner's":           {[]step{runs, runs, fails(sqlState("42501"))}, `its owner, "app", may add it: ALTER TABLE "public"."csoauth_tokens" ADD COLUMN`},
		"no transaction begins":       {[]step{fails(errDown)}, errDown.Error()},
		"the time-out cannot be set":  {[]step{runs, fails(errDown)}, errDown.Error()},
		"the transaction is not over": {[]step{runs, runs, runs, fails(errDown)}, errDown.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			fake, store := newStore(t, nil)
			oldTable(fake)
			fake.steps = append(upToAlter[:3:3], test.steps...)
			err := store.Migrate(t.Context())
			require.ErrorContains(t, err, "pgstore: migrate: ")
			require.ErrorContains(t, err, test.want)
			assert.Equal(t, 1, strings.Count(strings.Join(fake.sent, " "), "BEGIN"), "it is not tried again")
		})
	}
}
