package integration_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
	"github.com/contentstack/csoauth/tokens/pgstore"
	"github.com/contentstack/csoauth/tokens/redisstore"
)

const (
	poolUsers   = 24              // whose tokens have ended, and as many whose tokens are good
	poolRecheck = 2 * time.Second // after up to so long the store is asked, and after more callers wait for it
	poolTaken   = 1500 * time.Millisecond
)

// TestStoreWithOneConnection: the pool has one connection, and another caller takes it for a while.
// Nothing deadlocks. Users whose tokens are in memory do not notice. No connection is held during a
// token request.
func TestStoreWithOneConnection(t *testing.T) {
	t.Parallel()
	var table faultTable
	onEachKind(t, func(t *testing.T, kind string, d *database) {
		count := table.row(kind + ": one connection")
		s := newFaultSite(t, d, kind, "pool", 0)
		var good, ended []string
		for i := range poolUsers {
			good, ended = append(good, fmt.Sprintf("good/%d", i)), append(ended, fmt.Sprintf("ended/%d", i))
			s.logIn(t, good[i])
			s.logIn(t, ended[i])
			s.expire(t, ended[i])
		}
		store, take := s.oneConnection(t)
		m := newManager(t, s.config, store, &tokens.Options{Recheck: poolRecheck, MaxRefreshesPerHost: poolUsers})
		for _, key := range good {
			_, err := m.Token(t.Context(), key)
			require.NoError(t, err)
		}
		count.add(faultCount{runs: 1})

		free := take()
		together := s.front.gather(poolUsers)
		results := make(chan error, poolUsers)
		for _, key := range ended {
			go func() {
				_, err := m.Token(t.Context(), key)
				results <- err
			}()
		}
		for began := time.Now(); time.Since(began) < poolTaken; {
			for _, key := range good {
				_, err := m.Token(t.Context(), key)
				require.NoError(t, err)
				count.add(faultCount{served: 1})
			}
			time.Sleep(10 * time.Millisecond) // some round finds what it knows too old, and has the store asked
		}
		assert.Empty(t, results, "nobody is served without the store, and a hit does not wait for it until that gives up")
		free()
		select {
		case <-together:
		case <-time.After(faultPatience):
			require.Fail(t, "while one refresh waits for the token endpoint, others do not get the connection")
		}
		for range ended {
			require.NoError(t, <-results)
			count.add(faultCount{served: 1})
		}
		require.NoError(t, m.Close())
		s.front.assertNoneAgain(t)
		for _, key := range ended {
			s.requireUses(t, key, 1, 1)
			s.aftermath(t, count, key)
		}
		for _, key := range good {
			s.requireUses(t, key, 0, 0)
			s.aftermath(t, count, key)
		}
		assert.Equal(t, 2*poolUsers, count.alive)
	})
	t.Log(&table)
}

// oneConnection returns a store over a pool of one connection, and what takes that away until free
// is called.
func (s *faultSite) oneConnection(t *testing.T) (store tokens.Store, take func() (free func())) {
	t.Helper()
	if s.at.Kind == "postgres" {
		db := (&database{t: t, addr: s.at.Addr}).postgres("")
		t.Cleanup(func() { assert.NoError(t, db.Close()) })
		db.SetMaxOpenConns(1)
		store, err := pgstore.New(db, &pgstore.Options{Table: s.at.Name})
		require.NoError(t, err)
		return store, func() func() {
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			return func() { require.NoError(t, conn.Close()) }
		}
	}
	rdb := (&database{t: t, addr: s.at.Addr}).redis(&redis.Options{PoolSize: 1})
	t.Cleanup(func() { assert.NoError(t, rdb.Close()) })
	store, err := redisstore.New(rdb.Do, &redisstore.Options{Prefix: s.at.Name + ":"})
	require.NoError(t, err)
	return store, func() func() {
		conn := rdb.Conn()
		require.NoError(t, conn.Ping(context.Background()).Err()) // which takes it
		return func() { require.NoError(t, conn.Close()) }
	}
}
