package pgstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/contentstack/csoauth/tokens"
)

// Options vary a Store. Nil is fine.
type Options struct {
	// Table is the name of the table, with or without its schema: lower-case letters, digits and
	// underscores. Empty: "csoauth_tokens".
	Table string
}

// A Store is a [tokens.Store] in PostgreSQL. It has nothing to close, and is safe for concurrent
// use.
type Store struct {
	db    *sql.DB
	table string // quoted
}

// New returns a Store over db, which stays the caller's. The table must be there: see
// [Store.Migrate]. New's error says that there is no db, or that the table's name cannot work; it
// does not ask the database.
func New(db *sql.DB, o *Options) (*Store, error) {
	table := "csoauth_tokens"
	if o != nil && o.Table != "" {
		table = o.Table
	}
	switch {
	case db == nil:
		return nil, errors.New("pgstore: there is no *sql.DB")
	case !tableName.MatchString(table):
		return nil, fmt.Errorf("pgstore: Options.Table: %q is not a name of lower-case letters, digits and underscores, or two with a dot between", table)
	}
	return &Store{db: db, table: `"` + strings.ReplaceAll(table, ".", `"."`) + `"`}, nil
}

// Format prints the name of the table under every verb, and nothing of the database, whose address
// may have a password.
func (s Store) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "pgstore.Store(%s)", s.table) }

var tableName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?$`)

// Schema returns the statement that creates the table if it does not exist.
func (s *Store) Schema() string {
	return "CREATE TABLE IF NOT EXISTS " + s.table + " (key bytea PRIMARY KEY, value bytea NOT NULL)"
}

// Migrate creates the table if it does not exist. If it does, the right to use it is enough.
// Several processes may call Migrate at the same time. A table whose name has no schema is looked
// for along the search_path, and created in the first schema there.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.migrate(ctx); err != nil {
		return fmt.Errorf("pgstore: migrate: %w", err)
	}
	return nil
}

func (s *Store) migrate(ctx context.Context) (err error) {
	for range attempts {
		var there bool
		if err := s.db.QueryRowContext(ctx, "SELECT to_regclass($1) IS NOT NULL", s.table).Scan(&there); err != nil || there {
			return err
		}
		_, err = s.db.ExecContext(ctx, s.Schema())
		switch sqlState(err) {
		case uniqueViolation, duplicateTable, duplicateObject: // another process makes it
		default:
			return err
		}
	}
	return err
}

// attempts is how often a statement is sent that fails because of what others do at the same time.
const attempts = 10

// Load returns the value of key. See [tokens.Store].
func (s *Store) Load(ctx context.Context, key string) ([]byte, error) {
	value, err := s.load(ctx, key)
	if err == nil && value == nil {
		err = tokens.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("pgstore: load: %w", err)
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
	err = serialized(ctx, func() error {
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
		return fmt.Errorf("pgstore: swap: %w", err)
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
		statement, args = "INSERT INTO %s (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING", append(args, new)
	case new == nil:
		statement, args = "DELETE FROM %s WHERE key = $1 AND value = $2", append(args, old)
	default:
		statement, args = "UPDATE %s SET value = $3 WHERE key = $1 AND value = $2", append(args, old, new)
	}
	var changed int64
	err := serialized(ctx, func() error {
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

// serialized sends a statement again that the server would not serialize with what others do. Where
// transactions are repeatable read, another process was faster; where they are serializable, not even
// that is sure. All statements here may be repeated.
func serialized(ctx context.Context, send func() error) (err error) {
	for n := range attempts {
		if err = send(); sqlState(err) != serializationFailure {
			return err
		}
		select {
		case <-time.After(time.Duration(n) * 2 * time.Millisecond):
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
		return fmt.Errorf("the key has %d bytes, and may have 1 to %d", len(key), maxKey)
	}
	return ctx.Err()
}

// SQLSTATE codes (PostgreSQL, appendix A).
const (
	serializationFailure = "40001"
	uniqueViolation      = "23505" // of the catalog's own index
	duplicateObject      = "42710" // the type of the table's rows
	duplicateTable       = "42P07"
)

// sqlState returns the code of a driver's error: pgx and lib/pq tell it alike.
func sqlState(err error) string {
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		return state.SQLState()
	}
	return ""
}
