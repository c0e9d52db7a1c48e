// Package stores opens the store that a line of text names, for programs that run on one machine or
// on several.
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
// and creates what is missing there. Everyone on the machine can read a command line, so put the
// password into the environment variable PGPASSWORD. Call close after the Manager's Close. Seal the
// store: its values are tokens.
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
	store, err := redisstore.New(rdb.Do, nil)
	if err != nil {
		return nil, nil, errors.Join(err, rdb.Close())
	}
	return store, rdb.Close, nil
}

// connections limits the connections of one process to PostgreSQL, which accepts 100 in all by
// default. A Manager reads many keys at the same time, and without a limit each read may open a
// connection.
const connections = 10

func openPostgres(ctx context.Context, url string) (tokens.Store, func() error, error) {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections) // by default it closes all idle ones but two
	store, err := pgstore.New(db, nil)
	if err == nil {
		err = store.Migrate(ctx)
	}
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return store, db.Close, nil
}
