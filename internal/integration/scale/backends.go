package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/redis/go-redis/v9"

	"github.com/contentstack/csoauth/internal/integration/databases"
	"github.com/contentstack/csoauth/tokens"
	"github.com/contentstack/csoauth/tokens/pgstore"
	"github.com/contentstack/csoauth/tokens/redisstore"
)

// A backend is a store, and the same values through the bare driver. Their clients have the default
// pools.
type backend struct {
	name  string
	store tokens.Store
	bare  func(ctx context.Context, key string) ([]byte, error)
	size  func(ctx context.Context) (float64, error) // bytes that the server keeps; nil: not known
	tune  func()                                     // sets the client's pool as the store's documentation says; nil: the default is right
	stop  func()                                     // ends the server, and removes its data
}

// backends open each kind of store, empty.
var backends = map[string]func(ctx context.Context) (*backend, error){
	"redis": openRedis, "postgres": openPostgres, "dir": openDir,
}

func openRedis(ctx context.Context) (*backend, error) {
	addr, err := databases.FreeAddr()
	if err != nil {
		return nil, err
	}
	rdb := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true})
	stop, err := serve(ctx, "redis", func(data string) (create, serve []string, err error) {
		serve, err = databases.Redis(addr, data, databases.RedisWithoutSync...)
		return nil, serve, err
	}, func(ctx context.Context) error { return rdb.Ping(ctx).Err() })
	if err != nil {
		return nil, errors.Join(err, rdb.Close())
	}
	b := &backend{name: "redis", stop: func() { rdb.Close(); stop() }}
	b.bare = func(ctx context.Context, key string) ([]byte, error) {
		return rdb.HGet(ctx, "csoauth:{"+hashOf(key)+"}", "value").Bytes()
	}
	b.size = func(ctx context.Context) (bytes float64, err error) {
		info, err := rdb.InfoMap(ctx, "memory").Result()
		if err != nil {
			return 0, err
		}
		return strconv.ParseFloat(info["Memory"]["used_memory"], 64)
	}
	return b.opened(redisstore.New(rdb.Do, nil))
}

func openPostgres(ctx context.Context) (*backend, error) {
	addr, err := databases.FreeAddr()
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("pgx", databases.PostgresURL(addr, ""))
	if err != nil {
		return nil, err
	}
	stop, err := serve(ctx, "postgres", func(data string) (create, serve []string, err error) {
		return databases.Postgres(ctx, addr, data, databases.PostgresWithoutSync...)
	}, db.PingContext)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	b := &backend{name: "postgres", stop: func() { db.Close(); stop() }, tune: func() { db.SetMaxIdleConns(bareAtATime) }}
	b.bare = func(ctx context.Context, key string) (value []byte, err error) {
		err = db.QueryRowContext(ctx, "SELECT value FROM csoauth_tokens WHERE key = $1", []byte(key)).Scan(&value)
		return value, err
	}
	b.size = func(ctx context.Context) (bytes float64, err error) {
		err = db.QueryRowContext(ctx, "SELECT pg_total_relation_size('csoauth_tokens')").Scan(&bytes)
		return bytes, err
	}
	store, err := pgstore.New(db, nil)
	if err == nil {
		err = store.Migrate(ctx)
	}
	return b.opened(store, err)
}

func openDir(context.Context) (*backend, error) {
	dir, err := os.MkdirTemp("", "csoauth-scale-dir-")
	if err != nil {
		return nil, err
	}
	b := &backend{name: "dir", store: tokens.Dir(dir), stop: func() { os.RemoveAll(dir) }}
	b.bare = func(_ context.Context, key string) ([]byte, error) {
		file, err := os.ReadFile(filepath.Join(dir, hashOf(key)+".token"))
		_, value, _ := bytes.Cut(file, []byte("\n"))
		return value, err
	}
	return b, nil
}

// opened returns b with its store, or stops it.
func (b *backend) opened(store tokens.Store, err error) (*backend, error) {
	if err != nil {
		b.stop()
		return nil, err
	}
	b.store = store
	return b, nil
}

// hashOf names the value of a key in Redis and in a Dir.
func hashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// serve starts a server in a temporary folder, and waits until it responds.
func serve(ctx context.Context, name string, commands func(data string) (create, serve []string, err error), ask func(context.Context) error) (stop func(), err error) {
	data, err := os.MkdirTemp("", "csoauth-scale-"+name+"-")
	if err != nil {
		return nil, err
	}
	remove := func() { os.RemoveAll(data) }
	create, serve, err := commands(data)
	if err == nil && create != nil {
		var out []byte
		if out, err = exec.CommandContext(ctx, create[0], create[1:]...).CombinedOutput(); err != nil {
			err = fmt.Errorf("%s: %w: %s", name, err, out)
		}
	}
	if err != nil {
		remove()
		return nil, err
	}
	var said bytes.Buffer
	server := exec.Command(serve[0], serve[1:]...)
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		remove()
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		_ = server.Wait() // what it said tells
		close(ended)
	}()
	stop = func() {
		if server.Process.Signal(syscall.SIGINT) != nil { // there is no such signal on Windows
			_ = server.Process.Kill()
		}
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
			_ = server.Process.Kill()
			<-ended
		}
		remove()
	}
	for end := time.Now().Add(time.Minute); ; {
		err := ask(ctx)
		if err == nil {
			return stop, nil
		}
		select {
		case <-ended:
			remove()
			return nil, fmt.Errorf("%s ended by itself: %s", name, said.Bytes())
		case <-ctx.Done():
			stop()
			return nil, context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(end) {
			stop()
			return nil, fmt.Errorf("%s does not respond: %w", name, err)
		}
	}
}
