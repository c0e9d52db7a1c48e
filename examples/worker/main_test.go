package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/loopback"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWorksForEveryUserAFewAtATime(t *testing.T) {
	var users []csoauthtest.User
	for n := range 3 * atATime {
		users = append(users, userOf("user"+string(rune('a'+n))))
	}
	server := csoauthtest.NewServer(t, &csoauthtest.Options{Users: users})
	var mu sync.Mutex
	now, most := 0, 0
	full, tooMany := make(chan struct{}), make(chan struct{})
	isFull, areTooMany := sync.OnceFunc(func() { close(full) }), sync.OnceFunc(func() { close(tooMany) })
	come := func() {
		mu.Lock()
		defer mu.Unlock()
		now++
		most = max(most, now)
		if now == atATime {
			isFull()
		} else if now > atATime {
			areTooMany()
		}
	}
	leave := func() {
		mu.Lock()
		defer mu.Unlock()
		now--
	}
	server.API("GET /v3/stacks", func(w http.ResponseWriter, r *http.Request) {
		come()
		defer leave()
		<-full
		select {
		case <-tooMany:
		case <-time.After(20 * time.Millisecond): // there is time to come for whoever may
		}
		io.WriteString(w, `{"stacks":[{"name":"Of `+r.Header.Get("organization_uid")+`"}]}`)
	})
	w, s, log := start(t, server, t.TempDir())
	for _, user := range users {
		logIn(t, server, w, s, user.UID)
	}

	w.run(t.Context(), s, func() []string { return s.users })
	for _, user := range users {
		require.Contains(t, log.String(), `msg=worked user=`+user.UID+`/org-of-`+user.UID+` stacks="[Of org-of-`+user.UID+`]"`)
	}
	require.Equal(t, atATime, most)
	require.NoError(t, w.tokens.Close())
}

func TestUserWhoMustLogInIsToldOnce(t *testing.T) {
	server := csoauthtest.NewServer(t, &csoauthtest.Options{Users: []csoauthtest.User{userOf("ada"), userOf("alan")}})
	server.API("GET /v3/stacks", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{}`) })
	w, s, log := start(t, server, t.TempDir())
	logIn(t, server, w, s, "ada")
	alan := logIn(t, server, w, s, "alan")
	token, err := w.tokens.Token(t.Context(), alan)
	require.NoError(t, err)
	server.Revoke(token)
	s.rounds = 4

	w.run(t.Context(), s, func() []string { return s.users })
	require.Equal(t, 4, strings.Count(log.String(), "msg=worked user=ada/"), "one user's end is not another's")
	require.Equal(t, 1, strings.Count(log.String(), `msg="please log in again" user=alan/`), log)
	refused := 0
	for _, r := range server.Requests() {
		if r.Params["grant_type"] == "refresh_token" {
			refused++
		}
	}
	require.Equal(t, 1, refused, "a refused refresh token is not sent again and again")

	logIn(t, server, w, s, "alan")
	w.workFor(t.Context(), alan)
	require.Contains(t, log.String(), "msg=worked user=alan/", "the new login is noticed")
	require.NoError(t, w.tokens.Close())
}

func TestRestartNeedsNoLogin(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	server.API("GET /v3/stacks", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{}`) })
	dir := t.TempDir()
	before, s, _ := start(t, server, dir)
	key := logIn(t, server, before, s, "blt00000000000ada01")
	token, err := before.tokens.Token(t.Context(), key)
	require.NoError(t, err)
	require.NoError(t, before.tokens.Close())
	server.Expire(token)

	after, _, log := start(t, server, dir)
	after.workFor(t.Context(), key)
	require.Contains(t, log.String(), "msg=worked", "with a new token, because the API refused the old one")
	require.NoError(t, after.tokens.Close())
	require.NoError(t, filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		require.NotContains(t, string(text), token.RefreshToken)
		require.NotContains(t, string(text), "refresh", "the files are sealed")
		return err
	}))

	s.sealKeys[0][0]++
	another, err := newWorker(s)
	require.NoError(t, err)
	another.workFor(t.Context(), key)
	require.Contains(t, log.String(), `msg="not this time"`, "the wrong key is the operator's mistake, and no logout")
	require.Contains(t, log.String(), "cannot be opened")
	require.NoError(t, another.tokens.Close())
}

func TestCtrlCEndsTheWork(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	ctx, stop := context.WithCancel(t.Context())
	server.API("GET /v3/stacks", func(w http.ResponseWriter, r *http.Request) {
		stop() // while a request is under way
		<-r.Context().Done()
	})
	w, s, log := start(t, server, t.TempDir())
	logIn(t, server, w, s, "blt00000000000ada01")
	s.rounds, s.pause = 0, time.Hour

	w.run(ctx, s, func() []string { return s.users })
	require.NotContains(t, log.String(), "level=WARN", "Ctrl-C is no failure")
	require.NoError(t, w.tokens.Close())
}

func TestEmulated(t *testing.T) {
	log := listen(t)
	require.NoError(t, run(t.Context(), []string{"-emulator", "-rounds", "6", "-pause", "1ms"}))
	require.Contains(t, log.String(), `msg=worked user=ada/press stacks="[Books Papers]"`)
	require.Contains(t, log.String(), `msg="please log in again" user=alan/press`)
	require.Equal(t, 6, strings.Count(log.String(), "msg=worked user=grace/shop"))
}

func TestUserAtTheTerminalLogsIn(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	w, _, _ := start(t, server, t.TempDir())
	listener := freeListener(t)
	w.config = server.Config("http://" + listener.Addr().String() + "/callback")
	require.NoError(t, listener.Close()) // the port is most likely still free in a moment
	key, err := w.login(t.Context(), &loopback.Options{Out: io.Discard, OpenBrowser: func(_ context.Context, authorizeURL string) error {
		go func() {
			resp, err := server.Browser().Get(authorizeURL)
			if err == nil {
				resp.Body.Close()
			}
		}()
		return nil
	}})
	require.NoError(t, err)
	require.Equal(t, "blt00000000000ada01/blt1a2b3c4d5e6f7081", key)
	require.NoError(t, w.tokens.Close())
}

func userOf(uid string) csoauthtest.User {
	return csoauthtest.User{UID: uid, Organizations: []csoauthtest.Organization{{UID: "org-of-" + uid}}}
}

// start returns a worker that does one round, and its log.
func start(t *testing.T, server *csoauthtest.Server, dir string) (*worker, *settings, *lockedBuffer) {
	log := listen(t)
	s := &settings{config: server.Config("http://localhost:8184/callback"), sealKeys: [][]byte{bytes.Repeat([]byte{1}, 32)}, dir: dir, rounds: 1}
	w, err := newWorker(s)
	require.NoError(t, err)
	return w, s, log
}

// logIn lets a user log in, adds the key to the settings, and returns it.
func logIn(t *testing.T, server *csoauthtest.Server, w *worker, s *settings, user string) string {
	request, err := w.config.NewAuthRequest(nil)
	require.NoError(t, err)
	callback := server.Callback(server.BrowserOf(csoauthtest.Visitor{UserUID: user}), w.config.AuthorizeURL(request))
	token, err := w.config.Exchange(t.Context(), request, callback)
	require.NoError(t, err)
	key, err := w.keep(t.Context(), token)
	require.NoError(t, err)
	s.users = append(s.users, key)
	return key
}

// listen returns what is logged until the test ends.
func listen(t *testing.T) *lockedBuffer {
	log, before := &lockedBuffer{}, slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	return log
}

type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func freeListener(t *testing.T) net.Listener {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return listener
}
