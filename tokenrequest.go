package csoauth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/contentstack/csoauth/internal/untrusted"
	"github.com/contentstack/csoauth/internal/useragent"
)

const (
	defaultTimeout = 30 * time.Second // of one try, to the end of its response
	minTimeout     = 5 * time.Second  // of one that was sent
	maxResponse    = 1 << 20          // bytes; real responses have some hundred
	maxTries       = 3
	retryWindow    = 10 * time.Second // from the first try to the start of the last
	maxRetryAfter  = 24 * time.Hour
)

// A tokenRequest is one POST to the token endpoint.
type tokenRequest struct {
	op        string    // "exchange", "refresh" or "introspect", for errors
	url       string    // of the token endpoint
	to        *url.URL  // the same
	userAgent string    // the whole header
	until     time.Time // no try begins after it; zero: no such limit
	form      []byte
	other     string    // a secret that is not sent and must not come back in an error either
	began     time.Time // when the try began that got the response
}

func (r *tokenRequest) set(name, value string) {
	if r.form == nil {
		r.form = make([]byte, 0, 320) // most forms fit
	}
	r.form = appendParam(r.form, name, value)
}

// openParams are the parameters of a token request that are no secrets.
var openParams = []string{"grant_type", "client_id", "redirect_uri", "token_type_hint"}

// secrets returns the values that must not come back in an error, and those that may.
func (r *tokenRequest) secrets() (secrets, open []string) {
	secrets, open = []string{r.other}, []string{r.url}
	values, _ := url.ParseQuery(string(r.form)) // of our own making
	for name := range values {
		if slices.Contains(openParams, name) {
			open = append(open, values.Get(name))
		} else {
			secrets = append(secrets, values.Get(name))
		}
	}
	return secrets, open
}

// post sends the request and returns its response, or an error if there is none. It sends the
// request again, at most twice and within 10 seconds, if the server surely did not process it and
// that may be different soon: see mayPass, and a 429 or 503 with Retry-After. In all other cases
// it may have been processed, and a second one could end the login.
func (c *Config) post(ctx context.Context, r *tokenRequest) (*tokenResponse, error) {
	var err error
	if r.to, err = parseEndpoint(r.url); err != nil {
		return nil, configError(r.op, fmt.Errorf("token endpoint: %w", err))
	}
	if err := c.checkUserAgent(); err != nil {
		return nil, configError(r.op, fieldError("UserAgent", err))
	}
	r.userAgent = useragent.After(c.UserAgent)
	r.began = time.Now()
	first := r.began
	answered := false
	for try := 1; ; try++ {
		response, err := c.try(ctx, r)
		var failed *transportError
		if errors.As(err, &failed) && answered {
			failed.notSent = false // an earlier try was
		}
		answered = answered || err == nil
		wait, again := tryAgain(response, err)
		if !again || try == maxTries {
			return response, err
		}
		if wait == 0 {
			wait = backoff(try)
		}
		next := time.Now().Add(wait)
		if deadline, ok := ctx.Deadline(); next.Sub(first) > retryWindow || ok && !next.Before(deadline) || r.tooLate(next) {
			return response, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			if err == nil {
				err = response.refusal
			}
			return nil, fmt.Errorf("%w; then, waiting to try again: %w", err, context.Cause(ctx))
		}
		r.began = time.Now()
	}
}

func (r *tokenRequest) tooLate(t time.Time) bool { return !r.until.IsZero() && t.After(r.until) }

// try sends the request once. It goes to the RoundTripper directly: an http.Client would add
// redirects, which carry the secrets elsewhere, and cookies.
func (c *Config) try(ctx context.Context, r *tokenRequest) (*tokenResponse, error) {
	transport, timeout := c.transport(ctx)
	var p progress
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = p.withTimeout(ctx, timeout)
		defer cancel()
	}
	resp, err := transport.RoundTrip(r.http(p.watch(ctx)))
	if err == nil && resp == nil {
		err = errors.New("the HTTPClient's Transport returned neither a response nor an error")
	}
	if err != nil {
		return nil, r.failed(ctx, &p, err)
	}
	if resp.Body == nil {
		resp.Body = http.NoBody // a RoundTripper of a test may leave it out
	}
	defer resp.Body.Close()
	body, broke := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	if response := readResponse(r, resp, body, broke); response != nil {
		return response, nil
	}
	return nil, r.failure(ctx, fmt.Errorf("the response broke off: %w", broke), false, tokensIn(body)...)
}

// http returns the request as net/http sends it. It has no GetBody: with that, HTTP/2 in net/http
// sends a POST again that the server had read whole and then reset.
func (r *tokenRequest) http(ctx context.Context) *http.Request {
	request := new(http.Request).WithContext(ctx)
	request.Method = http.MethodPost
	request.URL, request.Host = r.to, r.to.Host
	request.Proto, request.ProtoMajor, request.ProtoMinor = "HTTP/1.1", 1, 1
	request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(r.form)), int64(len(r.form))
	values := []string{"application/x-www-form-urlencoded", "application/json", r.userAgent}
	request.Header = http.Header{"Content-Type": values[0:1:1], "Accept": values[1:2:2], "User-Agent": values[2:3:3]}
	return request
}

