// Package stores opens the store that a line of text names, for programs that may run on one machine or on many.
package stores

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/redis/go-redis/v9"

	"github.com/contentstack/csoauth/tokens"
	"github.com/contentstack/csoauth/tokens/pgstore"
	"github.com/contentstack/csoauth/tokens/redisstore"
)

// Open opens one of
//
//	dir:PATH       a directory, for the processes of one machine
//	redis:ADDR     a Redis server, such as redis:localhost:6379
//	postgres:URL   a PostgreSQL database, such as postgres:postgres://worker@localhost/worker
//
// and makes what is missing there. Everybody can read a command line, so a password goes into the environment: PGPASSWORD. Close
// what it returns after the Manager. Seal the store: its values are tokens.
func Open(ctx context.Context, text string) (store tokens.Store, close func() error, err error) {
	kind, where, _ := strings.Cut(text, ":")
	switch {
	case where == "":
	case kind == "dir":
		return tokens.Dir(where), func() error { return nil }, nil
	case kind == "redis":
		return openRedis(ctx, where)
	case kind == "postgres":
		return openPostgres(ctx, where)
	}
	return nil, nil, errors.New("a store is dir:PATH, redis:ADDR or postgres:URL")
}

func openRedis(ctx context.Context, addr string) (tokens.Store, func() error, error) {
	rdb := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true})
	if err := rdb.Ping(ctx).Err(); err != nil {
		return nil, nil, errors.Join(err, rdb.Close())
	}
	return redisstore.New(rdb.Do, nil), rdb.Close, nil
}

// connections is how many one process has to PostgreSQL at most, which by itself admits 100 in all. A Manager looks at many keys at a
// time, and without a limit it opens a connection for each.
const connections = 10

func openPostgres(ctx context.Context, url string) (tokens.Store, func() error, error) {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections) // by itself it closes all but two
	store := pgstore.New(db, nil)
	if err := store.Migrate(ctx); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return store, db.Close, nil
}
