package pgstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/contentstack/csoauth/tokens"
)

// Options configure a Store. A nil *Options means all defaults.
type Options struct {
	// Schema is the schema of the table, exactly as the catalog spells it and without quotes.
	// Empty: "public". The search_path is not used, because a role that may write to one of its
	// schemas could put its own table in front of yours.
	Schema string
	// Table is the name of the table: lower-case letters, digits and underscores. Empty:
	// "csoauth_tokens".
	Table string
	// Owner is the role that must own the table. Empty: [Store.Migrate] accepts the role of db, the
	// roles of which it is a member, the owners of schema and database, and a superuser.
	Owner string
}

// A Store is a [tokens.Store] in PostgreSQL. It is safe for concurrent use, and needs no Close.
type Store struct {
	db           *sql.DB
	schema, name string
	anySchema    bool          // the caller did not choose the schema
	owner        string        // empty: one of those that Options name
	table        string        // quoted, with its schema
	calls        chan struct{} // has a value for each call that is under way
}

// New returns a Store that uses db. The caller must close db. The table must exist before the Store
// is used: see [Store.Migrate]. New returns an error if db is nil or a name is not valid. It does
// not connect to the database.
func New(db *sql.DB, o *Options) (*Store, error) {
	if o == nil {
		o = &Options{}
	}
	s := &Store{
		db: db, schema: cmp.Or(o.Schema, "public"), name: cmp.Or(o.Table, "csoauth_tokens"), anySchema: o.Schema == "", owner: o.Owner,
		calls: make(chan struct{}, maxCalls),
	}
	switch {
	case db == nil:
		return nil, errors.New("pgstore: there is no *sql.DB")
	case strings.Contains(s.name, ".") && tableName.MatchString(s.name[strings.LastIndex(s.name, ".")+1:]):
		return nil, fmt.Errorf("pgstore: Options.Table: %q has a dot: set the schema in Options.Schema", s.name)
	case !tableName.MatchString(s.name):
		return nil, fmt.Errorf("pgstore: Options.Table: %q is not a name of at most %d lower-case letters, digits and underscores", s.name, maxName)
	case !isName(s.schema):
		return nil, fmt.Errorf("pgstore: Options.Schema: %q is not a name of at most %d bytes of UTF-8 without a zero byte", s.schema, maxName)
	case s.owner != "" && !isName(s.owner):
		return nil, fmt.Errorf("pgstore: Options.Owner: %q is not a name of at most %d bytes of UTF-8 without a zero byte", s.owner, maxName)
	}
	s.table = quote(s.schema) + "." + quote(s.name)
	return s, nil
}

// Format prints only the name of the table under every verb. It prints nothing of the database,
// because its address may contain a password.
func (s Store) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "pgstore.Store(%s)", s.table) }

// maxCalls is how many calls are under way at a time; more wait. PostgreSQL takes 100 connections
// by default, and database/sql opens one for each call.
const maxCalls = 64

// maxName is how many bytes of a name PostgreSQL keeps. It cuts off the rest without an error.
const maxName = 63

var tableName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

func isName(s string) bool {
	return s != "" && len(s) <= maxName && utf8.ValidString(s) && !strings.Contains(s, "\x00")
}

// quote returns a name as it stands in a statement.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Load returns the value of key. See [tokens.Store].
func (s *Store) Load(ctx context.Context, key string) ([]byte, error) {
	value, err := s.load(ctx, key)
	if err == nil && value == nil {
		err = tokens.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("pgstore: load: %w", explained(err))
	}
	return value, nil
}

// load returns the value, or nil if there is none. It asks whether the server is a standby, which
// might be behind.
func (s *Store) load(ctx context.Context, key string) (value []byte, err error) {
	if err := s.check(ctx, key); err != nil {
		return nil, err
	}
	var standby, present bool
	const query = "SELECT pg_is_in_recovery(), value IS NOT NULL, coalesce(value, '') FROM (SELECT 1) one LEFT JOIN %s ON key = $1"
	err = s.repeated(ctx, func() error {
		return s.db.QueryRowContext(ctx, fmt.Sprintf(query, s.table), []byte(key)).Scan(&standby, &present, &value)
	})
	if err != nil {
		return nil, err
	}
	switch {
	case standby:
		return nil, errors.New("the server is a standby, which may be behind: connect to the primary")
	case !present:
		return nil, nil
	case value == nil:
		value = []byte{} // as some drivers scan an empty one
	}
	return value, nil
}

