package clilogin_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/zalando/go-keyring"
	"go.uber.org/goleak"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/clilogin"
	"github.com/contentstack/csoauth/csoauthtest"
	_ "github.com/contentstack/csoauth/internal/offline"
	"github.com/contentstack/csoauth/loopback"
)

func TestMain(m *testing.M) {
	if text := os.Getenv(childVariable); text != "" {
		runChild(text)
	}
	// No test asks this machine's keyring, nor writes to this user's directories.
	keyring.MockInit()
	os.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
	home, err := os.MkdirTemp("", "clilogin")
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "LocalAppData", "AppData"} {
		os.Setenv(name, home)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(home)
		os.Exit(code)
	}))
}

const (
	ada   = "blt00000000000ada01"
	alan  = "blt0000000000alan02"
	press = "blt1a2b3c4d5e6f7081"
	shop  = "blt2b3c4d5e6f708192"
)

// A machine has a user with a browser, and a program that runs again and again.
type machine struct {
	t       *testing.T
	server  *csoauthtest.Server
	config  *csoauth.Config
	o       clilogin.Options
	out     lockedBuffer
	visitor csoauthtest.Visitor
	opened  atomic.Int32 // browsers
	visits  sync.WaitGroup
	away    atomic.Bool // nobody is at the browser
}

func newMachine(t *testing.T, o *csoauthtest.Options) *machine {
	t.Helper()
	keyring.MockInit()
	t.Cleanup(clilogin.SetForeground(true))
	m := &machine{t: t, server: csoauthtest.NewServer(t, o)}
	m.config = m.server.Config("http://" + freeAddress(t) + "/callback")
	m.config.AuthorizeRoute = csoauth.RoutePath
	m.o = clilogin.Options{
		Program: "mytool", Dir: filepath.Join(t.TempDir(), "dir"),
		Loopback: &loopback.Options{Out: &m.out, OpenBrowser: m.open, Timeout: 30 * time.Second},
	}
	t.Cleanup(m.visits.Wait)
	return m
}

func (m *machine) open(_ context.Context, address string) error {
	m.opened.Add(1)
	if m.away.Load() {
		return nil
	}
	m.visits.Go(func() {
		resp, err := m.server.BrowserOf(m.visitor).Get(address)
		if assert.NoError(m.t, err) {
			resp.Body.Close()
		}
	})
	return nil
}

// session opens a session, which is closed at the end of the test.
func (m *machine) session() *clilogin.Session {
	m.t.Helper()
	s, err := clilogin.Open(m.t.Context(), m.config, &m.o)
	require.NoError(m.t, err)
	m.t.Cleanup(func() { assert.NoError(m.t, s.Close()) })
	return s
}

// email runs the program once: it opens a session, asks who the user is, and ends.
func (m *machine) email() string {
	m.t.Helper()
	s, err := clilogin.Open(m.t.Context(), m.config, &m.o)
	require.NoError(m.t, err)
	defer func() { assert.NoError(m.t, s.Close()) }()
	user, err := s.API().User(m.t.Context())
	require.NoError(m.t, err)
	return user.Email
}

// refused runs the program once, which has no login to use.
func (m *machine) refused() error {
	m.t.Helper()
	s, err := clilogin.Open(m.t.Context(), m.config, &m.o)
	require.NoError(m.t, err)
	defer func() { assert.NoError(m.t, s.Close()) }()
	_, err = s.API().User(m.t.Context())
	require.Error(m.t, err)
	return err
}

func (m *machine) profileDir() string { return filepath.Join(m.o.Dir, "default") }

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// lines are those that this package has said.
func (b *lockedBuffer) has(text string) bool { return strings.Contains(b.String(), text) }
