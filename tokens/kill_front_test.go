package tokens_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A killFront stands before the token endpoint of a server. It can kill who asks, and knows which
// refresh tokens the server has taken. What it has read goes on to the server even if its sender is
// gone by then, as over a real network.
type killFront struct {
	*httptest.Server
	server string // base URL
	client *http.Client

	mu      sync.Mutex
	changed *sync.Cond
	conns   map[string]bool // that are open, by the address of the other end
	posts   int
	traded  map[string]bool // refresh tokens for which the server gave another
	when    string          // "before" or "after" the next POST is processed
	kill    func()
}

func newKillFront(t *testing.T, server string) *killFront {
	f := &killFront{
		server: server,
		client: &http.Client{Transport: &http.Transport{}},
		conns:  map[string]bool{},
		traded: map[string]bool{},
	}
	f.changed = sync.NewCond(&f.mu)
	f.Server = httptest.NewUnstartedServer(f)
	httptestsOwn := f.Config.ConnState
	f.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if httptestsOwn != nil {
			httptestsOwn(c, state)
		}
		f.note(c, state)
	}
	// Only Wine needs this: it may keep a socket of a killed process open. Processes that live
	// close theirs after 5 s.
	f.Config.IdleTimeout, f.Config.ReadHeaderTimeout = 10*time.Second, 30*time.Second
	f.Start()
	t.Cleanup(func() {
		f.Close()
		f.client.CloseIdleConnections()
	})
	return f
}

func (f *killFront) note(c net.Conn, state http.ConnState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch state {
	case http.StateNew:
		f.conns[c.RemoteAddr().String()] = true
	case http.StateClosed:
		delete(f.conns, c.RemoteAddr().String())
	}
	f.changed.Broadcast()
}

// quiet returns when all that dead processes have sent is processed. Connections are accepted in
// the order in which they were made, and end when there is nothing left to read, so it waits for
// one of its own and then for the end of all.
func (f *killFront) quiet(t *testing.T) {
	t.Helper()
	last, err := net.Dial("tcp", f.Listener.Addr().String())
	require.NoError(t, err)
	f.mu.Lock()
	defer f.mu.Unlock()
	for !f.conns[last.LocalAddr().String()] {
		f.changed.Wait()
	}
	require.NoError(t, last.Close())
	for len(f.conns) > 0 {
		f.changed.Wait()
	}
}

// killWhen kills the next who asks "before" or "after" the server has processed that.
func (f *killFront) killWhen(when string, kill func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.when, f.kill = when, kill
}

// count returns how many requests came.
func (f *killFront) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.posts
}

// spent reports whether the server has given another refresh token for this one.
func (f *killFront) spent(refresh string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.traded[refresh]
}

func (f *killFront) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // half a request, of a process that died over it
	}
	f.mu.Lock()
	f.posts++
	when, kill := f.when, f.kill
	f.when, f.kill = "", nil
	f.mu.Unlock()
	if when == "before" {
		kill()
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
	status, answer := f.ask(r, body)
	if when == "after" {
		kill()
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(answer) // a client that died does not read it
}

// ask has the server process a request, and keeps what became of its refresh token.
func (f *killFront) ask(r *http.Request, body []byte) (status int, answer []byte) {
	to, err := http.NewRequestWithContext(context.WithoutCancel(r.Context()), r.Method, f.server+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		return http.StatusBadGateway, []byte(err.Error())
	}
	to.Header.Set("Content-Type", r.Header.Get("Content-Type"))
	resp, err := f.client.Do(to)
	if err != nil {
		return http.StatusBadGateway, []byte(err.Error())
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	if err != nil {
		return http.StatusBadGateway, []byte(err.Error())
	}
	var pair struct {
		Refresh string `json:"refresh_token"`
	}
	form, _ := url.ParseQuery(string(body))
	if json.Unmarshal(answer, &pair) == nil && pair.Refresh != "" && form.Has("refresh_token") {
		f.mu.Lock()
		f.traded[form.Get("refresh_token")] = true
		f.mu.Unlock()
	}
	return resp.StatusCode, answer
}
