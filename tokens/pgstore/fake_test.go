package pgstore_test

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"regexp"
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

	mu     sync.Mutex
	tables map[string]map[string][]byte // by quoted name, then by key
	steps  []step                       // for the next statements, one each; later ones just run
	sent   []string                     // the first word of each statement
	at     []time.Time                  // when it came
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
	s := &server{tables: map[string]map[string][]byte{}}
	db := sql.OpenDB(s)
	t.Cleanup(func() { _ = db.Close() })
	return s, db
}

var tableName = regexp.MustCompile(`"[a-z0-9_]+"(\."[a-z0-9_]+")?`)

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
	if query == "SELECT to_regclass($1) IS NOT NULL" {
		return reply{row: []driver.Value{s.tables[args[0].Value.(string)] != nil}}, nil
	}
	if query == "CREATE TABLE IF NOT EXISTS NAME (key bytea PRIMARY KEY, value bytea NOT NULL)" {
		if s.tables[name] == nil {
			s.tables[name] = map[string][]byte{}
		}
		return reply{}, nil
	}

	table := s.tables[name]
	if table == nil {
		return reply{}, sqlState("42P01")
	}
	param := func(n int) []byte { return args[n-1].Value.([]byte) }
	key := string(param(1))
	value, present := table[key]
	put := func(value []byte) (reply, error) {
		if value == nil { // NULL
			return reply{}, sqlState("23502")
		}
		table[key] = append([]byte{}, value...)
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
	case "INSERT INTO NAME (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING":
		if present {
			return reply{}, nil
		}
		return put(param(2))
	case "UPDATE NAME SET value = $3 WHERE key = $1 AND value = $2":
		if !present || !bytes.Equal(value, param(2)) {
			return reply{}, nil
		}
		return put(param(3))
	case "DELETE FROM NAME WHERE key = $1 AND value = $2":
		if !present || !bytes.Equal(value, param(2)) {
			return reply{}, nil
		}
		delete(table, key)
		return reply{changed: 1}, nil
	}
	return reply{}, fmt.Errorf("fake_test.go does not know this statement: %s", query)
}

// A reply is a driver.Rows with one row or none, and a driver.Result.
type reply struct {
	row      []driver.Value
	changed  int64
	countErr error // of RowsAffected
}

func (r *reply) Columns() []string            { return make([]string, len(r.row)) }
func (r *reply) Close() error                 { return nil }
func (r *reply) RowsAffected() (int64, error) { return r.changed, r.countErr }
func (r *reply) LastInsertId() (int64, error) { return 0, nil }

func (r *reply) Next(dest []driver.Value) error {
	if r.row == nil {
		return io.EOF
	}
	copy(dest, r.row)
	r.row = nil
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
func (conn) Begin() (driver.Tx, error)           { panic("no transaction is begun") }
func (conn) Close() error                        { return nil }
