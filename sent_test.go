package csoauth_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

// tokenRequests are the two requests that can fail without being sent.
var tokenRequests = map[string]func(context.Context, *csoauth.Config) error{
	"refresh": func(ctx context.Context, c *csoauth.Config) error {
		_, err := c.Refresh(ctx, &csoauth.Token{RefreshToken: "old-refresh"})
		return err
	},
	"exchange": func(ctx context.Context, c *csoauth.Config) error {
		_, err := c.ExchangeCode(ctx, "code", rfcVerifier, nil)
		return err
	},
}

const (
	httpsApp = "https://example.com" // which the certificate of httptest is for
	httpApp  = "http://127.0.0.1"
)

// Law: P7
func TestErrNotSentAndRetriesWithNetHTTP(t *testing.T) {
	for name, row := range map[string]struct {
		app     string
		network network
		notSent bool
		tries   int32
	}{
		"connection refused":            {httpsApp, refusesConnections, true, 3},
		"DNS failure, temporary":        {httpsApp, failsToDial(dnsError(net.DNSError{Err: "server misbehaving", IsTemporary: true})), true, 3},
		"DNS failure, no such host":     {httpsApp, failsToDial(dnsError(net.DNSError{Err: "no such host", IsNotFound: true})), true, 1},
		"SYNs dropped":                  {httpsApp, dropsSYNs, true, 1},
		"dial error of unknown type":    {httpsApp, failsToDial(errors.New("not from package net")), true, 1},
		"proxy refuses the connection":  {httpsApp, throughProxy("http", refusesConnections), true, 3},
		"CONNECT 403":                   {httpsApp, throughProxy("http", answersConnect("403 Forbidden")), true, 1},
		"CONNECT 407":                   {httpsApp, throughProxy("http", answersConnect("407 Proxy Authentication Required")), true, 1},
		"CONNECT 502":                   {httpsApp, throughProxy("http", answersConnect("502 Bad Gateway")), true, 3},
		"CONNECT 503":                   {httpsApp, throughProxy("http", answersConnect("503 Service Unavailable")), true, 3},
		"untrusted certificate":         {httpsApp, trustsNoCertificate, true, 1},
		"untrusted proxy certificate":   {httpsApp, throughProxy("https", trustsNoCertificate), true, 1},
		"handshake cut":                 {httpsApp, byPipe(readClientHello), true, 3},
		"handshake cut, by a reset":     {httpsApp, byListener(resetHandshake), true, 3},
		"handshake cut, in the tunnel":  {httpsApp, throughProxy("http", byPipe(cutTunnel)), true, 3},
		"proxy handshake cut":           {httpsApp, throughProxy("https", byPipe(readClientHello)), true, 3},
		"proxy handshake cut, by reset": {httpsApp, throughProxy("https", byListener(resetHandshake)), true, 3},
		"handshake refused by an alert": {httpsApp, byPipe(speakOldTLS), true, 1},
		"handshake late":                {httpsApp, byPipe(readAll), true, 3},

		"HTTP/2 REFUSED_STREAM":              {httpsApp, byHTTP2(resetStream(refusedStream)), true, 3},
		"HTTP/2 PROTOCOL_ERROR":              {httpsApp, byHTTP2(resetStream(protocolError)), false, 1},
		"HTTP/2 INTERNAL_ERROR":              {httpsApp, byHTTP2(resetStream(internalError)), false, 1},
		"GOAWAY below our stream, graceful":  {httpsApp, byHTTP2(goAway(0, noError)), true, 3},
		"GOAWAY below our stream, error":     {httpsApp, byHTTP2(goAway(0, enhanceYourCalm)), true, 3},
		"GOAWAY covers our stream, graceful": {httpsApp, byHTTP2(goAway(1, noError)), false, 1},
		"GOAWAY covers our stream, error":    {httpsApp, byHTTP2(goAway(1, internalError)), false, 1},
		"GOAWAY covers every stream":         {httpsApp, byHTTP2(goAway(1<<31-1, noError)), false, 1},
		"GOAWAY that talks like net/http":    {httpsApp, byHTTP2(goAway(1, internalError, "http2: Transport received GOAWAY from server ErrCode:NO_ERROR")), false, 1},
		"GOAWAY that talks of a graceful one": {httpsApp, byHTTP2(goAway(1, internalError,
			"http2: Transport: cannot retry err [http2: Transport received Server's graceful shutdown GOAWAY] after Request.Body was written")), false, 1},
		"HTTP/2 closed after the request": {httpsApp, byHTTP2(closeConnection), false, 1},

		"HTTP/1 closed after the head":    {httpApp, byListener(readHead), false, 1},
		"HTTP/1 closed after the request": {httpApp, byListener(readRequest), false, 1},
		"HTTP/1 response is malformed":    {httpApp, byPipe(answerNonsense), false, 1},
		"refused, then sent and closed":   {httpApp, refusesOnce(byPipe(readRequest)), false, 2},
	} {
		for op, request := range tokenRequests {
			t.Run(name+", "+op, func(t *testing.T) {
				t.Parallel()
				var tries atomic.Int32
				transport := row.network(t, &tries)
				c := configFor(row.app, transport)
				synctest.Test(t, func(t *testing.T) {
					defer closeIdle(transport)
					err := request(t.Context(), c)
					require.Error(t, err)
					assert.Equal(t, row.notSent, errors.Is(err, csoauth.ErrNotSent), "%v", err)
					assert.Equal(t, row.tries, tries.Load(), "%v", err)
				})
			})
		}
	}
}

