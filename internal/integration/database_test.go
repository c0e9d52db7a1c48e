package integration_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// A database is a Redis or PostgreSQL server of a test's own, with its data in a temporary directory.
type database struct {
	t       testing.TB
	addr    string // host:port
	log     *os.File
	program string
	args    []string
	ask     func(ctx context.Context) error // something that a server which is up answers

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

// Settings of servers whose machine does not crash in the test: they do not wait until what they
// write is on the disk.
var (
	redisWithoutSync    = []string{"--appendfsync", "no"}
	postgresWithoutSync = []string{"fsync=off", "synchronous_commit=off", "full_page_writes=off"}
)

// freeAddr returns an address at which nobody listens.
func freeAddr(t testing.TB) string {
	t.Helper()
	for range 100 { // not among those that the system gives to connections: one could have it while a server is down
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 15_000+rand.IntN(15_000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	require.Fail(t, "no port is free")
	return ""
}

func portOf(t testing.TB, addr string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	return port
}

// startRedis starts a Redis server with the settings that redisstore's documentation names, and these.
func startRedis(t testing.TB, settings ...string) *database {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		skipSuite(t, "redis-server: run `make setup` or install Redis")
	}
	d := newDatabase(t)
	d.program = program
	d.args = append([]string{
		"--bind", "127.0.0.1", "--port", portOf(t, d.addr), "--dir", t.TempDir(), "--save", "",
		"--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction",
	}, settings...)
	d.ask = func(ctx context.Context) error {
		rdb := d.redis(nil)
		defer rdb.Close()
		return rdb.Ping(ctx).Err()
	}
	d.start()
	return d
}

// redis returns a client, which is the caller's to close. Nil: go-redis's defaults.
func (d *database) redis(o *redis.Options) *redis.Client {
	if o == nil {
		o = &redis.Options{}
	}
	o.Addr = d.addr
	return redis.NewClient(o)
}

// startPostgres starts a PostgreSQL server with its defaults, and these settings, such as "max_connections=20".
func startPostgres(t testing.TB, settings ...string) *database {
	t.Helper()
	initdb, postgres := findPostgres(t, "initdb"), findPostgres(t, "postgres")
	d := newDatabase(t)
	data, err := os.MkdirTemp("", "csoauth-postgres-") // in a directory that another user may enter, unlike the test's
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(data) })
	d.program, d.args = asPostgres(t, data, initdb, "-D", data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-sync")
	out, err := exec.CommandContext(t.Context(), d.program, d.args...).CombinedOutput()
	require.NoError(t, err, string(out))
	args := []string{"-D", data, "-p", portOf(t, d.addr), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	d.program, d.args = asPostgres(t, data, postgres, args...)
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
func (d *database) url(params string) string {
	return fmt.Sprintf("postgres://postgres@%s/postgres?sslmode=disable&%s", d.addr, params)
}

// findPostgres finds a program of PostgreSQL's, which Debian does not put into the path.
func findPostgres(t testing.TB, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	require.NoError(t, err)
	if len(found) == 0 {
		skipSuite(t, name+": run `make setup` or install PostgreSQL")
	}
	return found[len(found)-1]
}

// asPostgres returns the command that runs a program as the user postgres if we are root, whom PostgreSQL does not serve. The user gets data.
func asPostgres(t testing.TB, data, program string, args ...string) (string, []string) {
	t.Helper()
	if os.Getuid() != 0 {
		return program, args
	}
	out, err := exec.CommandContext(t.Context(), "id", "-u", "postgres").Output()
	require.NoError(t, err, "there is no user postgres")
	uid, err := strconv.Atoi(string(out[:len(out)-1]))
	require.NoError(t, err)
	require.NoError(t, os.Chown(data, uid, -1))
	return "setpriv", append([]string{"--reuid", "postgres", "--regid", "postgres", "--clear-groups", program}, args...)
}
