// Package pgstore keeps tokens in PostgreSQL, for the replicas of a backend:
//
//	db, err := sql.Open("pgx", "postgres://…") // github.com/jackc/pgx/v5/stdlib, or another driver
//	pg := pgstore.New(db, nil)
//	err = pg.Migrate(ctx)                      // or run Schema with your own migrations
//	store, err := tokens.Sealed(pg, key)
//	users := tokens.New(config, store, nil)
//
// It imports no driver. A Load is one statement, and a swap one or two, each its own transaction: none is open while Contentstack is asked, there is
// no session state, and a pooler such as pgbouncer may give every statement another connection. (A driver that prepares statements by itself
// must then be told not to: pgx by default_query_exec_mode=exec, lib/pq by binary_parameters=yes. Else a statement may run with another's parameters.)
//
// Call db.SetMaxOpenConns: database/sql opens as many connections as callers look into the store at the same time, and the server has 100.
//
// # What the server must keep
//
// A swap that has returned must outlive a crash. PostgreSQL keeps that promise as it is installed: fsync and synchronous_commit are on. With
// synchronous_commit off, a crash loses what was committed in the last moments. A standby that is promoted lacks what had not reached it, unless
// synchronous_standby_names names it. A login whose newest pair is lost goes on while a process has that pair in memory, and writes it back;
// otherwise its user logs in again.
//
// Give it connections to the primary: a Load from a standby is an error.
//
// # What is in it
//
// One row per login, key and value as bytea. Without [tokens.Sealed], the value is the token, which whoever may read the table reads, and with it
// the write-ahead log, every backup and standby, and a server log with log_statement, log_min_duration_statement or auto_explain:
// those write parameters. A driver with the simple protocol writes them into the statement, and the server that into
// its log with every error. With it, they hold a sealed value, and the key: a name for your user.
package pgstore
