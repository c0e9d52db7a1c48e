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
	"strconv"
	"time"
)

const (
	defaultTimeout = 30 * time.Second // of one try, to the end of its answer
	maxAnswer      = 1 << 20          // bytes; real answers have some hundred
	maxTries       = 3
	retryWindow    = 10 * time.Second // from the first try to the start of the last
)

// A tokenRequest is one POST to the token endpoint.
type tokenRequest struct {
	op      string    // "exchange" or "refresh", for errors
	url     string    // of the token endpoint
	until   time.Time // no try begins after it; zero: no such limit
	form    []byte
	secrets []string  // values that must not come back in an error
	sent    time.Time // when the try began that was answered
}

func (r *tokenRequest) set(name, value string) {
	if r.form == nil {
		r.form = make([]byte, 0, 512) // most forms fit
	}
	r.form = appendParam(r.form, name, value)
}

func (r *tokenRequest) setSecret(name, value string) {
	r.set(name, value)
	r.hide(value)
}

// hide keeps a secret that is not sent out of errors, too.
func (r *tokenRequest) hide(secret string) { r.secrets = append(r.secrets, secret) }

// post sends the request and returns its answer, or an error if there is none. It sends it again, at most twice and
// within 10 seconds, if the server surely did not process it: nobody was reached, or it said to come back (429 and 503
// with Retry-After). In all other cases it may have been processed, and a second one could end the login.
func (c *Config) post(ctx context.Context, r *tokenRequest) (*tokenAnswer, error) {
	if err := checkEndpoint(r.url); err != nil {
		return nil, notSentError{inputError(r.op, "token endpoint: %w", err)}
	}
	first := time.Now()
	for try := 1; ; try++ {
		r.sent = time.Now()
		answer, err := c.try(ctx, r)
		wait, again := notProcessed(answer, err)
		if !again || try == maxTries {
			return answer, err
		}
		if wait == 0 {
			wait = backoff(try)
		}
		next := time.Now().Add(wait)
		if deadline, ok := ctx.Deadline(); next.Sub(first) > retryWindow || ok && !next.Before(deadline) || r.tooLate(next) {
			return answer, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			if err == nil {
				err = answer.refusal
			}
			return nil, fmt.Errorf("%w; then, waiting to try again: %w", err, context.Cause(ctx))
		}
	}
}

func (r *tokenRequest) tooLate(t time.Time) bool { return !r.until.IsZero() && t.After(r.until) }

// try sends the request once. It goes to the RoundTripper directly: an http.Client would add redirects, which carry
// the secrets elsewhere, and cookies.
func (c *Config) try(ctx context.Context, r *tokenRequest) (*tokenAnswer, error) {
	transport, timeout := c.transport()
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, noAnswerError(timeout))
		defer cancel()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(r.form))
	if err != nil {
		return nil, inputError(r.op, "token endpoint: %s", parseCause(err))
	}
	// With GetBody, HTTP/2 in net/http sends a POST again that the server had read whole and then reset.
	req.GetBody = nil
	req.Header["Content-Type"] = []string{"application/x-www-form-urlencoded"}
	req.Header["Accept"] = []string{"application/json"}
	resp, err := transport.RoundTrip(req)
	if err == nil && resp == nil {
		err = errors.New("the HTTPClient's Transport returned neither an answer nor an error")
	}
	if err != nil {
		return nil, r.failed(ctx, err)
	}
	if resp.Body == nil {
		resp.Body = http.NoBody // a RoundTripper of a test may leave it out
	}
	defer resp.Body.Close()
	body, broke := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if answer := readAnswer(r, resp, body, broke); answer != nil {
		return answer, nil
	}
	return nil, r.failed(ctx, fmt.Errorf("the answer broke off: %w", broke))
}

// failed is the error of a try without an answer.
func (r *tokenRequest) failed(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	text := "csoauth: " + r.op + ": POST " + r.url + ": " + clean(err.Error(), maxDescription, r.secrets)
	return &transportError{text: text, cause: func() error { return err }}
}

// noAnswerError is a context.DeadlineExceeded that says whose deadline it was.
type noAnswerError time.Duration

func (e noAnswerError) Error() string {
	return fmt.Sprintf("no whole answer within %v", time.Duration(e))
}
func (e noAnswerError) Is(t error) bool { return t == context.DeadlineExceeded }
func (e noAnswerError) Timeout() bool   { return true }
func (e noAnswerError) Temporary() bool { return true }

// notProcessed tells whether a try surely was not processed, and how long to wait before the next; 0 leaves that to
// backoff. An answer with a refresh token was processed, whatever its status says.
func notProcessed(answer *tokenAnswer, err error) (wait time.Duration, surely bool) {
	if err == nil {
		e := answer.refusal
		surely = e != nil && e.saidWhen && answer.RefreshToken == "" && (e.StatusCode == http.StatusTooManyRequests || e.StatusCode == http.StatusServiceUnavailable)
		if surely {
			wait = e.RetryAfter
		}
		return wait, surely
	}
	return 0, neverConnected(err) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// neverConnected tells whether a try failed before there was a connection to send anything over.
func neverConnected(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect")
}

// backoff is 250 ms, then 1 s, each with up to as much again, so that many clients do not return together.
func backoff(try int) time.Duration {
	base := 250 * time.Millisecond << (2 * (try - 1))
	return base + rand.N(base)
}

// parseRetryAfter reads seconds or a date (RFC 9110, section 10.2.3).
func parseRetryAfter(value string, now time.Time) (wait time.Duration, ok bool) {
	if seconds, err := strconv.Atoi(value); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, 24*60*60)) * time.Second, true
	}
	if date, err := http.ParseTime(value); err == nil {
		return min(max(0, date.Sub(now)), 24*time.Hour), true
	}
	return 0, false
}

// transport returns what sends token requests, and the timeout of one.
func (c *Config) transport() (http.RoundTripper, time.Duration) {
	switch {
	case c.HTTPClient == nil:
		return ownTransport, defaultTimeout
	case c.HTTPClient.Transport == nil:
		return ownTransport, c.HTTPClient.Timeout
	}
	return c.HTTPClient.Transport, c.HTTPClient.Timeout
}

// ownTransport differs from http.DefaultTransport in how long it keeps idle connections: 5 s, not 90. A server that
// closes one just as a POST goes out is the commonest way to lose an answer, and with it a login.
var ownTransport http.RoundTripper = &http.Transport{
	Proxy:                 http.ProxyFromEnvironment,
	DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
	ForceAttemptHTTP2:     true,
	MaxIdleConns:          100,
	IdleConnTimeout:       5 * time.Second,
	TLSHandshakeTimeout:   10 * time.Second,
	ExpectContinueTimeout: time.Second,
}
