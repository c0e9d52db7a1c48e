package csoauth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
)

// A progress is how far one try of a request came. net/http reports it by httptrace, over HTTP/1
// and HTTP/2 alike; a RoundTripper that drops the context reports nothing, and its errors decide.
//
// A flag that is set stays: net/http may send a request over a second connection by itself.
type progress struct {
	trace     httptrace.ClientTrace
	asked     atomic.Bool // for a connection; not to be mistaken for having one
	connected atomic.Bool
	sent      atomic.Bool // the request's header was written
	noTLS     atomic.Bool // a TLS handshake failed
}

// watch returns a context that records a try's progress.
func (p *progress) watch(ctx context.Context) context.Context {
	p.trace = httptrace.ClientTrace{
		GetConn:      func(string) { p.asked.Store(true) },
		GotConn:      func(httptrace.GotConnInfo) { p.connected.Store(true) },
		WroteHeaders: func() { p.sent.Store(true) },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			if err != nil {
				p.noTLS.Store(true)
			}
		},
	}
	return httptrace.WithClientTrace(ctx, &p.trace)
}

// isConnecting reports whether the try is known to have no connection yet.
func (p *progress) isConnecting() bool { return p.asked.Load() && !p.connected.Load() }

// wasNotSent reports whether a try that failed with err surely was not sent, or surely was not
// processed, which is the same for the caller.
func (p *progress) wasNotSent(ctx context.Context, err error) bool {
	switch {
	case wasNotProcessed(err):
		return true
	case p.asked.Load() && ctx.Err() != nil:
		return !p.connected.Load() // over HTTP/2 net/http does not wait for the report of a write then
	case p.asked.Load():
		return !p.sent.Load()
	}
	return failedToConnect(err)
}

// mayPass reports whether the failure of a try that was not sent is likely to be over soon, so that
// another try may help. A name that does not exist, a certificate that is not trusted, a proxy that
// refuses, and a deadline are not like that.
func (p *progress) mayPass(err error) bool {
	var (
		dns     *net.DNSError
		proxy   proxyError
		op      *net.OpError
		timeout net.Error
	)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	case wasNotProcessed(err):
		return true
	case errors.As(err, &dns):
		return dns.Temporary()
	case errors.As(err, &proxy):
		return proxy == http.StatusBadGateway || proxy == http.StatusServiceUnavailable
	case p.noTLS.Load():
		if errors.As(err, &op) && op.Op == "proxyconnect" {
			err = op.Err // the handshake was the proxy's
		}
		cut := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &op) && (op.Op == "read" || op.Op == "write")
		return cut || errors.As(err, &timeout) && timeout.Timeout()
	case errors.As(err, &op):
		return strings.Contains(op.Error(), "refused") // each operating system has an error of its own for it
	}
	// What http.Transport leaves of a proxy's status if it has no hook such as checkProxy.
	text := err.Error()
	return text == http.StatusText(http.StatusBadGateway) || text == http.StatusText(http.StatusServiceUnavailable)
}

// failedToConnect reports whether err is of a kind that only a connection that is being made has.
func failedToConnect(err error) bool {
	var (
		op        *net.OpError
		dns       *net.DNSError
		untrusted *tls.CertificateVerificationError
		noTLS     tls.RecordHeaderError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		proxy     proxyError
	)
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect") || errors.As(err, &dns) ||
		errors.As(err, &untrusted) || errors.As(err, &noTLS) || errors.As(err, &authority) ||
		errors.As(err, &hostname) || errors.As(err, &invalid) || errors.As(err, &proxy)
}

// wasNotProcessed reports whether an HTTP/2 server said that it did not process our stream
// (RFC 9113, sections 8.7 and 6.8). Without GetBody net/http has no type for that, so its texts
// decide. It wraps PROTOCOL_ERROR alike, which proves nothing.
func wasNotProcessed(err error) bool {
	text := err.Error()
	if _, stream, found := strings.Cut(text, "[stream error: stream ID "); found {
		_, code, _ := strings.Cut(stream, "; ")
		return strings.HasPrefix(code, "REFUSED_STREAM; received from peer]")
	}
	return strings.Contains(text, "[http2: Transport received Server's graceful shutdown GOAWAY]") ||
		strings.Contains(text, "http2: Transport received GOAWAY from server ErrCode:")
}

// A proxyError is the status with which a proxy refused to connect (CONNECT).
type proxyError int

func (e proxyError) Error() string {
	return "the proxy refused to connect: " + statusText(int(e))
}

// checkProxy is for http.Transport, which by itself keeps only the text of the status.
func checkProxy(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return proxyError(resp.StatusCode)
	}
	return nil
}
