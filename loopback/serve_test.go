package loopback_test

import (
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/loopback"
)

// A pipeListener accepts ends of pipes, so that a whole server fits into a synctest bubble.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// served returns a connection to a server, and what ends that.
func served(t *testing.T, handler http.HandlerFunc) (client net.Conn, end func()) {
	t.Cleanup(func() { time.Sleep(2 * time.Hour) }) // what the server waits for then is over, too
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	end = loopback.Serve(l, handler)
	t.Cleanup(end)
	client, server := net.Pipe()
	t.Cleanup(func() { client.Close() })
	l.conns <- server
	return client, end
}

func hello(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }

func TestSlowRequestIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := served(t, hello)
		_, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: localhost\r\n")
		require.NoError(t, err)
		begin := time.Now()
		require.NoError(t, client.SetReadDeadline(begin.Add(time.Hour)))
		_, err = client.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		assert.Equal(t, 10*time.Second, time.Since(begin))
	})
}

// What is not of the login's handler to say, and what nobody may fill memory with.
func TestServerRefuses(t *testing.T) {
	for name, test := range map[string]struct{ request, status string }{
		"OPTIONS *":       {"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", "418"},
		"a big header":    {"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 60<<10) + "\r\n\r\n", "418"},
		"a bigger header": {"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 68<<10) + "\r\n\r\n", "431"}, // net/http lets 4 KiB more through
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, _ := served(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
				go func() { _, _ = io.WriteString(client, test.request) }() // of which the server may not read all
				require.NoError(t, client.SetReadDeadline(time.Now().Add(time.Hour)))
				status := make([]byte, len("HTTP/1.1 418"))
				_, err := io.ReadFull(client, status)
				require.NoError(t, err)
				assert.Equal(t, "HTTP/1.1 "+test.status, string(status))
			})
		})
	}
}

func TestServerWritesNothingOnTheTerminal(t *testing.T) {
	var logged bytes.Buffer
	defer log.SetOutput(log.Writer())
	log.SetOutput(&logged)
	synctest.Test(t, func(t *testing.T) {
		client, end := served(t, func(http.ResponseWriter, *http.Request) { panic("oh") })
		_, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		require.NoError(t, err)
		synctest.Wait()
		end()
	})
	assert.Empty(t, logged.String())
}

// Responses that are under way may go out. Nobody else's connection outlives the login.
func TestEndOfTheServer(t *testing.T) {
	const patience = 250 * time.Millisecond
	for name, test := range map[string]struct {
		request string
		works   time.Duration
		want    string
		lasts   time.Duration // at most
	}{
		"idle in reserve":  {"", 0, "", patience},
		"half a request":   {"GET / HT", 0, "", patience},
		"quick response":   {"GET / HTTP/1.0\r\n\r\n", patience / 2, "hello", patience},
		"endless response": {"GET / HTTP/1.0\r\n\r\n", time.Hour, "", patience},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, end := served(t, func(w http.ResponseWriter, r *http.Request) {
					time.Sleep(test.works)
					hello(w, r)
				})
				if test.request != "" {
					_, err := io.WriteString(client, test.request)
					require.NoError(t, err)
				}
				synctest.Wait()
				read := make(chan string, 1)
				go func() {
					all, _ := io.ReadAll(client) // an error is an end, too
					read <- string(all)
				}()
				begin := time.Now()
				end()
				assert.LessOrEqual(t, time.Since(begin), test.lasts)
				synctest.Wait()
				select {
				case all := <-read:
					_, body, _ := strings.Cut(all, "\r\n\r\n")
					assert.Equal(t, test.want, body)
				default:
					assert.Fail(t, "the connection is still open")
				}
			})
		})
	}
}