// CompareAndSwap replaces old by new. See [tokens.Store].
func (s *Store) CompareAndSwap(ctx context.Context, key string, old, new []byte) error {
	if err := s.swap(ctx, key, old, new); err != nil {
		return fmt.Errorf("pgstore: swap: %w", explained(err))
	}
	return nil
}

func (s *Store) swap(ctx context.Context, key string, old, new []byte) error {
	if err := s.check(ctx, key); err != nil {
		return err
	}
	statement, args := "", []any{[]byte(key)}
	switch {
	case old == nil && new == nil:
		return s.settle(ctx, key, new)
	case old == nil:
		statement, args = "INSERT INTO %s (key, value, updated_at) VALUES ($1, $2, CURRENT_TIMESTAMP) ON CONFLICT (key) DO NOTHING", append(args, new)
	case new == nil:
		statement, args = "DELETE FROM %s WHERE key = $1 AND value = $2", append(args, old)
	default:
		statement, args = "UPDATE %s SET value = $3, updated_at = CURRENT_TIMESTAMP WHERE key = $1 AND value = $2", append(args, old, new)
	}
	var changed int64
	err := s.repeated(ctx, func() error {
		result, err := s.db.ExecContext(ctx, fmt.Sprintf(statement, s.table), args...)
		if err == nil {
			changed, err = result.RowsAffected()
		}
		return err
	})
	if sqlState(err) == serializationFailure {
		return fmt.Errorf("%w: %w", tokens.ErrConflict, err)
	}
	if err != nil || changed > 0 {
		return err
	}
	return s.settle(ctx, key, new)
}

// repeated sends a statement again that the server would not serialize with what others do, or had
// no connection for. Where transactions are repeatable read, another process was faster; where they
// are serializable, not even that is sure. All statements here may be repeated.
func (s *Store) repeated(ctx context.Context, send func() error) (err error) {
	select {
	case s.calls <- struct{}{}:
		defer func() { <-s.calls }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for n := range attempts {
		var pause time.Duration
		switch err = send(); sqlState(err) {
		default:
			return err
		case serializationFailure:
			pause = time.Duration(n) * 2 * time.Millisecond
		case tooManyConnections: // nothing was sent; many wait, so each waits for a time of its own
			pause = time.Duration(n+1)*50*time.Millisecond + rand.N(time.Duration(n+1)*50*time.Millisecond)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
	return err
}

// settle says how a swap ends that changed nothing: well if the value is new already, because a
// swap may be asked for twice.
func (s *Store) settle(ctx context.Context, key string, new []byte) error {
	value, err := s.load(ctx, key)
	if err != nil {
		return err
	}
	if (value == nil) != (new == nil) || string(value) != string(new) {
		return tokens.ErrConflict
	}
	return nil
}

// maxKey is how long a key may be, in bytes.
const maxKey = 512

// check returns why there is nothing to ask the server.
func (s *Store) check(ctx context.Context, key string) error {
	switch {
	case key == "" || len(key) > maxKey:
		return fmt.Errorf("the key has %d bytes: want 1 to %d", len(key), maxKey)
	}
	return ctx.Err()
}

// SQLSTATE codes (PostgreSQL, appendix A).
const (
	serializationFailure  = "40001"
	uniqueViolation       = "23505" // of the catalog's own index
	duplicateObject       = "42710" // the type of the table's rows
	duplicateTable        = "42P07"
	invalidSchemaName     = "3F000"
	insufficientPrivilege = "42501"
	undefinedColumn       = "42703"
	undefinedTable        = "42P01"
	lockNotAvailable      = "55P03"
	tooManyConnections    = "53300"
)

// sqlState returns the code of a driver's error: pgx and lib/pq tell it alike.
func sqlState(err error) string {
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		return state.SQLState()
	}
	return ""
}

// explained adds to an error what to do if Migrate has not been called.
func explained(err error) error {
	switch sqlState(err) {
	case undefinedTable:
		return fmt.Errorf("%w: there is no table: call Migrate first", err)
	case undefinedColumn:
		return fmt.Errorf("%w: the table is of an older version: call Migrate first", err)
	case tooManyConnections:
		return fmt.Errorf("%w: limit the connections of each process with db.SetMaxOpenConns", err)
	}
	return err
}
