package integration_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
	"github.com/contentstack/csoauth/tokens/redisstore"
)

// TestRedisSaysWhatItNeeds: a user of Redis's who lacks a right, a server that takes no writes, and
// one that is full are told apart, with what to do.
func TestRedisSaysWhatItNeeds(t *testing.T) {
	t.Parallel()
	server := startRedis(t, redisWithoutSync...)
	admin := server.redis(nil)
	defer admin.Close()
	ctx := t.Context()
	run := func(t *testing.T, args ...any) {
		t.Helper()
		require.NoError(t, admin.Do(ctx, args...).Err())
	}
	// uses calls everything that sends a command, and returns the first error.
	uses := func(t *testing.T, user string) error {
		t.Helper()
		run(t, "SCRIPT", "FLUSH") // so that EVAL is needed
		run(t, "FLUSHALL")
		rdb := server.redis(&redis.Options{Username: user, Password: "p", ContextTimeoutEnabled: true, MaxRetries: -1})
		defer rdb.Close()
		for _, ttl := range []time.Duration{0, time.Hour} {
			s, err := redisstore.New(rdb.Do, &redisstore.Options{TTL: ttl})
			require.NoError(t, err)
			if _, err := s.Load(ctx, "ada"); err != nil && !strings.Contains(err.Error(), tokens.ErrNotFound.Error()) {
				return err
			}
			if err := s.CompareAndSwap(ctx, "ada", nil, []byte("a")); err != nil {
				return err
			}
			if err := s.CompareAndSwap(ctx, "ada", []byte("a"), nil); err != nil {
				return err
			}
		}
		return nil
	}
	commands := strings.Fields("eval evalsha hget hmget hset hdel del persist pexpire")
	grant := []any{"ACL", "SETUSER", "app", "on", ">p", "~csoauth:*"}
	for _, command := range commands {
		grant = append(grant, "+"+command)
	}
	run(t, grant...)
	require.NoError(t, uses(t, "app"), "the rights that README.md lists are enough")

	for _, command := range commands {
		t.Run("without "+command, func(t *testing.T) {
			run(t, "ACL", "SETUSER", "app", "-"+command)
			err := uses(t, "app")
			require.ErrorContains(t, err, "may not run "+strings.ToUpper(command)+": ACL SETUSER … +"+command+";")
			run(t, "ACL", "SETUSER", "app", "+"+command)
			require.NoError(t, uses(t, "app"))
		})
	}
	t.Run("without the keys", func(t *testing.T) {
		run(t, "ACL", "SETUSER", "other", "on", ">p", "~other:*", "+@all")
		require.ErrorContains(t, uses(t, "other"), "ACL SETUSER … ~csoauth:*")
	})
	t.Run("full", func(t *testing.T) {
		run(t, "CONFIG", "SET", "maxmemory", "1")
		require.ErrorContains(t, uses(t, "app"), "raise maxmemory")
		run(t, "CONFIG", "SET", "maxmemory", "0")
	})
	t.Run("a replica", func(t *testing.T) {
		s, err := redisstore.New(admin.Do, nil)
		require.NoError(t, err)
		require.NoError(t, s.CompareAndSwap(ctx, "ada", nil, []byte("a")))
		host, port, _ := strings.Cut(freeAddr(t), ":") // where no master is
		run(t, "REPLICAOF", host, port)
		within, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		_, err = s.Load(within, "ada")
		require.ErrorContains(t, err, "a read-only replica, which may be behind: connect to the master")
		require.ErrorContains(t, s.CompareAndSwap(within, "ada", []byte("a"), []byte("b")), "connect to the master")
		run(t, "REPLICAOF", "NO", "ONE")
		value, err := s.Load(ctx, "ada")
		require.NoError(t, err)
		assert.Equal(t, "a", string(value))
	})
}
