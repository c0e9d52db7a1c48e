package integration_test

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/gomodule/redigo/redis"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
	"github.com/contentstack/csoauth/tokens/pgstore"
	"github.com/contentstack/csoauth/tokens/redisstore"
	"github.com/contentstack/csoauth/tokens/storetest"
)

// TestStores holds both stores to the Store's contract, over real servers and through each client,
// sealed and not.
func TestStores(t *testing.T) {
	t.Parallel()
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		server := startRedis(t, redisWithoutSync...)
		t.Run("go-redis", func(t *testing.T) {
			rdb := server.redis(nil)
			defer rdb.Close()
			storetest.Run(t, func(t testing.TB, dir string) tokens.Store {
				store, err := redisstore.New(rdb.Do, &redisstore.Options{Prefix: dir + ":"})
				require.NoError(t, err)
				return store
			})
		})
		t.Run("redigo", func(t *testing.T) {
			pool := &redis.Pool{DialContext: func(ctx context.Context) (redis.Conn, error) { return redis.DialContext(ctx, "tcp", server.addr) }}
			defer pool.Close()
			storetest.Run(t, func(t testing.TB, dir string) tokens.Store {
				store, err := redisstore.NewFunc(redigoDo(pool), &redisstore.Options{Prefix: dir + ":"})
				require.NoError(t, err)
				return store
			})
		})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		server := startPostgres(t, postgresWithoutSync...)
		for name, params := range map[string]string{
			"pgx":                                 "",
			"pgx without prepared statements":     "default_query_exec_mode=exec",
			"pgx with the simple protocol":        "default_query_exec_mode=simple_protocol",
			"where transactions repeat reads":     "default_transaction_isolation=repeatable%20read",
			"where transactions are serializable": "default_transaction_isolation=serializable",
		} {
			t.Run(name, func(t *testing.T) {
				db := server.postgres(params)
				defer db.Close()
				tables := map[string]string{}
				storetest.Run(t, func(t testing.TB, dir string) tokens.Store {
					if tables[dir] == "" {
						tables[dir] = "tokens_" + strings.ToLower(rand.Text())
					}
					store, err := pgstore.New(db, &pgstore.Options{Table: tables[dir]})
					require.NoError(t, err)
					require.NoError(t, store.Migrate(t.Context()))
					return store
				})
			})
		}
	})
}

// redigoDo is what redisstore wants of a client without a Do of that kind.
func redigoDo(pool *redis.Pool) func(context.Context, ...any) (any, error) {
	return func(ctx context.Context, args ...any) (any, error) {
		conn, err := pool.GetContext(ctx)
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		return redis.DoContext(conn, ctx, args[0].(string), args[1:]...)
	}
}