// closeIdle lets what a request has left behind come to an end, and then closes the connections.
func closeIdle(transport *http.Transport) {
	synctest.Wait()
	transport.CloseIdleConnections()
}

func configFor(app string, transport http.RoundTripper) *csoauth.Config {
	c := testConfig()
	endpoint(csoauth.Endpoints{App: app})(c)
	c.HTTPClient = &http.Client{Transport: transport}
	return c
}

func TestErrNotSentWhenTheContextEnds(t *testing.T) {
	for name, row := range map[string]struct {
		app     string
		network network
		notSent bool
	}{
		"in the dial":               {httpsApp, dropsSYNs, true},
		"in the handshake":          {httpsApp, byPipe(readAll), true},
		"before an HTTP/1 response": {httpApp, byPipe(readAll), false},
		"before an HTTP/2 response": {httpsApp, byHTTP2(stayQuiet), false},
	} {
		for op, request := range tokenRequests {
			t.Run(name+", "+op, func(t *testing.T) {
				var tries atomic.Int32
				transport := row.network(t, &tries)
				c := configFor(row.app, transport)
				synctest.Test(t, func(t *testing.T) {
					defer closeIdle(transport)
					ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
					defer cancel()
					err := request(ctx, c)
					require.ErrorIs(t, err, context.DeadlineExceeded)
					assert.Equal(t, row.notSent, errors.Is(err, csoauth.ErrNotSent), "%v", err)
					assert.EqualValues(t, 1, tries.Load())
				})
			})
		}
	}
}

// TestHeadersThatAreBeingWrittenAreSent: net/http calls WroteHeaders only after the HTTP/2 headers
// are on the wire, and does not wait for that if the context ends. A slow write makes the gap long.
//
// Law: P7
func TestHeadersThatAreBeingWrittenAreSent(t *testing.T) {
	transport := byPipe(nil)(t, new(atomic.Int32))
	c := configFor(httpsApp, transport)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var slow, wrote atomic.Bool
		release := make(chan struct{})
		pipe := dialPipe(func(conn net.Conn) {
			server := acceptHTTP2(conn)
			for f, err := readFrame(server); err == nil; f, err = readFrame(server) {
				if f.kind == headersFrame {
					cancel()
				}
			}
		})
		transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := pipe(ctx, network, addr)
			return slowConn{conn, &slow, release}, err
		}
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			GotConn:      func(httptrace.GotConnInfo) { slow.Store(true) },
			WroteHeaders: func() { wrote.Store(true) },
		})
		_, err := c.Refresh(ctx, &csoauth.Token{RefreshToken: "old-refresh"})
		assert.ErrorIs(t, err, context.Canceled)
		assert.NotErrorIs(t, err, csoauth.ErrNotSent, "the server has read the headers")
		assert.False(t, wrote.Load(), "this test is about requests that the trace does not show as sent")
		close(release)
		closeIdle(transport)
	})
}

