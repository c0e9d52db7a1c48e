package csoauth

import (
	"crypto/subtle"
	"fmt"
	"net/url"
	"time"
)

// callbackParams are the parameters of a callback that mean something and so must not be repeated. Any other may come
// any number of times: servers add their own.
var callbackParams = []string{"code", "error", "error_description", "location", "region"}

// callbackParameter tells whether a callback brings name itself, so that a redirect URI cannot have it in its query.
func callbackParameter(name string) bool {
	for _, p := range callbackParams {
		if name == p {
			return true
		}
	}
	return name == "state"
}

// A callbackAnswer is what a callback that passed all checks brings.
type callbackAnswer struct {
	code   string
	region Region // where to redeem the code
}

// checkCallback holds a callback against its attempt. The order matters: until state has proved that the callback
// belongs to the attempt, nothing else in it is looked at, so that a forged one can neither end the attempt nor learn
// about it. The time is taken before anything is decided.
func (c *Config) checkCallback(r *AuthRequest, callback url.Values, now time.Time) (callbackAnswer, error) {
	if err := checkState(r, callback["state"]); err != nil {
		return callbackAnswer{}, err
	}
	if !now.Before(r.Expires) {
		return callbackAnswer{}, fmt.Errorf("csoauth: authorize: %w: the callback came %v after the attempt ended",
			ErrAttemptExpired, now.Sub(r.Expires).Round(time.Second))
	}
	for _, name := range callbackParams {
		if n := len(callback[name]); n > 1 {
			return callbackAnswer{}, inputError("authorize", "the callback has %s %d times", name, n)
		}
	}
	region, err := c.callbackRegion(callback.Get("location"), callback.Get("region"))
	if err != nil {
		return callbackAnswer{}, err
	}
	if callback.Has("error") {
		return callbackAnswer{}, r.refusal(callback)
	}
	code := callback.Get("code")
	if code == "" {
		return callbackAnswer{}, inputError("authorize", "the callback has neither a code nor an error")
	}
	return callbackAnswer{code, region}, nil
}

// checkState proves that a callback with these values of state belongs to r, in a time that does not tell how much of
// a wrong state was right.
func checkState(r *AuthRequest, states []string) error {
	switch {
	case r == nil:
		return fmt.Errorf("csoauth: authorize: %w: no attempt is known for this callback", ErrState)
	case r.State == "":
		return fmt.Errorf("csoauth: authorize: %w: the attempt has no state of its own", ErrState)
	case len(states) != 1:
		return fmt.Errorf("csoauth: authorize: %w: the callback has state %d times, want once", ErrState, len(states))
	case subtle.ConstantTimeCompare([]byte(states[0]), []byte(r.State)) != 1:
		return fmt.Errorf("csoauth: authorize: %w: the callback is of another attempt, or forged", ErrState)
	}
	return nil
}

// callbackRegion picks the region to redeem a code in. Both values come through the browser: they choose among the
// regions that this Config knows, and anything else in them is ignored.
func (c *Config) callbackRegion(location, region string) (Region, error) {
	fromLocation, knownLocation := c.knownRegion(location)
	fromRegion, knownRegion := c.knownRegion(region)
	switch {
	case knownLocation && knownRegion && fromLocation != fromRegion:
		return NA, inputError("authorize", "the callback's location is %v and its region %v: they should agree", fromLocation, fromRegion)
	case knownLocation:
		return fromLocation, nil
	case knownRegion:
		return fromRegion, nil
	}
	return c.Region, nil
}

// knownRegion reads the name of a region that this Config has hosts for.
func (c *Config) knownRegion(name string) (Region, bool) {
	r, err := ParseRegion(name)
	if err != nil {
		return NA, false
	}
	_, err = c.endpoints(r)
	return r, err == nil
}

// refusal is the error that a callback reports (RFC 6749, section 4.1.2.1). Contentstack documents none; the standard
// form is what its own clients expect.
func (r *AuthRequest) refusal(callback url.Values) error {
	secrets := []string{r.State, string(r.Verifier), callback.Get("code")}
	e := &Error{
		Op:          "authorize",
		Code:        clean(callback.Get("error"), maxCode, secrets),
		Description: clean(callback.Get("error_description"), maxDescription, secrets),
	}
	if e.Code == "" && e.Description == "" {
		e.Description = "the callback reports an error without naming it"
	}
	if e.Code == "access_denied" {
		e.next = ErrDenied
	}
	return e
}
