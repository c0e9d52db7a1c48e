package emulator

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
)

const maxForm = 64 << 10 // bytes; real forms have some hundred

// A breachError is what is wrong with a request by a Rule.
type breachError struct {
	rule *Rule
	text string
}

func (e *breachError) Error() string { return e.text }

func breach(rule *Rule, format string, args ...any) error {
	return &breachError{rule, fmt.Sprintf(format, args...)}
}

// brokenBy returns the Rule of a breach, and nil for another error.
func brokenBy(err error) *Rule {
	if breach, ok := errors.AsType[*breachError](err); ok {
		return breach.rule
	}
	return nil
}

// parseForm reads a request's form and refuses everything that a careful client does not send.
func parseForm(r *http.Request) (url.Values, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, breach(notFormEncoded, "Content-Type is %.60q, want application/x-www-form-urlencoded", r.Header.Get("Content-Type"))
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the body broke off")
	case len(body) > maxForm:
		return nil, breach(unreadableParameters, "the body is over %d bytes", maxForm)
	}
	return parseParams(string(body))
}

// parseParams parses a query or a form in which no parameter may occur twice (RFC 6749, sections
// 3.1 and 3.2); it then returns them all the same, to see whose they are. Its errors name
// parameters, never values.
func parseParams(encoded string) (url.Values, error) {
	values, err := url.ParseQuery(encoded)
	if err != nil {
		return nil, breach(unreadableParameters, "the parameters are not form-encoded")
	}
	for name, all := range values {
		if len(all) > 1 {
			return values, breach(repeatedParameter, "parameter %.40q occurs %d times (RFC 6749, 3.1)", name, len(all))
		}
	}
	return values, nil
}

// secretParams are parameters that hold a secret, under every name that the field has for it. A
// challenge and a state are none.
var secretParams = []string{
	"code_verifier", "client_secret", "refresh_token", "access_token", "token", "code", "authtoken", "id_token",
	"password", "assertion", "client_assertion",
}

// breaksInURL records that a request has parameters in its URL, against the rule that it may have
// none (nil: it may), and those that hold a secret.
func breaksInURL(r *http.Request, entry *entry, rule *Rule) (refused bool) {
	if rule != nil {
		refused = entry.breaks(rule)
	}
	params, _ := url.ParseQuery(r.URL.RawQuery) // what parses counts
	return breaksByParams(params, secretParams, entry) || refused
}

// breaksInAPIURL is breaksInURL for an API, of which a code may be a parameter that is no secret:
// that of a language or of a country.
func breaksInAPIURL(params url.Values, entry *entry) (refused bool) {
	return breaksByParams(params, slices.DeleteFunc(slices.Clone(secretParams), func(name string) bool { return name == "code" }), entry)
}

func breaksByParams(params url.Values, secrets []string, entry *entry) (refused bool) {
	for _, name := range secrets {
		if params.Has(name) && entry.breaks(secretInURL) {
			return true
		}
	}
	return false
}