// A slowConn sends what it is given at once. While it is slow, Write returns only after release.
type slowConn struct {
	net.Conn
	slow    *atomic.Bool
	release <-chan struct{}
}

func (c slowConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if c.slow.Load() {
		<-c.release
	}
	return n, err
}

func TestRefusedStreamIsSentAgainWhole(t *testing.T) {
	for op, request := range tokenRequests {
		t.Run(op, func(t *testing.T) {
			var tries atomic.Int32
			var bodies []string
			transport := byHTTP2(func(stream uint32, body []byte) ([]byte, bool) {
				bodies = append(bodies, string(body))
				if len(bodies) == 1 {
					return resetStream(refusedStream)(stream, body)
				}
				const status200 = "\x88" // HPACK, RFC 7541, appendix A
				head := frame{headersFrame, endHeaders, stream, []byte(status200)}.bytes()
				return append(head, frame{dataFrame, endStream, stream, []byte(recorded)}.bytes()...), true
			})(t, &tries)
			c := configFor(httpsApp, transport)
			synctest.Test(t, func(t *testing.T) {
				defer closeIdle(transport)
				require.NoError(t, request(t.Context(), c))
				require.EqualValues(t, 2, tries.Load())
				require.Contains(t, bodies[0], "client_id="+c.ClientID)
				require.Equal(t, bodies[0], bodies[1])
			})
		})
	}
}

// TestErrNotSentWithoutTrace has RoundTrippers that do not call the httptrace functions. Then the
// type of the error decides.
//
// Law: P7
func TestErrNotSentWithoutTrace(t *testing.T) {
	untrusted := &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
	for name, row := range map[string]struct {
		err     error
		notSent bool
		tries   int
	}{
		"dial, connection refused":         {connectionRefused("dial"), true, 3},
		"proxyconnect, connection refused": {connectionRefused("proxyconnect"), true, 3},
		"proxyconnect, refused dial":       {&net.OpError{Op: "proxyconnect", Net: "tcp", Err: connectionRefused("dial")}, true, 3},
		"error around a refused dial":      {&url.Error{Op: "Post", URL: httpsApp, Err: connectionRefused("dial")}, true, 3},
		"DNS failure, temporary":           {dnsError(net.DNSError{Err: "server misbehaving", IsTemporary: true}), true, 3},
		"DNS failure, no such host":        {dnsError(net.DNSError{Err: "no such host", IsNotFound: true}), true, 1},
		"dial that takes too long":         {&net.OpError{Op: "dial", Err: context.DeadlineExceeded}, true, 1},
		"proxy that cannot be reached":     {&net.OpError{Op: "proxyconnect", Err: context.DeadlineExceeded}, true, 1},
		"untrusted certificate":            {untrusted, true, 1},
		"untrusted proxy certificate":      {&net.OpError{Op: "proxyconnect", Net: "tcp", Err: untrusted}, true, 1},
		"EOF":                              {io.EOF, false, 1},
		"connection reset":                 {&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, false, 1},
		"anything else":                    {errors.New("no idea"), false, 1},
		"text of a proxy's status":         {errors.New("Bad Gateway"), false, 1},
	} {
		for op, request := range tokenRequests {
			t.Run(name+", "+op, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					tries := 0
					err := request(t.Context(), configFor(httpsApp, roundTrip(func(*http.Request) (*http.Response, error) {
						tries++
						return nil, row.err
					})))
					require.ErrorIs(t, err, row.err)
					assert.Equal(t, row.notSent, errors.Is(err, csoauth.ErrNotSent), "%v", err)
					assert.Equal(t, row.tries, tries, "%v", err)
				})
			})
		}
	}
}

// TestTraceCountsMoreThanTheError: a RoundTripper may dial a second time after it has sent the
// request.
func TestTraceCountsMoreThanTheError(t *testing.T) {
	for op, request := range tokenRequests {
		t.Run(op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				err := request(t.Context(), configFor(httpsApp, roundTrip(func(r *http.Request) (*http.Response, error) {
					tries++
					trace := httptrace.ContextClientTrace(r.Context())
					if trace != nil && trace.GetConn != nil {
						trace.GetConn("example.com:443")
					}
					if trace != nil && trace.WroteHeaders != nil {
						trace.WroteHeaders()
					}
					return nil, connectionRefused("dial")
				})))
				require.Error(t, err)
				assert.NotErrorIs(t, err, csoauth.ErrNotSent)
				assert.Equal(t, 1, tries)
			})
		})
	}
}

