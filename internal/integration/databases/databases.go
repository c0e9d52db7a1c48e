// Package databases says how a private Redis or PostgreSQL server is started: for the tests of the
// folder above, and for the program in the folder scale. It starts nothing itself.
package databases

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// ErrMissing: the server's program is not installed.
var ErrMissing = errors.New("not found")

// Settings of servers whose machine does not crash: they do not wait until what they write is on
// the disk.
var (
	RedisWithoutSync    = []string{"--appendfsync", "no"}
	PostgresWithoutSync = []string{"fsync=off", "synchronous_commit=off", "full_page_writes=off"}
)

// FreeAddr returns an address of this machine, host:port, at which nobody listens.
func FreeAddr() (string, error) {
	for range 100 { // not among those that the system gives to connections: one could have it while a server is down
		n, err := rand.Int(rand.Reader, big.NewInt(15_000))
		if err != nil {
			return "", err
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 15_000+n.Int64()))
		if err == nil {
			defer l.Close()
			return l.Addr().String(), nil
		}
	}
	return "", errors.New("no port is free")
}

// Redis returns the command that starts a Redis server with the settings that redisstore's
// documentation names, and these. Its data is in the folder data.
func Redis(addr, data string, settings ...string) ([]string, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("redis-server: %w", ErrMissing)
	}
	host, port, err := net.SplitHostPort(addr)
	return append([]string{
		program, "--bind", host, "--port", port, "--dir", data, "--save", "",
		"--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction",
	}, settings...), err
}

// Postgres returns the command that makes a cluster of PostgreSQL in the empty folder data, and the
// one that starts its server with the defaults and these settings, such as "max_connections=20". If
// we are root, whom PostgreSQL does not serve, they run as the user postgres, who gets the folder.
func Postgres(ctx context.Context, addr, data string, settings ...string) (create, serve []string, err error) {
	initdb, err := findPostgres("initdb")
	if err != nil {
		return nil, nil, err
	}
	postgres, err := findPostgres("postgres")
	if err != nil {
		return nil, nil, err
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, nil, err
	}
	as, err := asPostgres(ctx, data)
	create = append(as[:len(as):len(as)], initdb, "-D", data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-sync")
	serve = append(as[:len(as):len(as)], postgres, "-D", data, "-p", port, "-c", "listen_addresses="+host, "-c", "unix_socket_directories=")
	for _, setting := range settings {
		serve = append(serve, "-c", setting)
	}
	return create, serve, err
}

// PostgresURL is where a PostgreSQL server is. Params go into its query.
func PostgresURL(addr, params string) string {
	return fmt.Sprintf("postgres://postgres@%s/postgres?sslmode=disable&%s", addr, params)
}

// findPostgres finds a program of PostgreSQL's, which Debian does not put into the path.
func findPostgres(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("%s: %w", name, ErrMissing)
	}
	return found[len(found)-1], nil
}

// asPostgres returns what begins a command of the user postgres if we are root. The user gets data.
func asPostgres(ctx context.Context, data string) ([]string, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	out, err := exec.CommandContext(ctx, "id", "-u", "postgres").Output()
	if err != nil {
		return nil, fmt.Errorf("there is no user postgres: %w", err)
	}
	uid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		return nil, err
	}
	return []string{"setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"}, os.Chown(data, uid, -1)
}
