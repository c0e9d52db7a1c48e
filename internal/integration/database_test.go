package integration_test

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/integration/databases"
)

// A database is a Redis or PostgreSQL server of a test's own, with its data in a temporary
// directory.
type database struct {
	t       testing.TB
	addr    string // host:port
	log     *os.File
	program string
	args    []string
	ask     func(ctx context.Context) error // succeeds once the server is up

	server *kept
}

// databaseWait is how long a server may take to come up: after a SIGKILL it recovers first.
const databaseWait = 3 * time.Minute

// start starts the server, on the data that it had before.
func (d *database) start() {
	d.t.Helper()
	for end := time.Now().Add(databaseWait); ; time.Sleep(50 * time.Millisecond) {
		if d.server == nil || d.server.gone() { // what was killed may still hold the directory
			d.server = startKept(d.t, d.log, d.program, d.args...)
		}
		ctx, cancel := context.WithTimeout(d.t.Context(), time.Second)
		err := d.ask(ctx)
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			text, _ := os.ReadFile(d.log.Name())
			require.NoError(d.t, err, string(text))
		}
	}
}

// kill ends the server by SIGKILL.
func (d *database) kill() {
	d.t.Helper()
	d.server.kill()
	d.server = nil
}

func newDatabase(t testing.TB) *database {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	t.Cleanup(func() { log.Close() })
	return &database{t: t, addr: freeAddr(t), log: log}
}

// redisWithoutSync and postgresWithoutSync are settings of servers whose machine does not crash in
// the test.
var redisWithoutSync, postgresWithoutSync = databases.RedisWithoutSync, databases.PostgresWithoutSync

// freeAddr returns an address at which nobody listens.
func freeAddr(t testing.TB) string {
	t.Helper()
	addr, err := databases.FreeAddr()
	require.NoError(t, err)
	return addr
}

func portOf(t testing.TB, addr string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	return port
}

// startRedis starts a Redis server with the settings that redisstore's documentation names, and
// these.
func startRedis(t testing.TB, settings ...string) *database {
	t.Helper()
	d := newDatabase(t)
	command, err := databases.Redis(d.addr, t.TempDir(), settings...)
	requireInstalled(t, err, "run `make setup` or install Redis")
	d.program, d.args = command[0], command[1:]
	d.ask = func(ctx context.Context) error {
		rdb := d.redis(nil)
		defer rdb.Close()
		return rdb.Ping(ctx).Err()
	}
	d.start()
	return d
}

// requireInstalled skips the suite if a server's program is missing.
func requireInstalled(t testing.TB, err error, how string) {
	t.Helper()
	if errors.Is(err, databases.ErrMissing) {
		skipSuite(t, err.Error()+": "+how)
	}
	require.NoError(t, err)
}

// redis returns a client, which is the caller's to close. Nil: go-redis's defaults.
func (d *database) redis(o *redis.Options) *redis.Client {
	if o == nil {
		o = &redis.Options{}
	}
	o.Addr = d.addr
	return redis.NewClient(o)
}

// startPostgres starts a PostgreSQL server with its defaults, and these settings, such as
// "max_connections=20".
func startPostgres(t testing.TB, settings ...string) *database {
	t.Helper()
	d := newDatabase(t)
	data, err := os.MkdirTemp("", "csoauth-postgres-") // in a directory that another user may enter, unlike the test's
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(data) })
	create, serve, err := databases.Postgres(t.Context(), d.addr, data, settings...)
	requireInstalled(t, err, "run `make setup` or install PostgreSQL")
	out, err := exec.CommandContext(t.Context(), create[0], create[1:]...).CombinedOutput()
	require.NoError(t, err, string(out))
	d.program, d.args = serve[0], serve[1:]
	d.ask = func(ctx context.Context) error {
		db := d.postgres("")
		defer db.Close()
		return db.PingContext(ctx)
	}
	d.start()
	return d
}

// postgres returns a pool, which is the caller's to close. Params go into the URL's query.
func (d *database) postgres(params string) *sql.DB {
	d.t.Helper()
	db, err := sql.Open("pgx", d.url(params))
	require.NoError(d.t, err)
	return db
}

// url is where a PostgreSQL server is. Params go into its query.
func (d *database) url(params string) string { return databases.PostgresURL(d.addr, params) }
