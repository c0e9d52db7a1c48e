// Package pgstore stores tokens in PostgreSQL, for a backend with several replicas:
//
//	db, err := sql.Open("pgx", "postgres://…") // github.com/jackc/pgx/v5/stdlib, or another driver
//	pg, err := pgstore.New(db, nil)
//	err = pg.Migrate(ctx)                      // makes the table, or checks the one that is there
//	store, err := tokens.Sealed(pg, key)
//	users, err := tokens.New(config, store, nil)
//
// The package imports no driver. A Load is one statement, and a swap is one or two. Each statement
// is its own transaction, so no transaction is open during a request to Contentstack.
//
// There is no session state, so a pooler such as pgbouncer may run each statement on another
// connection. Some drivers prepare statements by themselves. With a pooler, switch that off:
// otherwise a statement may run with the parameters of another. For pgx, set
// default_query_exec_mode=exec. For lib/pq, set binary_parameters=yes.
//
// Call db.SetMaxOpenConns. Otherwise database/sql opens a connection for every running call, up to
// 64 for a Store, and the server allows 100 in total. A call that gets no connection is repeated
// for some seconds.
//
// # The table
//
// Each statement names the table with its schema, so no other role can put a table in front of it
// by the search_path. [Store.Migrate] checks the owner, the columns and the primary key of an
// existing table, and says what is wrong. The column updated_at has the time of the last write, for
// [Store.DeleteOlderThan]. Logins have no TTL.
//
// # Settings of the server
//
// A swap that has returned must survive a crash. PostgreSQL keeps this promise by default: fsync
// and synchronous_commit are on. With synchronous_commit off, a crash loses the last commits. A
// standby that becomes the primary lacks the commits that had not reached it, unless
// synchronous_standby_names lists it. If the newest pair of a login is lost, a process that has it
// in memory writes it back. If no process has it, the user must log in again.
//
// Connect to the primary. A Load from a standby returns an error.
//
// # What PostgreSQL holds
//
// There is one row per login, with key and value as bytea.
//
// Without [tokens.Sealed] the value is the token. Everyone who can read the table, the write-ahead
// log, a backup or a standby can then read the token. So can readers of a server log with
// log_statement, log_min_duration_statement or auto_explain, because these log parameters. A driver
// with the simple protocol writes parameters into the statement, and the server logs the statement
// with every error. With tokens.Sealed they all read only a sealed value and the key, which may be
// a name of your user.
package pgstore
