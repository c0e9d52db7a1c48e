package pgstore_test

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A server stands in for PostgreSQL. It knows the package's statements by their text, and runs one
// at a time. A statement that changes must change here too. What the real server does with them is
// tested in internal/integration.
type server struct {
	standby  bool
	emptyNil bool // an empty value reaches database/sql as a nil slice, as with some drivers
	version  string
	sqlite   bool   // it is SQLite, whose errors have no SQLSTATE
	other    string // the schema of another table of that name, in the search_path

	mu     sync.Mutex
	tables map[string]*table // by quoted name
	steps  []step            // for the next statements, one each; later ones just run
	sent   []string          // the first word of each statement
	at     []time.Time       // when it came
}

// A table is what the catalog says of it, and its rows.
type table struct {
	found   []driver.Value // the row of the first question about it
	columns [][]driver.Value
	rows    map[string]row
}

type row struct {
	value   []byte
	written time.Time
}

// The columns, as the catalog has them: name, type, NOT NULL, a default, generated.
var (
	keyColumn   = []driver.Value{"key", "bytea", true, false, false}
	valueColumn = []driver.Value{"value", "bytea", true, false, false}
	timeColumn  = []driver.Value{"updated_at", "timestamp with time zone", true, true, false}
)

// Where the row of the first question about a table has what.
const (
	_ = iota // the table's oid
	kindOf
	persistenceOf
	ownerOf
	_ // this role
	isTrusted
	inherits
	hidesRows
	primaryKeyOf
	missingRights
)

// newTable is one as Migrate makes it.
func newTable() *table {
	return &table{
		found:   []driver.Value{"16384", "r", "p", "app", "app", true, false, false, "PRIMARY KEY (key)", ""},
		columns: [][]driver.Value{keyColumn, valueColumn, timeColumn},
		rows:    map[string]row{},
	}
}

// A step decides what happens to one statement. run does what the server would do.
type step func(ctx context.Context, run func() (reply, error)) (reply, error)

func runs(_ context.Context, run func() (reply, error)) (reply, error) { return run() }

// fails is a statement that fails before it changes anything.
func fails(err error) step {
	return func(context.Context, func() (reply, error)) (reply, error) { return reply{}, err }
}

// isLost is a statement that the server runs, and whose response does not come.
func isLost(err error) step {
	return func(_ context.Context, run func() (reply, error)) (reply, error) {
		_, _ = run()
		return reply{}, err
	}
}

// ends is a step after which the caller's context ends, and the driver reports that.
func ends(cancel func(), then step) step {
	return func(ctx context.Context, run func() (reply, error)) (reply, error) {
		r, _ := then(ctx, run)
		cancel()
		return r, ctx.Err()
	}
}

// A sqlState is an error with this code, as drivers have them.
type sqlState string

func (s sqlState) Error() string    { return "SQLSTATE " + string(s) }
func (s sqlState) SQLState() string { return string(s) }

// newServer returns a server and a pool of connections to it.
func newServer(t testing.TB) (*server, *sql.DB) {
	s := &server{tables: map[string]*table{}, version: "PostgreSQL 15.8 (Debian 15.8-0+deb12u1) on x86_64-pc-linux-gnu"}
	return s, s.pool(t)
}

// pool returns a pool of connections to s.
func (s *server) pool(t testing.TB) *sql.DB {
	db := sql.OpenDB(s)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

var tableName = regexp.MustCompile(`"(?:[^"]|"")+"\."[a-z0-9_]+"`)

// statement runs one, or what the next step makes of it.
func (s *server) statement(ctx context.Context, query string, args []driver.NamedValue) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	word, _, _ := strings.Cut(query, " ")
	s.sent, s.at = append(s.sent, word), append(s.at, time.Now())
	next := step(runs)
	if len(s.steps) > 0 {
		next, s.steps = s.steps[0], s.steps[1:]
	}
	return next(ctx, func() (reply, error) { return s.run(query, args) })
}

