package pgstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/contentstack/csoauth/tokens/pgstore"
)

// A Store with the table that Migrate creates. It is for tokens.New, best under tokens.Sealed.
func ExampleNew() {
	db := postgres() // sql.Open("pgx", "postgres://…")
	defer db.Close()
	db.SetMaxOpenConns(20)
	store, err := pgstore.New(db, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	if err := store.Migrate(ctx); err != nil { // each time that the program starts
		fmt.Println(err)
		return
	}
	fmt.Println(store.CompareAndSwap(ctx, "ada", nil, []byte("a value")))
	value, err := store.Load(ctx, "ada")
	fmt.Println(string(value), err)
	// Output:
	// <nil>
	// a value <nil>
}

// The statement that creates the table, for a role that may not create it itself.
func ExampleStore_Schema() {
	db := postgres()
	defer db.Close()
	store, err := pgstore.New(db, &pgstore.Options{Schema: "app", Table: "logins"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.ReplaceAll(store.Schema(), ", ", ",\n"))
	// Output:
	// CREATE TABLE IF NOT EXISTS "app"."logins" (key bytea PRIMARY KEY,
	// value bytea NOT NULL,
	// updated_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP)
}

// postgres returns a database in memory.
func postgres() *sql.DB {
	return sql.OpenDB(&server{tables: map[string]*table{}, version: "PostgreSQL 15.8"})
}
