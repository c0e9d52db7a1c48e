package pgstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// The columns, as the statements that make them say it and as PostgreSQL's format_type names them.
const (
	timeColumn = "updated_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP"
	primaryKey = "PRIMARY KEY (key)"
)

var columnTypes = map[string]string{"key": "bytea", "value": "bytea", "updated_at": "timestamp with time zone"}

// Schema returns the statement that creates the table if it does not exist. The statement does not
// change a table of an older version. Migrate updates such a table, or says how to update it.
func (s *Store) Schema() string {
	return "CREATE TABLE IF NOT EXISTS " + s.table + " (key bytea PRIMARY KEY, value bytea NOT NULL, " + timeColumn + ")"
}

// addTime is the statement for a table without updated_at. Its default is computed once, so the
// rows are not written again (PostgreSQL 11 and later).
func (s *Store) addTime() string {
	return "ALTER TABLE " + s.table + " ADD COLUMN IF NOT EXISTS " + timeColumn
}

// Migrate makes sure that the table exists and that the Store can use it. It creates a missing
// table. To a table of an older version it adds the column updated_at, and keeps the rows. If there
// is nothing to create or to add, the role needs only the right to use the table. So call Migrate
// every time the program starts, even if someone else created the table. Several processes may call
// it at the same time.
//
// The error says what is wrong with the table, and what to do. Migrate refuses a table if
//
//   - it belongs to a role that is not trusted (see Options.Owner);
//   - it has another primary key or other types;
//   - it is not an ordinary table;
//   - it loses its rows in a crash;
//   - row-level security hides rows from this role;
//   - this role lacks a right to it.
//
// It also refuses servers that are not PostgreSQL 12 or later.
//
// To add the column, Migrate locks the table for a moment. It waits at most a second for
// transactions that use the table, because all others wait behind it. It tries again ten times.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.migrate(ctx); err != nil {
		return fmt.Errorf("pgstore: migrate: %w", err)
	}
	return nil
}

func (s *Store) migrate(ctx context.Context) error {
	if err := s.checkServer(ctx); err != nil {
		return err
	}
	var last error
	for range attempts {
		found, err := s.find(ctx)
		switch {
		case err != nil:
			return err
		case found == nil:
			if last, err = s.create(ctx); err != nil {
				return err
			}
			continue // and look what is there now: another process may have been faster
		}
		if wrong := found.wrong(s); wrong != "" {
			return fmt.Errorf("the table %s %s", s.table, wrong)
		}
		if _, ok := found.columns["updated_at"]; ok {
			return nil
		}
		if err := s.bringForward(ctx, found); err != nil {
			return err
		}
	}
	return cmp.Or(last, fmt.Errorf("other processes create and drop the table %s all the time", s.table))
}

// attempts is how often a statement is sent that fails because of what others do at the same time.
const attempts = 10

// oldest is the first version of PostgreSQL whose catalog says all that Migrate asks.
const oldest = 12

// checkServer returns an error if the server is not PostgreSQL.
func (s *Store) checkServer(ctx context.Context) error {
	var version string
	err := s.db.QueryRowContext(ctx, "SELECT version()").Scan(&version)
	if err != nil {
		var sqlite string // which has no version()
		if sqlState(err) == "" && ctx.Err() == nil && s.db.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&sqlite) == nil {
			return fmt.Errorf("pgstore is for PostgreSQL only, and this is SQLite %s", sqlite)
		}
		return err
	}
	var major int
	switch _, err := fmt.Sscanf(version, "PostgreSQL %d", &major); {
	case err != nil:
		return fmt.Errorf("pgstore is for PostgreSQL only, and the version of this server is %q", version)
	case major < oldest:
		return fmt.Errorf("pgstore needs PostgreSQL %d or later, and the version of this server is %q", oldest, version)
	}
	return nil
}

// A found is what the catalog says of the table.
type found struct {
	oid                string
	kind, persistence  string // as in pg_class
	owner, me          string // roles
	trusted            bool   // the owner is one whom Options.Owner accepts if it is empty
	inherits           bool   // it has a parent or a child
	hidesRows          bool   // row-level security counts for this role
	primaryKey         string // as PostgreSQL writes it; empty: none
	missingRights      string
	columns            map[string]column
	columnWithoutValue string // a column that is not ours and that an INSERT would have to name
}

type column struct {
	kind                           string
	notNull, hasDefault, generated bool
}

