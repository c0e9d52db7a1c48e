// Package pgstore keeps tokens in PostgreSQL, for the replicas of a backend:
//
//	db, err := sql.Open("pgx", "postgres://…") // github.com/jackc/pgx/v5/stdlib, or another driver
//	pg, err := pgstore.New(db, nil)
//	err = pg.Migrate(ctx)                      // makes the table, or checks the one that is there
//	store, err := tokens.Sealed(pg, key)
//	users, err := tokens.New(config, store, nil)
//
// The package imports no driver. A Load is one statement, and a swap is one or two. Each statement
// is a transaction of its own, so no transaction is open while Contentstack is asked. There is no
// session state: a pooler such as pgbouncer may run each statement on another connection. In that
// case tell a driver that prepares statements by itself not to do so, or a statement may run with
// the parameters of another: pgx by default_query_exec_mode=exec, lib/pq by binary_parameters=yes.
//
// Call db.SetMaxOpenConns. Otherwise database/sql opens a connection for every call that is under
// way, up to 64 for a Store, and the server allows 100 in all. A call that gets none is repeated
// for some seconds.
//
// # The table
//
// Each statement names the table with its schema, so no other role can put a table in front of it
// by the search_path. [Store.Migrate] checks owner, columns and primary key of the table that it
// finds, and says what is wrong. The column updated_at has the time of the last write, for
// [Store.DeleteOlderThan]. There is no TTL.
//
// # Settings of the server
//
// A swap that has returned must survive a crash. PostgreSQL keeps this promise by default: fsync
// and synchronous_commit are on. With synchronous_commit off, a crash loses the last commits. A
// standby that is promoted lacks the commits that had not reached it, unless
// synchronous_standby_names names it. If the newest pair of a login is lost, a process that has it
// in memory writes it back. If there is none, the user logs in again.
//
// Connect to the primary: a Load from a standby is an error.
//
// # What PostgreSQL holds
//
// There is one row per login, with key and value as bytea. Without [tokens.Sealed] the value is the
// token. Everyone can read it who reads the table, the write-ahead log, a backup or a standby, and
// who reads a server log with log_statement, log_min_duration_statement or auto_explain, because
// those log parameters. A driver with the simple protocol writes parameters into the statement,
// which the server logs with every error. With [tokens.Sealed] they read a sealed value and the
// key, which may be a name of your user.
package pgstore
