package csapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/bearer"
	"github.com/contentstack/csoauth/internal/untrusted"
)

// maxTries is how often a request is sent at most, besides once more after a 401.
const maxTries = 5

// A plan makes a request for a token. It is asked anew for each try, because a try after a 401 has
// another token, which may be of another region or organization.
type plan struct {
	request    func(t *csoauth.Token) (*http.Request, error)
	repeatable bool // its body can be sent again
}

// A reply is the response to a request, and the token that it was sent with.
type reply struct {
	*http.Response
	token *csoauth.Token
	again time.Duration // when to try again, if the response asks for that
	over  error         // the Source says that only a new login helps
}

// send sends a request, and sends it again where that is safe: with another token after a 401;
// after a pause if there were too many (429); and after another one if a GET or HEAD got 408 or
// 5xx.
func (c *Client) send(ctx context.Context, p plan) (*reply, error) {
	t, err := c.token(ctx)
	if err != nil {
		return nil, err
	}
	replaced := false
	for try := 1; ; try++ {
		pace := c.paces.at(t.OrganizationUID)
		period, waited, err := pace.wait(ctx)
		if err == nil && waited { // long enough, perhaps, for another token
			t, err = c.token(ctx)
		}
		if err != nil {
			return nil, err
		}
		req, err := p.request(t)
		if err != nil {
			return nil, err
		}
		resp, err := c.base.RoundTrip(req)
		if err == nil && resp == nil {
			err = errors.New("the transport returned neither a response nor an error")
		}
		if err != nil {
			return nil, withoutToken(err, t.AccessToken)
		}
		got := &reply{Response: resp, token: t}
		if resp.StatusCode != http.StatusTooManyRequests {
			pace.went()
		}
		switch {
		case resp.StatusCode == http.StatusUnauthorized && !replaced && bearer.Judge(resp) != bearer.NotTheToken:
			replaced = true
			better, err := c.better(ctx, t)
			got.over = err
			if err != nil || better == nil || !p.repeatable {
				return got, nil
			}
			bearer.Drain(resp)
			t = better
			try-- // it is no failure of the service's
		case resp.StatusCode == http.StatusTooManyRequests:
			wait := retryAfter(resp.Header)
			got.again = wait
			if wait == 0 {
				wait = backoff(try, time.Second)
			}
			pace.limited(period, wait, limitOf(resp.Header))
			if try == maxTries || !p.repeatable || !reaches(ctx, wait) {
				got.again = wait
				return got, nil
			}
			bearer.Drain(resp)
		case isTrouble(resp.StatusCode) && (req.Method == http.MethodGet || req.Method == http.MethodHead):
			wait := retryAfter(resp.Header)
			got.again = wait
			if wait == 0 {
				wait = backoff(try, 250*time.Millisecond)
			}
			if try == maxTries || !p.repeatable || !reaches(ctx, wait) {
				return got, nil
			}
			bearer.Drain(resp)
			if err := sleep(ctx, wait); err != nil {
				return nil, err
			}
			if t, err = c.token(ctx); err != nil {
				return nil, err
			}
		default:
			got.again = retryAfter(resp.Header)
			return got, nil
		}
	}
}

// withoutToken returns err with a text that does not have the token in it: a RoundTripper may
// repeat what it was given. errors.Is and errors.As find what they would find in err.
func withoutToken(err error, accessToken string) error {
	text := err.Error()
	if clean := untrusted.Clean(text, untrusted.MaxDescription, []string{accessToken}, nil); clean != text {
		return &cleanError{clean, func() error { return err }}
	}
	return err
}

// A cleanError has another text than its cause. That is in a func, so that %+v does not print it.
type cleanError struct {
	text  string
	cause func() error
}

func (e *cleanError) Error() string        { return e.text }
func (e *cleanError) Is(target error) bool { return errors.Is(e.cause(), target) }
func (e *cleanError) As(target any) bool   { return errors.As(e.cause(), target) }

// isTrouble reports whether a status says that the service failed, and that a request a moment
// later may succeed.
func isTrouble(status int) bool {
	return status == http.StatusRequestTimeout || status >= 500 && status != http.StatusNotImplemented && status != http.StatusHTTPVersionNotSupported
}

// reaches reports whether a request may wait so long: to the context's deadline, and if it has
// none, for a minute.
func reaches(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	if !ok {
		return wait <= longestPause
	}
	return time.Now().Add(wait).Before(deadline)
}

// better returns another token than t, which an API has rejected, or nil if there is none now. The
// error is csoauth.ErrLoginRequired if there never will be one.
func (c *Client) better(ctx context.Context, t *csoauth.Token) (*csoauth.Token, error) {
	err := c.source.Invalidate(ctx, t.AccessToken)
	if err == nil {
		var next *csoauth.Token
		if next, err = c.token(ctx); err == nil && next.AccessToken != t.AccessToken {
			return next, nil
		}
	}
	if errors.Is(err, csoauth.ErrLoginRequired) {
		return nil, err
	}
	return nil, nil
}

// baseURL returns the base URL of a service in the region of t.
func (c *Client) baseURL(t *csoauth.Token, s Service) (string, error) {
	endpoints, err := c.config.EndpointsFor(t)
	if err != nil {
		return "", err
	}
	base := s.BaseURL(endpoints)
	if base == "" {
		return "", fmt.Errorf("csapi: the Config's Endpoints have no %v", s)
	}
	return trimSlash(base), nil
}