// The owner of a table can read it, and so can the members of its owner. A superuser is a member of
// every role as far as pg_has_role knows, which says nothing about whom to trust.
const findTable = `SELECT c.oid::text, c.relkind::text, c.relpersistence::text, o.rolname::text, me.rolname::text,
	c.relowner IN (me.oid, n.nspowner, d.datdba) OR o.rolsuper OR (NOT me.rolsuper AND pg_catalog.pg_has_role(c.relowner, 'MEMBER')),
	EXISTS (SELECT 1 FROM pg_catalog.pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent)),
	pg_catalog.row_security_active(c.oid),
	coalesce((SELECT pg_catalog.pg_get_constraintdef(p.oid) FROM pg_catalog.pg_constraint p WHERE p.conrelid = c.oid AND p.contype = 'p'), ''),
	pg_catalog.concat_ws(', ',
		CASE WHEN NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE') THEN 'USAGE of its schema' END,
		CASE WHEN NOT pg_catalog.has_any_column_privilege(c.oid, 'SELECT') THEN 'SELECT' END,
		CASE WHEN NOT pg_catalog.has_any_column_privilege(c.oid, 'INSERT') THEN 'INSERT' END,
		CASE WHEN NOT pg_catalog.has_any_column_privilege(c.oid, 'UPDATE') THEN 'UPDATE' END,
		CASE WHEN NOT pg_catalog.has_table_privilege(c.oid, 'DELETE') THEN 'DELETE' END)
	FROM pg_catalog.pg_class c
	JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	JOIN pg_catalog.pg_roles o ON o.oid = c.relowner
	JOIN pg_catalog.pg_roles me ON me.rolname = current_user
	JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
	WHERE n.nspname = $1::text AND c.relname = $2::text`

const findColumns = `SELECT a.attname::text, pg_catalog.format_type(a.atttypid, NULL), a.attnotnull, a.atthasdef OR a.attidentity <> '', a.attgenerated <> ''
	FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1::text::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`

// find returns what there is under the table's name; nil: nothing.
func (s *Store) find(ctx context.Context) (*found, error) {
	f := found{columns: map[string]column{}}
	err := s.db.QueryRowContext(ctx, findTable, s.schema, s.name).Scan(&f.oid, &f.kind, &f.persistence, &f.owner, &f.me,
		&f.trusted, &f.inherits, &f.hidesRows, &f.primaryKey, &f.missingRights)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	}
	rows, err := s.db.QueryContext(ctx, findColumns, f.oid)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var c column
		if err := rows.Scan(&name, &c.kind, &c.notNull, &c.hasDefault, &c.generated); err != nil {
			return nil, err
		}
		f.columns[name] = c
		if columnTypes[name] == "" && c.notNull && !c.hasDefault {
			f.columnWithoutValue = name
		}
	}
	return &f, rows.Err()
}

// kinds are what else has a name among the tables.
var kinds = map[string]string{
	"v": "a view", "m": "a materialized view", "f": "a foreign table", "p": "a partitioned table", "S": "a sequence", "i": "an index",
	"I": "a partitioned index", "c": "a type",
}

// wrong says what is wrong with a table, and what to do; empty: nothing, but that updated_at may be
// missing.
func (f *found) wrong(s *Store) string {
	switch {
	case f.kind != "r":
		return fmt.Sprintf("is %s: name an ordinary table, or none, in Options.Schema and Options.Table", cmp.Or(kinds[f.kind], "no table"))
	case s.owner != "" && f.owner != s.owner:
		return fmt.Sprintf("belongs to the role %q, and Options.Owner is %q: who owns a table can read the tokens in it", f.owner, s.owner)
	case s.owner == "" && !f.trusted:
		return fmt.Sprintf("belongs to the role %q, which can read the tokens in it and is neither %[2]q, nor a role of which %[2]q is a member, "+
			"nor the owner of the schema or the database, nor a superuser: if that is as it should be, set Options.Owner to %[1]q; "+
			"otherwise find out who made the table, and use another one", f.owner, f.me)
	case f.persistence != "p":
		return fmt.Sprintf("is unlogged or temporary, so a crash loses its rows: ALTER TABLE %s SET LOGGED, or use another one", s.table)
	case f.inherits:
		return "has a parent or children, so it shows rows or shows them elsewhere past its own primary key and rights: use another one"
	}
	for _, name := range []string{"key", "value", "updated_at"} {
		if text := f.wrongColumn(s, name); text != "" {
			return text
		}
	}
	switch {
	case f.columnWithoutValue != "":
		return fmt.Sprintf("has a column %[1]s that is NOT NULL and has no default, so no row can be added: ALTER TABLE %[2]s ALTER COLUMN %[1]s DROP NOT NULL",
			quote(f.columnWithoutValue), s.table)
	case f.primaryKey == "":
		return fmt.Sprintf("has no primary key, so one login could have two values: ALTER TABLE %s ADD %s", s.table, primaryKey)
	case f.primaryKey != primaryKey:
		return fmt.Sprintf("has the primary key %q, and must have %q", f.primaryKey, primaryKey)
	case f.hidesRows:
		return fmt.Sprintf("has row-level security that counts for the role %q: a row that is hidden is a login that is not there: "+
			"ALTER TABLE %s DISABLE ROW LEVEL SECURITY, or use the role that owns the table", f.me, s.table)
	case f.missingRights != "":
		return fmt.Sprintf("may not be used by the role %q, which lacks %s: GRANT it", f.me, f.missingRights)
	}
	return ""
}

