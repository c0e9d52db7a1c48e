package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/internal/emulator"
	_ "github.com/contentstack/csoauth/internal/offline"
	"github.com/contentstack/csoauth/loopback"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestWorksForEveryUserAFewAtATime has no network, so that the fake clock moves only when every
// worker waits for the API.
func TestWorksForEveryUserAFewAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var users []emulator.User
		for n := range 3*concurrency + 1 {
			uid := "user" + string(rune('a'+n))
			users = append(users, emulator.User{UID: uid, Organizations: []emulator.Organization{{UID: "org-of-" + uid}}})
		}
		e, err := emulator.New(emulator.Options{Users: users})
		require.NoError(t, err)
		came := map[time.Duration]int{} // requests at each time
		var mu sync.Mutex
		began := time.Now()
		e.API("GET /v3/stacks", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			came[time.Since(began)]++
			mu.Unlock()
			time.Sleep(time.Second)
			io.WriteString(w, `{"stacks":[{"name":"Of `+r.Header.Get("organization_uid")+`","api_key":"blt1"}],"count":1}`)
		}))
		log, app := listen(t), emulator.DefaultApp()
		const base = "http://localhost:1"
		s := &settings{sealKeys: [][]byte{bytes.Repeat([]byte{1}, 32)}, dir: t.TempDir(), rounds: 1, config: &csoauth.Config{
			AppUID: app.UID, ClientID: app.ClientID, RedirectURI: app.RedirectURIs[0],
			Endpoints:  map[csoauth.Region]csoauth.Endpoints{csoauth.NA: csoauth.OneHost(base)},
			HTTPClient: &http.Client{Transport: inMemory{e}},
		}}
		w, err := newWorker(s)
		require.NoError(t, err)
		for _, user := range users {
			request, err := s.config.NewAuthRequest(nil)
			require.NoError(t, err)
			browser := &http.Client{Transport: &emulator.Browser{Emulator: base, Visitor: emulator.Visitor{UserUID: user.UID}, Transport: inMemory{e}}}
			callback, _, err := emulator.SentBack(t.Context(), browser, base, s.config.AuthorizeURL(request))
			require.NoError(t, err)
			token, err := s.config.Exchange(t.Context(), request, callback)
			require.NoError(t, err)
			key, err := w.keep(t.Context(), token)
			require.NoError(t, err)
			s.users = append(s.users, key)
		}
		w.run(t.Context(), s, func() []string { return s.users })
		for _, user := range users {
			require.Contains(t, log.String(), "msg=worked user="+user.UID+"/org-of-"+user.UID+` stacks="[Of org-of-`+user.UID+`]"`)
		}
		require.Equal(t, map[time.Duration]int{0: concurrency, time.Second: concurrency, 2 * time.Second: concurrency, 3 * time.Second: 1}, came)
		require.NoError(t, w.tokens.Close())
	})
}

// inMemory sends requests to a handler.
type inMemory struct{ http.Handler }

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

func TestUserIsAskedOnceToLogInAgain(t *testing.T) {
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
	require.Equal(t, 4, strings.Count(log.String(), "msg=worked user=ada/"), "the other user goes on")
	require.Equal(t, 1, strings.Count(log.String(), `msg="please log in again" user=alan/`), log)
	require.NotContains(t, log.String(), "next round", "the API's 401 is explained in the same round")
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
	require.Contains(t, log.String(), `msg="failed, will try again in the next round"`, "a wrong key is the operator's mistake, and no logout")
	require.Contains(t, log.String(), "cannot be read")
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

	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.run(ctx, s, func() []string { return s.users })
	}()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		require.Fail(t, "it goes on working after Ctrl-C")
	}
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
	var visit sync.WaitGroup
	o := &loopback.Options{Out: io.Discard, OpenBrowser: func(_ context.Context, authorizeURL string) error {
		visit.Go(func() {
			resp, err := server.Browser().Get(authorizeURL)
			if assert.NoError(t, err) {
				resp.Body.Close()
			}
		})
		return nil
	}}
	var key string
	err := loopback.ErrPortInUse
	for tries := 0; errors.Is(err, loopback.ErrPortInUse) && tries < 10; tries++ { // another program may have taken the port
		w.config = server.Config("http://" + freeAddress(t) + "/callback")
		key, err = w.login(t.Context(), o)
	}
	visit.Wait()
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

// listen returns a buffer that receives the log until the test ends.
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

// freeAddress returns an address that was free a moment ago.
func freeAddress(t *testing.T) string {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}