// failed returns the error of a try without a response.
func (r *tokenRequest) failed(ctx context.Context, p *progress, err error) error {
	unsent := p.wasNotSent(ctx, err)
	failure := r.failure(ctx, err, unsent)
	failure.again = unsent && ctx.Err() == nil && p.mayPass(err)
	if p.sent.Load() > 0 {
		// net/http quotes what it cannot read of a response, which may be the new tokens.
		failure.text, _, _ = strings.Cut(failure.text, `"`)
	}
	return failure
}

// failure returns an error with a clean text. more are secrets that the response may have brought.
func (r *tokenRequest) failure(ctx context.Context, err error, unsent bool, more ...string) *transportError {
	if cause := context.Cause(ctx); cause != nil {
		var timeout timeoutError
		if errors.As(cause, &timeout) {
			timeout.unsent = unsent
			cause = timeout
		}
		var op *net.OpError
		if errors.As(err, &op) { // it says what was under way when the time was up
			cause = fmt.Errorf("%w: %w", cause, err)
		}
		err = cause
	}
	secrets, open := r.secrets()
	text := "csoauth: " + r.op + ": POST " + r.url + ": " + untrusted.Clean(err.Error(), untrusted.MaxDescription, append(secrets, more...), open)
	return &transportError{text: text, cause: func() error { return err }, notSent: unsent}
}

// A timeoutError is a context.DeadlineExceeded that says whose deadline it was.
type timeoutError struct {
	after  time.Duration
	unsent bool // nothing had been sent by then
}

func (e timeoutError) Error() string {
	if e.unsent {
		return fmt.Sprintf("no connection within %v", e.after)
	}
	return fmt.Sprintf("no complete response within %v", e.after)
}
func (e timeoutError) Is(t error) bool { return t == context.DeadlineExceeded }
func (e timeoutError) Timeout() bool   { return true }
func (e timeoutError) Temporary() bool { return true }

// tryAgain reports whether a try surely was not processed and another one may help, and how long to
// wait before it; 0 leaves that to backoff. A response with a refresh token was processed, whatever
// its status says.
func tryAgain(response *tokenResponse, err error) (wait time.Duration, again bool) {
	if err == nil {
		e := response.refusal
		again = e != nil && e.saidWhen && response.RefreshToken == "" &&
			(e.StatusCode == http.StatusTooManyRequests || e.StatusCode == http.StatusServiceUnavailable)
		if again {
			wait = e.RetryAfter
		}
		return wait, again
	}
	var failed *transportError
	return 0, errors.As(err, &failed) && failed.again
}

// backoff is 250 ms, then 1 s, each with up to as much again, so that many clients do not return
// together.
func backoff(try int) time.Duration {
	base := 250 * time.Millisecond << (2 * (try - 1))
	return base + rand.N(base)
}

// parseRetryAfter reads seconds or a date (RFC 9110, section 10.2.3).
func parseRetryAfter(value string, now time.Time) (wait time.Duration, ok bool) {
	if date, err := http.ParseTime(value); err == nil {
		return min(max(0, date.Sub(now)), maxRetryAfter), true
	}
	seconds, err := strconv.ParseUint(value, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // ErrRange is a very long time
		return 0, false
	}
	return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second, true
}

// transport returns what sends token requests, and the time-out of one.
func (c *Config) transport(ctx context.Context) (http.RoundTripper, time.Duration) {
	client := c.HTTPClient
	if client == nil {
		client, _ = ctx.Value(oauth2.HTTPClient).(*http.Client)
	}
	if client == nil {
		return ownTransport, defaultTimeout
	}
	transport := client.Transport
	if adds, ok := transport.(*oauth2.Transport); ok {
		transport = adds.Base // without the Authorization header that it adds
	}
	if transport == nil {
		transport = ownTransport
	}
	return transport, client.Timeout
}

// DefaultTransport returns the transport that sends token requests if no HTTPClient has a
// Transport. Use it as the base of your own Transport. It closes idle connections early, and tells
// a proxy's refusal apart from a request that was sent.
func DefaultTransport() http.RoundTripper { return ownTransport }

// ownTransport differs from http.DefaultTransport in how long it keeps idle connections: 5 s, not
// 90. A server that closes one just as a POST goes out is the commonest way to lose a response, and
// with it a login.
var ownTransport http.RoundTripper = &http.Transport{
	Proxy:                  http.ProxyFromEnvironment,
	DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
	ForceAttemptHTTP2:      true,
	MaxIdleConns:           100,
	IdleConnTimeout:        5 * time.Second,
	TLSHandshakeTimeout:    10 * time.Second,
	ExpectContinueTimeout:  time.Second,
	OnProxyConnectResponse: checkProxy,
}
