package integration_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"

	"github.com/contentstack/csoauth"
)

// TestPostThatWasReadWholeIsNotSentAgainOverHTTP2 talks to a server that reads a whole request and
// then resets its stream. It may have processed it; net/http would send it again for some codes,
// without end for one of them.
//
// Law: P7
func TestPostThatWasReadWholeIsNotSentAgainOverHTTP2(t *testing.T) {
	for _, code := range []http2.ErrCode{http2.ErrCodeProtocol, http2.ErrCodeRefusedStream, http2.ErrCodeInternal, http2.ErrCodeCancel} {
		t.Run(code.String(), func(t *testing.T) {
			var posts atomic.Int32
			base := resettingServer(t, code, &posts)
			transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
			defer transport.CloseIdleConnections()
			config := &csoauth.Config{
				AppUID: "64e0f1a2b3c4d5e6f7a8b9c0", ClientID: "public-app", RedirectURI: "https://app.example.com/oauth/callback",
				Endpoints:  map[csoauth.Region]csoauth.Endpoints{csoauth.NA: {App: base}},
				HTTPClient: &http.Client{Transport: transport, Timeout: 5 * time.Second},
			}
			_, err := config.Refresh(t.Context(), &csoauth.Token{RefreshToken: "r"})
			require.Error(t, err)
			want := int32(1)
			if code == http2.ErrCodeRefusedStream { // it says that it was not processed (RFC 9113, 8.7)
				want = 3
			}
			require.Equal(t, want, posts.Load())
		})
	}
}

// resettingServer resets every stream whose request it has read whole, and counts them.
func resettingServer(t *testing.T, code http2.ErrCode, posts *atomic.Int32) string {
	cert := httptest.NewUnstartedServer(nil)
	cert.StartTLS()
	defer cert.Close()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: cert.TLS.Certificates, NextProtos: []string{"h2"}})
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // the test is over
			}
			go resetStreams(conn, code, posts)
		}
	}()
	return "https://" + listener.Addr().String()
}

func resetStreams(conn net.Conn, code http2.ErrCode, posts *atomic.Int32) {
	defer conn.Close()
	if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	framer := http2.NewFramer(conn, conn)
	framer.WriteSettings()
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return // the client has left
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				framer.WriteSettingsAck()
			}
		case *http2.DataFrame:
			if frame.StreamEnded() {
				posts.Add(1)
				framer.WriteRSTStream(frame.StreamID, code)
			}
		}
	}
}
