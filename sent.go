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
	"time"
)

// A progress is how far one try of a request came. net/http reports it by httptrace, over HTTP/1
// and HTTP/2 alike; a RoundTripper that drops the context reports nothing, and its errors decide.
//
// A flag that is set stays: net/http may send a request over a second connection by itself.
type progress struct {
	began   time.Time
	timeout time.Duration
	cancel  context.CancelCauseFunc

	trace       httptrace.ClientTrace
	asked       atomic.Bool  // for a connection
	connectedAt atomic.Int64 // Unix time in nanoseconds; 0: there is no connection yet
	sent        atomic.Int32 // how many times the request's header was written
	noTLS       atomic.Bool  // a TLS handshake failed
}

// watch returns a context that records a try's progress.
func (p *progress) watch(ctx context.Context) context.Context {
	p.trace = httptrace.ClientTrace{
		GetConn:      func(string) { p.asked.Store(true) },
		GotConn:      func(httptrace.GotConnInfo) { p.connectedAt.Store(time.Now().UnixNano()) },
		WroteHeaders: func() { p.sent.Add(1) },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			if err != nil {
				p.noTLS.Store(true)
			}
		},
	}
	return httptrace.WithClientTrace(ctx, &p.trace)
}

// withTimeout returns a context that ends a try after the time-out. From the moment at which the
// try has a connection, it has 5 s at least: its response may be the only copy of a new refresh
// token.
func (p *progress) withTimeout(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	ctx, p.cancel = context.WithCancelCause(ctx)
	p.began, p.timeout = time.Now(), timeout
	timer := time.AfterFunc(timeout, p.end)
	return ctx, func() {
		timer.Stop()
		p.cancel(nil)
	}
}

// end ends a try whose time is over, or comes again when it is.
func (p *progress) end() {
	at := p.began.Add(p.timeout)
	if connected := p.connectedAt.Load(); connected != 0 {
		at = time.Unix(0, connected).Add(minTimeout)
	} else if !p.asked.Load() { // nothing is known
		at = p.began.Add(minTimeout)
	}
	if left := time.Until(at); left > 0 {
		time.AfterFunc(left, p.end)
		return
	}
	p.cancel(timeoutError{after: time.Since(p.began)})
}

// wasNotSent reports whether a try that failed with err surely was not sent, or surely was not
// processed, which is the same for the caller.
func (p *progress) wasNotSent(ctx context.Context, err error) bool {
	switch {
	case p.sent.Load() <= 1 && wasNotProcessed(err):
		return true
	case p.asked.Load() && ctx.Err() != nil:
		return p.connectedAt.Load() == 0 // over HTTP/2 net/http does not wait for the report of a write then
	case p.asked.Load():
		return p.sent.Load() == 0
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
		return dns.IsTemporary || dns.IsTimeout
	case errors.As(err, &proxy):
		return proxy == http.StatusBadGateway || proxy == http.StatusServiceUnavailable
	case p.noTLS.Load():
		if errors.As(err, &op) && op.Op == "proxyconnect" {
			err = op.Err // the handshake was the proxy's
		}
		wasCut := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &op) && (op.Op == "read" || op.Op == "write")
		return wasCut || errors.As(err, &timeout) && timeout.Timeout()
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
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		proxy     proxyError
	)
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect") || errors.As(err, &dns) ||
		errors.As(err, &untrusted) || errors.As(err, &authority) ||
		errors.As(err, &hostname) || errors.As(err, &invalid) || errors.As(err, &proxy)
}

// wasNotProcessed reports whether an HTTP/2 server said that it did not process our stream (RFC
// 9113, sections 8.7 and 6.8). Without GetBody net/http has no type for that, so its texts decide.
// They are matched from their beginning: a server's own words may follow. net/http wraps
// PROTOCOL_ERROR alike, which proves nothing.
func wasNotProcessed(err error) bool {
	text := err.Error()
	if code, found := strings.CutPrefix(text, "http2: Transport received GOAWAY from server ErrCode:"); found {
		return !strings.ContainsFunc(code, func(r rune) bool { return r != '_' && (r < 'A' || r > 'Z') })
	}
	cause, found := strings.CutPrefix(text, "http2: Transport: cannot retry err [")
	if stream, isReset := strings.CutPrefix(cause, "stream error: stream ID "); isReset {
		return found && strings.HasPrefix(strings.TrimLeft(stream, "0123456789"), "; REFUSED_STREAM; received from peer] after Request.Body")
	}
	return found && strings.HasPrefix(cause, "http2: Transport received Server's graceful shutdown GOAWAY] after Request.Body")
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
