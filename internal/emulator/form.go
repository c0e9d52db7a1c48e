package emulator

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
)

const maxForm = 64 << 10 // bytes; real forms have some hundred

// parseForm reads a request's form and refuses whatever a careful client does not send.
func parseForm(r *http.Request) (url.Values, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, fmt.Errorf("Content-Type is %.60q, want application/x-www-form-urlencoded", r.Header.Get("Content-Type"))
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the body broke off")
	case len(body) > maxForm:
		return nil, fmt.Errorf("the body is over %d bytes", maxForm)
	}
	return parseParams(string(body))
}

// parseParams parses a query or a form in which no parameter may occur twice (RFC 6749, sections
// 3.1 and 3.2). Its errors name parameters, never values.
func parseParams(encoded string) (url.Values, error) {
	values, err := url.ParseQuery(encoded)
	if err != nil {
		return nil, fmt.Errorf("the parameters are not form-encoded")
	}
	for name, all := range values {
		if len(all) > 1 {
			return nil, fmt.Errorf("parameter %.40q occurs %d times (RFC 6749, 3.1)", name, len(all))
		}
	}
	return values, nil
}