func (s *server) run(query string, args []driver.NamedValue) (reply, error) {
	name := tableName.FindString(query)
	query = tableName.ReplaceAllLiteralString(query, "NAME")
	switch {
	case query == "SELECT version()" && s.sqlite:
		return reply{}, errors.New("SQL logic error: no such function: version (1)")
	case query == "SELECT version()":
		return reply{row: []driver.Value{s.version}}, nil
	case query == "SELECT sqlite_version()" && s.sqlite:
		return reply{row: []driver.Value{"3.40.1"}}, nil
	case query == "SELECT sqlite_version()":
		return reply{}, sqlState("42883")
	case query == "BEGIN" || query == "COMMIT" || query == "ROLLBACK" || query == "SET LOCAL lock_timeout = '1s'":
		return reply{}, nil
	case strings.HasPrefix(query, "SELECT c.oid::text, c.relkind::text, "):
		t := s.tables[fmt.Sprintf(`"%s"."%s"`, strings.ReplaceAll(args[0].Value.(string), `"`, `""`), args[1].Value)]
		if t == nil {
			return reply{}, nil
		}
		return reply{row: t.found}, nil
	case strings.HasPrefix(query, "SELECT a.attname::text, "):
		for _, t := range s.tables {
			if t.found[0] == args[0].Value {
				return reply{rows: t.columns}, nil
			}
		}
		return reply{}, nil
	case strings.HasPrefix(query, "SELECT current_user::text, "):
		return reply{row: []driver.Value{"app", s.other}}, nil
	case query == "CREATE TABLE IF NOT EXISTS NAME (key bytea PRIMARY KEY, value bytea NOT NULL, updated_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP)":
		if s.tables[name] == nil {
			s.tables[name] = newTable()
		}
		return reply{}, nil
	case query == "ALTER TABLE NAME ADD COLUMN IF NOT EXISTS updated_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP":
		t := s.tables[name]
		t.columns = append(slices.Clone(t.columns), timeColumn)
		for key, r := range t.rows {
			t.rows[key] = row{r.value, time.Now()}
		}
		return reply{}, nil
	}

	t := s.tables[name]
	if t == nil {
		return reply{}, sqlState("42P01")
	}
	if strings.Contains(query, "updated_at") && len(t.columns) == 2 {
		return reply{}, sqlState("42703")
	}
	param := func(n int) []byte { return args[n-1].Value.([]byte) }
	key := string(param(1))
	if strings.HasPrefix(query, "WITH page AS ") {
		return t.deleteOld(key, args[1].Value.(float64)), nil
	}
	kept, present := t.rows[key]
	value := kept.value
	put := func(value []byte) (reply, error) {
		if value == nil { // NULL
			return reply{}, sqlState("23502")
		}
		t.rows[key] = row{append([]byte{}, value...), time.Now()}
		return reply{changed: 1}, nil
	}
	switch query {
	case "SELECT pg_is_in_recovery(), value IS NOT NULL, coalesce(value, '') FROM (SELECT 1) one LEFT JOIN NAME ON key = $1":
		switch {
		case len(value) > 0:
		case s.emptyNil:
			value = nil
		default:
			value = []byte{}
		}
		return reply{row: []driver.Value{s.standby, present, value}}, nil
	case "INSERT INTO NAME (key, value, updated_at) VALUES ($1, $2, CURRENT_TIMESTAMP) ON CONFLICT (key) DO NOTHING":
		if present {
			return reply{}, nil
		}
		return put(param(2))
	case "UPDATE NAME SET value = $3, updated_at = CURRENT_TIMESTAMP WHERE key = $1 AND value = $2":
		if !present || !bytes.Equal(value, param(2)) {
			return reply{}, nil
		}
		return put(param(3))
	case "DELETE FROM NAME WHERE key = $1 AND value = $2":
		if !present || !bytes.Equal(value, param(2)) {
			return reply{}, nil
		}
		delete(t.rows, key)
		return reply{changed: 1}, nil
	}
	return reply{}, fmt.Errorf("fake_test.go does not know this statement: %s", query)
}

// deleteOld looks at a page of rows behind a key.
func (t *table) deleteOld(after string, seconds float64) reply {
	keys := slices.Sorted(maps.Keys(t.rows))
	first, found := slices.BinarySearch(keys, after)
	if found {
		first++
	}
	keys = keys[first:min(first+deletePage, len(keys))]
	var gone int64
	last := []byte{}
	for _, key := range keys {
		if time.Since(t.rows[key].written).Seconds() > seconds {
			delete(t.rows, key)
			gone++
		}
		last = []byte(key)
	}
	return reply{row: []driver.Value{int64(len(keys)), gone, last}}
}

const deletePage = 1000 // rows that one statement looks at

// A reply is a driver.Rows with one row, several or none, and a driver.Result.
type reply struct {
	row      []driver.Value
	rows     [][]driver.Value // if row is nil
	nextErr  error            // after the last row
	columns  []string
	changed  int64
	countErr error // of RowsAffected
}

func (r *reply) Columns() []string {
	if r.columns == nil {
		r.columns = make([]string, len(r.row))
		if r.row == nil && len(r.rows) > 0 {
			r.columns = make([]string, len(r.rows[0]))
		}
	}
	return r.columns
}
func (r *reply) Close() error                 { return nil }
func (r *reply) RowsAffected() (int64, error) { return r.changed, r.countErr }
func (r *reply) LastInsertId() (int64, error) { return 0, nil }

func (r *reply) Next(dest []driver.Value) error {
	if r.row != nil {
		r.rows, r.row = [][]driver.Value{r.row}, nil
	}
	if len(r.rows) == 0 {
		return cmp.Or(r.nextErr, io.EOF)
	}
	copy(dest, r.rows[0])
	r.rows = r.rows[1:]
	return nil
}

// A server is its own driver.Connector and driver.Driver, and conn a connection to it.
func (s *server) Connect(context.Context) (driver.Conn, error) { return conn{s}, nil }
func (s *server) Driver() driver.Driver                        { return s }
func (s *server) Open(string) (driver.Conn, error)             { return conn{s}, nil }

type conn struct{ s *server }

func (c conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	r, err := c.s.statement(ctx, query, args)
	return &r, err
}

func (c conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	r, err := c.s.statement(ctx, query, args)
	return &r, err
}

func (conn) Prepare(string) (driver.Stmt, error) { panic("no statement is prepared") }
func (conn) Begin() (driver.Tx, error)           { panic("a transaction has a context") }

func (c conn) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	_, err := c.s.statement(ctx, "BEGIN", nil)
	return transaction(c), err
}

type transaction struct{ s *server }

func (t transaction) Commit() error { return t.end("COMMIT") }

func (t transaction) Rollback() error { return t.end("ROLLBACK") }

func (t transaction) end(word string) error {
	_, err := t.s.statement(context.Background(), word, nil)
	return err
}
func (conn) Close() error { return nil }
