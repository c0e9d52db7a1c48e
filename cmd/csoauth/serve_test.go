package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestServeGivesARequestASecondToFinish(t *testing.T) {
	for name, row := range map[string]struct {
		takes, ends time.Duration
		finished    bool
	}{
		"in time":  {time.Second / 2, time.Second / 2, true},
		"hangs on": {time.Hour, time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := net.Pipe()
				defer client.Close()
				ctx, stop := context.WithCancel(t.Context())
				listener := &oneConnection{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
				listener.conns <- server
				ended := make(chan error, 1)
				go func() {
					ended <- serve(ctx, listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						select {
						case <-time.After(row.takes):
						case <-r.Context().Done():
						}
					}))
				}()
				_, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
				require.NoError(t, err)
				synctest.Wait() // the handler has it
				began := time.Now()
				stop()
				response, _ := io.ReadAll(client)
				require.NoError(t, <-ended)
				require.Equal(t, row.finished, len(response) > 0)
				require.GreaterOrEqual(t, time.Since(began), row.ends)
				require.Less(t, time.Since(began), row.ends+time.Second, "in the time of synctest, in which Shutdown looks every half second")
			})
		})
	}
}

func TestServeTellsWhyItCannotListen(t *testing.T) {
	listener := &oneConnection{conns: make(chan net.Conn), closed: make(chan struct{})}
	require.NoError(t, listener.Close())
	require.ErrorIs(t, serve(t.Context(), listener, http.NotFoundHandler()), errClosed)
}

// oneConnection is a listener in memory.
type oneConnection struct {
	conns  chan net.Conn
	closed chan struct{}
	close  sync.Once
}

var errClosed = errors.New("closed")

func (l *oneConnection) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, errClosed
	}
}

func (l *oneConnection) Close() error {
	l.close.Do(func() { close(l.closed) })
	return nil
}

func (l *oneConnection) Addr() net.Addr { return &net.TCPAddr{} }
