package main

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDebugRepeatsNothing that a server says, as that may be the request.
func TestDebugRepeatsNothing(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = conn.Read(make([]byte, 4096))
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nyou sent: Bearer s3cret\x01\r\n\r\n")
	}()
	var log bytes.Buffer
	transport := &debugTransport{slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), new(http.Transport)}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String()+"/v3/user?code=s3cret", nil)
	require.NoError(t, err)
	_, err = transport.RoundTrip(req)
	require.ErrorContains(t, err, "s3cret", "the request's own error; csapi cleans it")
	require.Contains(t, log.String(), "request failed")
	require.Contains(t, log.String(), "/v3/user ")
	require.NotContains(t, log.String(), "s3cret")
}