func TestRefreshSaysWhenNothingWasTried(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	for name, row := range map[string]struct {
		ctx     context.Context
		app     string
		token   csoauth.Token
		notSent bool
	}{
		"context that has ended":     {ended, httpsApp, csoauth.Token{RefreshToken: "old-refresh"}, true},
		"token of another client":    {t.Context(), httpsApp, csoauth.Token{RefreshToken: "old-refresh", ClientID: "other"}, true},
		"endpoint that is not safe":  {t.Context(), "http://example.com", csoauth.Token{RefreshToken: "old-refresh"}, true},
		"token without refreshToken": {t.Context(), httpsApp, csoauth.Token{AccessToken: "access"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := configFor(row.app, refuseAll{}).Refresh(row.ctx, &row.token)
			require.Error(t, err)
			assert.Equal(t, row.notSent, errors.Is(err, csoauth.ErrNotSent), "%v", err)
		})
	}
}

// TestTextsOfNetHTTP holds the texts of net/http by which a failure is told from another, because
// net/http has no exported types for them. If it fails with a new version of Go, the library takes
// these failures for requests that were sent, or does not try again: find the new texts.
func TestTextsOfNetHTTP(t *testing.T) {
	const cannotRetry = "http2: Transport: cannot retry err ["
	for name, row := range map[string]struct {
		network network
		want    []string
	}{
		"REFUSED_STREAM":   {byHTTP2(resetStream(refusedStream)), []string{cannotRetry, "[stream error: stream ID 1; REFUSED_STREAM; received from peer]"}},
		"PROTOCOL_ERROR":   {byHTTP2(resetStream(protocolError)), []string{cannotRetry, "[stream error: stream ID 1; PROTOCOL_ERROR; received from peer]"}},
		"INTERNAL_ERROR":   {byHTTP2(resetStream(internalError)), []string{"stream error: stream ID 1; INTERNAL_ERROR; received from peer"}},
		"GOAWAY, graceful": {byHTTP2(goAway(0, noError)), []string{cannotRetry, "[http2: Transport received Server's graceful shutdown GOAWAY]"}},
		"GOAWAY, error":    {byHTTP2(goAway(0, enhanceYourCalm)), []string{"http2: Transport received GOAWAY from server ErrCode:ENHANCE_YOUR_CALM"}},
		"GOAWAY, covers":   {byHTTP2(goAway(1, noError)), []string{"http2: server sent GOAWAY and closed the connection; LastStreamID=1"}},
		"CONNECT 502":      {throughProxy("http", answersConnect("502 Bad Gateway")), []string{http.StatusText(http.StatusBadGateway)}},
		"CONNECT 503":      {throughProxy("http", answersConnect("503 Service Unavailable")), []string{http.StatusText(http.StatusServiceUnavailable)}},
	} {
		t.Run(name, func(t *testing.T) {
			transport := row.network(t, new(atomic.Int32))
			synctest.Test(t, func(t *testing.T) {
				defer closeIdle(transport)
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, httpsApp, bytes.NewReader([]byte("a=b")))
				require.NoError(t, err)
				r.GetBody = nil // as the library does
				_, err = transport.RoundTrip(r)
				for _, want := range row.want {
					require.ErrorContains(t, err, want)
				}
			})
		})
	}
}

// A network makes a Transport and what it talks to. It counts the tries: dials, or the requests
// that an HTTP/2 server has read. Call it outside of the synctest bubble: a listener and its
// connections belong to the system, and time in the bubble would wait for them.
type network func(t *testing.T, tries *atomic.Int32) *http.Transport

type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

func newTransport(tries *atomic.Int32, dial dialer) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			tries.Add(1)
			return dial(ctx, network, addr)
		},
		TLSClientConfig:     &tls.Config{RootCAs: identity().roots},
		TLSHandshakeTimeout: time.Second,
		ForceAttemptHTTP2:   true,
	}
}

// A serverIdentity is a certificate, and what a client needs to trust it.
type serverIdentity struct {
	certificate tls.Certificate
	roots       *x509.CertPool
}

var identity = sync.OnceValue(func() serverIdentity {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return serverIdentity{server.TLS.Certificates[0], roots}
})

