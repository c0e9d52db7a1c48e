package csoauth

import (
	"crypto/subtle"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/contentstack/csoauth/internal/untrusted"
)

// callbackParams are the parameters of a callback that mean something and so must not be repeated.
// Any other may come any number of times: servers add their own.
var callbackParams = []string{"code", "error", "error_description", "location", "region"}

// callbackParameter reports whether a callback brings name itself, so that a redirect URI cannot
// have it in its query.
func callbackParameter(name string) bool {
	return name == "state" || slices.Contains(callbackParams, name)
}

// maxQuery and maxCallbackCode are bytes. Anyone can make a browser bring any callback; what
// Contentstack sends has some hundred bytes.
const (
	maxQuery        = 8 << 10
	maxCallbackCode = 4 << 10
)

// ParseCallback parses the raw query of a callback for [Config.Exchange]: the r.URL.RawQuery of its
// request. It returns [ErrState] for a query over 8 KiB, and for a query that does not parse
// completely. [net/url.URL.Query] silently drops the parts that it cannot read, so it would take
// "error=a;b&code=c" for a success.
func ParseCallback(rawQuery string) (url.Values, error) {
	if len(rawQuery) > maxQuery {
		return nil, fmt.Errorf("csoauth: authorize: %w: the callback's query has %d bytes, at most %d are read", ErrState, len(rawQuery), maxQuery)
	}
	values, err := url.ParseQuery(rawQuery)
	if err != nil { // its text repeats a part of the query
		return nil, fmt.Errorf("csoauth: authorize: %w: the callback's query does not parse: it has a semicolon, or a %% without two hexadecimal digits", ErrState)
	}
	return values, nil
}

// A callbackCode is what a callback that passed all checks brings.
type callbackCode struct {
	code   string
	region Region // where to redeem the code
}

// checkCallback checks a callback against its attempt. The order matters: it reads nothing else
// before state proves that the callback belongs to the attempt. So a forged callback can neither
// end the attempt nor learn about it. now is the time before any check.
func (c *Config) checkCallback(r *AuthRequest, callback url.Values, now time.Time) (callbackCode, error) {
	if err := checkState(r, callback["state"]); err != nil {
		return callbackCode{}, err
	}
	if !now.Before(r.Expires) {
		return callbackCode{}, fmt.Errorf("csoauth: authorize: %w: the callback came %v after the attempt ended",
			ErrAttemptExpired, now.Sub(r.Expires).Round(time.Second))
	}
	if size := sizeOf(callback); size > maxQuery {
		return callbackCode{}, inputError("authorize", "the callback has %d bytes, at most %d are read", size, maxQuery)
	}
	for _, name := range callbackParams {
		if n := len(callback[name]); n > 1 {
			return callbackCode{}, inputError("authorize", "the callback has %s %d times", name, n)
		}
	}
	region, err := c.callbackRegion(callback.Get("location"), callback.Get("region"))
	if err != nil {
		return callbackCode{}, err
	}
	if callback.Has("error") {
		return callbackCode{}, c.refusal(r, callback)
	}
	code := callback.Get("code")
	if code == "" {
		return callbackCode{}, inputError("authorize", "the callback has neither a code nor an error")
	}
	if err := checkCode(code); err != nil {
		return callbackCode{}, inputError("authorize", "the callback's code %w", err)
	}
	return callbackCode{code, region}, nil
}

func checkCode(code string) error {
	if len(code) > maxCallbackCode {
		return fmt.Errorf("has %d bytes, at most %d are taken", len(code), maxCallbackCode)
	}
	return nil
}

// sizeOf returns the bytes of all names and values, as they are unescaped.
func sizeOf(callback url.Values) (size int) {
	for name, values := range callback {
		for _, value := range values {
			size += len(name) + len(value)
		}
	}
	return size
}

// checkState proves that a callback with these values of state belongs to r, in a time that does
// not tell how much of a wrong state was right.
func checkState(r *AuthRequest, states []string) error {
	switch {
	case r == nil:
		return fmt.Errorf("csoauth: authorize: %w: no attempt is known for this callback", ErrState)
	case r.State == "":
		return fmt.Errorf("csoauth: authorize: %w: the attempt has no state of its own", ErrState)
	case len(states) != 1:
		return fmt.Errorf("csoauth: authorize: %w: the callback has state %d times, want once", ErrState, len(states))
	case subtle.ConstantTimeCompare([]byte(states[0]), []byte(r.State)) != 1:
		return fmt.Errorf("csoauth: authorize: %w: the callback belongs to another attempt, or is forged", ErrState)
	}
	return nil
}

// callbackRegion picks the region to redeem a code in. Both values come through the browser: they
// choose among the regions that this Config knows, and anything else in them is ignored.
func (c *Config) callbackRegion(location, region string) (Region, error) {
	if c.IgnoreCallbackRegion {
		return c.Region, nil
	}
	fromLocation, knownLocation := c.knownRegion(location)
	fromRegion, knownRegion := c.knownRegion(region)
	switch {
	case knownLocation && knownRegion && fromLocation != fromRegion:
		return NA, inputError("authorize", "the callback's location is %v, but its region is %v: they must agree", fromLocation, fromRegion)
	case knownLocation:
		return fromLocation, nil
	case knownRegion:
		return fromRegion, nil
	}
	return c.Region, nil
}

// refusal returns the error that a callback reports (RFC 6749, section 4.1.2.1). Contentstack
// documents no form of this error. Its own clients expect the standard form.
func (c *Config) refusal(r *AuthRequest, callback url.Values) error {
	secrets := []string{r.State, string(r.Verifier), callback.Get("code")}
	open := []string{r.ClientID, r.RedirectURI}
	e := &Error{
		Op:          "authorize",
		Code:        untrusted.Clean(callback.Get("error"), untrusted.MaxCode, secrets, open),
		Description: untrusted.Clean(callback.Get("error_description"), untrusted.MaxDescription, secrets, open),
	}
	if e.Code == "" && e.Description == "" {
		e.Description = "the callback reports an error without naming it"
	}
	return e
}
