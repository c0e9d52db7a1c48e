package pgstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/contentstack/csoauth/tokens"
)

// Options vary a Store. Nil is fine.
type Options struct {
	// Table is the name of the table, with or without its schema: lower-case letters, digits and underscores. Empty:
	// "csoauth_tokens".
	Table string
}

// A Store is a [tokens.Store] in PostgreSQL. It has nothing to close, and is safe for concurrent use.
type Store struct {
	db    *sql.DB
	table string // quoted
	err   error  // what is wrong with the Options
}

// New returns a Store over db, which stays the caller's. The table must be there: see [Store.Migrate].
func New(db *sql.DB, o *Options) *Store {
	s := &Store{db: db, table: `"csoauth_tokens"`}
	if o != nil && o.Table != "" {
		s.table = `"` + strings.ReplaceAll(o.Table, ".", `"."`) + `"`
		if !tableName.MatchString(o.Table) {
			s.err = fmt.Errorf("Options.Table: %q is not a name of lower-case letters, digits and underscores, or two with a dot between", o.Table)
		}
	}
	return s
}

var tableName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?$`)

// Schema returns the statement that makes the table, if it is not there.
func (s *Store) Schema() string {
	return "CREATE TABLE IF NOT EXISTS " + s.table + " (key bytea PRIMARY KEY, value bytea NOT NULL)"
}

// Migrate makes the table, if it is not there. Several processes may call it at the same time.
func (s *Store) Migrate(ctx context.Context) error {
	if s.err != nil {
		return fmt.Errorf("pgstore: migrate: %w", s.err)
	}
	_, err := s.db.ExecContext(ctx, s.Schema())
	if state := sqlState(err); state == uniqueViolation || state == duplicateTable {
		_, err = s.db.ExecContext(ctx, s.Schema()) // another process has made it meanwhile, or is about to
	}
	if err != nil {
		return fmt.Errorf("pgstore: migrate: %w", err)
	}
	return nil
}

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

// load returns the value, or nil if there is none. It asks whether the server is a standby, which might be behind.
func (s *Store) load(ctx context.Context, key string) (value []byte, err error) {
	if err := s.check(ctx, key); err != nil {
		return nil, err
	}
	var standby, present bool
	row := s.db.QueryRowContext(ctx, "SELECT pg_is_in_recovery(), value IS NOT NULL, coalesce(value, '') FROM (SELECT 1) one LEFT JOIN "+s.table+" ON key = $1", []byte(key))
	if err := row.Scan(&standby, &present, &value); err != nil {
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
	var result sql.Result
	var err error
	switch {
	case old == nil && new == nil:
		return s.settle(ctx, key, new)
	case old == nil:
		result, err = s.db.ExecContext(ctx, "INSERT INTO "+s.table+" (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING", []byte(key), new)
	case new == nil:
		result, err = s.db.ExecContext(ctx, "DELETE FROM "+s.table+" WHERE key = $1 AND value = $2", []byte(key), old)
	default:
		result, err = s.db.ExecContext(ctx, "UPDATE "+s.table+" SET value = $3 WHERE key = $1 AND value = $2", []byte(key), old, new)
	}
	if sqlState(err) == serializationFailure { // where transactions are repeatable read: somebody was faster
		return s.settle(ctx, key, new)
	}
	if err != nil {
		return err
	}
	changed, err := result.RowsAffected()
	if err != nil || changed > 0 {
		return err
	}
	return s.settle(ctx, key, new)
}

// settle says how a swap ends that changed nothing: well if the value is new already, because a swap may be asked for twice.
func (s *Store) settle(ctx context.Context, key string, new []byte) error {
	value, err := s.load(ctx, key)
	if sqlState(err) == serializationFailure {
		return fmt.Errorf("%w: %w", tokens.ErrConflict, err)
	}
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
	case s.err != nil:
		return s.err
	case key == "" || len(key) > maxKey:
		return fmt.Errorf("the key has %d bytes, and may have 1 to %d", len(key), maxKey)
	}
	return ctx.Err()
}

// SQLSTATE codes (PostgreSQL, appendix A).
const (
	uniqueViolation      = "23505" // of the catalog's own index, when two make the table at the same time
	serializationFailure = "40001"
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