func serverTLS(protocols ...string) *tls.Config {
	return &tls.Config{
		Certificates:           []tls.Certificate{identity().certificate},
		NextProtos:             protocols,
		SessionTicketsDisabled: true, // written while the client writes, too: that blocks a net.Pipe
	}
}

// byPipe is a network in memory: each connection is a net.Pipe. serve need not close its end.
func byPipe(serve func(net.Conn)) network {
	return func(_ *testing.T, tries *atomic.Int32) *http.Transport { return newTransport(tries, dialPipe(serve)) }
}

func dialPipe(serve func(net.Conn)) dialer {
	return func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			serve(server)
		}()
		return client, nil
	}
}

// byListener is a network of real connections on loopback.
func byListener(serve func(net.Conn)) network {
	return func(t *testing.T, tries *atomic.Int32) *http.Transport {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		var running sync.WaitGroup
		running.Go(func() {
			for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
				running.Go(func() {
					defer conn.Close()
					serve(conn)
				})
			}
		})
		t.Cleanup(func() {
			assert.NoError(t, listener.Close())
			running.Wait()
		})
		return newTransport(tries, dialTo(listener.Addr()))
	}
}

func dialTo(addr net.Addr) dialer {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, addr.Network(), addr.String())
	}
}

func refusesConnections(t *testing.T, tries *atomic.Int32) *http.Transport {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return newTransport(tries, dialTo(listener.Addr()))
}

func failsToDial(err error) network {
	return func(_ *testing.T, tries *atomic.Int32) *http.Transport {
		return newTransport(tries, func(context.Context, string, string) (net.Conn, error) { return nil, err })
	}
}

func connectionRefused(op string) error {
	return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
}

func dnsError(err net.DNSError) error {
	err.Name = "example.com"
	return &net.OpError{Op: "dial", Net: "tcp", Err: &err}
}

// dropsSYNs returns the error of a net.Dialer with a time-out, which finds its time used up before
// it opens a connection.
func dropsSYNs(_ *testing.T, tries *atomic.Int32) *http.Transport {
	return newTransport(tries, func(ctx context.Context, network, _ string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		<-ctx.Done()
		return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:1")
	})
}

// refusesOnce refuses the first connection and leaves the others to next.
func refusesOnce(next network) network {
	return func(t *testing.T, tries *atomic.Int32) *http.Transport {
		transport := next(t, tries)
		dial := transport.DialContext
		transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if tries.CompareAndSwap(0, 1) {
				return nil, connectionRefused("dial")
			}
			return dial(ctx, network, addr)
		}
		return transport
	}
}

// throughProxy makes next the way to a proxy.
func throughProxy(scheme string, next network) network {
	return func(t *testing.T, tries *atomic.Int32) *http.Transport {
		transport := next(t, tries)
		transport.Proxy = http.ProxyURL(&url.URL{Scheme: scheme, Host: "example.com:3128"})
		return transport
	}
}

func answersConnect(status string) network {
	return byPipe(func(conn net.Conn) {
		if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil && r.Method == http.MethodConnect {
			_, _ = io.WriteString(conn, "HTTP/1.1 "+status+"\r\n\r\n") // fails if the client has gone
		}
	})
}

// cutTunnel is a proxy that loses the way to the server when the handshake begins.
func cutTunnel(conn net.Conn) {
	if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n") // fails if the client has gone
		readClientHello(conn)
	}
}

func trustsNoCertificate(t *testing.T, tries *atomic.Int32) *http.Transport {
	transport := byPipe(func(conn net.Conn) { _ = tls.Server(conn, serverTLS()).Handshake() })(t, tries)
	transport.TLSClientConfig.RootCAs = x509.NewCertPool()
	return transport
}

func readClientHello(conn net.Conn) {
	var head [5]byte // of a TLS record: type, version, length
	if _, err := io.ReadFull(conn, head[:]); err == nil {
		_, _ = io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint16(head[3:])))
	}
}

func resetHandshake(conn net.Conn) {
	readClientHello(conn)
	_ = conn.(*net.TCPConn).SetLinger(0) // Close sends a reset
}

func speakOldTLS(conn net.Conn) {
	config := serverTLS()
	config.MaxVersion = tls.VersionTLS11
	_ = tls.Server(conn, config).Handshake()
}