func (f *found) wrongColumn(s *Store, name string) string {
	c, ok := f.columns[name]
	switch {
	case !ok && name == "updated_at":
		return "" // an older version made the table
	case !ok:
		return fmt.Sprintf("has no column %s: it is not one of pgstore's, so name another one in Options.Schema and Options.Table", name)
	case c.kind != columnTypes[name]:
		return fmt.Sprintf("has a column %s of the type %q, and it must be %q, which compares byte by byte and has no collation", name, c.kind, columnTypes[name])
	case c.generated:
		return fmt.Sprintf("has a column %s that the server generates, so it cannot be written", name)
	case !c.notNull:
		return fmt.Sprintf("has a column %[1]s that may be NULL: ALTER TABLE %[2]s ALTER COLUMN %[1]s SET NOT NULL", name, s.table)
	case name == "updated_at" && !c.hasDefault:
		return fmt.Sprintf("has a column updated_at without a default: ALTER TABLE %s ALTER COLUMN updated_at SET DEFAULT CURRENT_TIMESTAMP", s.table)
	}
	return ""
}

// findOthers asks who this role is, and which schema of the search_path has such a table.
const findOthers = `SELECT current_user::text, coalesce((SELECT n.nspname::text FROM pg_catalog.pg_class c
	JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = pg_catalog.to_regclass($1::text)), '')`

// create creates the table. lost is the error if another process was faster.
func (s *Store) create(ctx context.Context) (lost, err error) {
	var me, other string
	if err := s.db.QueryRowContext(ctx, findOthers, quote(s.name)).Scan(&me, &other); err != nil {
		return nil, err
	}
	switch {
	case s.anySchema && other != "" && other != s.schema: // the same one: another process was faster
		return nil, fmt.Errorf("there is no table %s, but the search_path leads to one in the schema %q: set Options.Schema to the one that you want", s.table, other)
	case s.owner != "" && s.owner != me:
		return nil, fmt.Errorf("there is no table %s, and this role is %q: let the role %q, from Options.Owner, create it: %s", s.table, me, s.owner, s.Schema())
	}
	_, err = s.db.ExecContext(ctx, s.Schema())
	switch sqlState(err) {
	case uniqueViolation, duplicateTable, duplicateObject: // another process makes it
		return err, nil
	case insufficientPrivilege:
		return nil, fmt.Errorf("%w: there is no table %s, and the role %q may not create it: name another schema in Options.Schema, "+
			"or have another role create it: %s", err, s.table, me, s.Schema())
	case invalidSchemaName:
		return nil, fmt.Errorf("%w: CREATE SCHEMA %s, or name another one in Options.Schema", err, quote(s.schema))
	}
	return nil, err
}

const (
	lockWait  = "SET LOCAL lock_timeout = '1s'"
	lockPause = time.Second
)

// bringForward adds the column that a table of an older version lacks.
func (s *Store) bringForward(ctx context.Context, f *found) (err error) {
	for n := range attempts {
		if n > 0 {
			select {
			case <-time.After(lockPause):
			case <-ctx.Done():
				return err
			}
		}
		if err = s.inTransaction(ctx, lockWait, s.addTime()); sqlState(err) != lockNotAvailable {
			break
		}
	}
	const text = "%w: the table %s is of an older version and lacks the column updated_at: "
	switch sqlState(err) {
	case lockNotAvailable:
		return fmt.Errorf(text+"long transactions use the table: call Migrate again when they are over", err, s.table)
	case insufficientPrivilege:
		return fmt.Errorf(text+"its owner, %q, may add it: %s", err, s.table, f.owner, s.addTime())
	}
	return err
}

func (s *Store) inTransaction(ctx context.Context, statements ...string) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // an error once it is committed
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}