func readAll(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// readHead reads a request up to its body, and not a byte more.
func readHead(conn net.Conn) {
	var head []byte
	var b [1]byte
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		if _, err := conn.Read(b[:]); err != nil {
			return
		}
		head = append(head, b[0])
	}
}

func readRequest(conn net.Conn) {
	if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
}

func answerNonsense(conn net.Conn) {
	readRequest(conn)
	_, _ = io.WriteString(conn, "220 mail.example.com ESMTP\r\n") // fails if the client has gone
}

// Frame types, flags and error codes of HTTP/2 (RFC 9113, sections 6 and 7).
const (
	dataFrame, headersFrame, resetFrame, settingsFrame, goAwayFrame = 0, 1, 3, 4, 7

	endStream, ack, endHeaders = 1, 1, 4

	noError, protocolError, internalError, refusedStream, enhanceYourCalm = 0, 1, 2, 7, 11
)

type frame struct {
	kind, flags byte
	stream      uint32
	payload     []byte
}

func (f frame) bytes() []byte {
	length := len(f.payload)
	b := []byte{byte(length >> 16), byte(length >> 8), byte(length), f.kind, f.flags}
	return append(binary.BigEndian.AppendUint32(b, f.stream), f.payload...)
}

func readFrame(r io.Reader) (frame, error) {
	var head [9]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	f := frame{kind: head[3], flags: head[4], stream: binary.BigEndian.Uint32(head[5:])}
	f.payload = make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
	_, err := io.ReadFull(r, f.payload)
	return f, err
}

// An http2Answer returns the frames of a response, and whether the connection stays open.
type http2Answer func(stream uint32, body []byte) (frames []byte, open bool)

// byHTTP2 is a server that may do what those of net/http never do. It reads a request to its end
// before it responds: net/http may send a request again by itself while its body is not read.
func byHTTP2(answer http2Answer) network {
	return func(t *testing.T, tries *atomic.Int32) *http.Transport {
		return byPipe(func(conn net.Conn) {
			serveHTTP2(conn, func(stream uint32, body []byte) ([]byte, bool) {
				tries.Add(1)
				return answer(stream, body)
			})
		})(t, new(atomic.Int32))
	}
}

func serveHTTP2(conn net.Conn, answer http2Answer) {
	server := acceptHTTP2(conn)
	if _, err := server.Write(frame{kind: settingsFrame}.bytes()); err != nil {
		return
	}
	// While the client writes its acknowledgement it reads nothing, and a net.Pipe holds nothing.
	var acknowledged bool
	var ended uint32
	var body []byte
	for f, err := readFrame(server); err == nil; f, err = readFrame(server) {
		switch f.kind {
		case settingsFrame:
			acknowledged = acknowledged || f.flags&ack != 0
		case dataFrame:
			body = append(body, f.payload...)
		}
		if (f.kind == headersFrame || f.kind == dataFrame) && f.flags&endStream != 0 {
			ended = f.stream
		}
		if !acknowledged || ended == 0 {
			continue
		}
		frames, open := answer(ended, body)
		if _, err := server.Write(frames); err != nil || !open {
			return
		}
		ended, body = 0, nil
	}
}

// acceptHTTP2 returns conn after its TLS handshake and the client's preface.
func acceptHTTP2(conn net.Conn) net.Conn {
	server := tls.Server(conn, serverTLS("h2"))
	_, _ = io.ReadFull(server, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))) // what follows fails, too
	return server
}

func resetStream(code uint32) http2Answer {
	return func(stream uint32, _ []byte) ([]byte, bool) {
		return frame{resetFrame, 0, stream, binary.BigEndian.AppendUint32(nil, code)}.bytes(), true
	}
}

// goAway closes the connection after the frame, as servers do.
func goAway(last, code uint32, debug ...string) http2Answer {
	return func(uint32, []byte) ([]byte, bool) {
		payload := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, last), code)
		payload = append(payload, strings.Join(debug, "")...)
		return frame{goAwayFrame, 0, 0, payload}.bytes(), false
	}
}

func closeConnection(uint32, []byte) ([]byte, bool) { return nil, false }

func stayQuiet(uint32, []byte) ([]byte, bool) { return nil, true }
