package csoauth

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/contentstack/csoauth/internal/untrusted"
)

// What several files of the package do with texts of their own. What is done with texts from
// outside is in internal/untrusted.

// appendParam appends &name=value, or name=value if b is empty, to a query or a form.
func appendParam(b []byte, name, value string) []byte {
	if len(b) > 0 {
		b = append(b, '&')
	}
	b = appendEscaped(b, name)
	b = append(b, '=')
	return appendEscaped(b, value)
}

// appendEscaped percent-encodes all of s but RFC 3986's unreserved characters.
func appendEscaped(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	plain := 0 // where a run of unreserved characters begins
	for i := range len(s) {
		if c := s[i]; !isUnreserved(c) {
			b = append(b, s[plain:i]...)
			b = append(b, '%', hex[c>>4], hex[c&15])
			plain = i + 1
		}
	}
	return append(b, s[plain:]...)
}

// isUnreserved reports whether c is one of RFC 3986's unreserved characters, which are also those
// of a verifier.
func isUnreserved(c byte) bool { return unreserved[c] }

var unreserved = func() (table [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~") {
		table[c] = true
	}
	return table
}()

func isVisibleASCII(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// quote shows an unexpected value in an error: quoted, so that nothing in it can act on a terminal,
// and short.
func quote(s string) string {
	const most = 64
	if len(s) > most {
		return strconv.Quote(untrusted.Cut(s, most)) + "…"
	}
	return strconv.Quote(s)
}

// statusText returns an HTTP status as it stands in a response, such as "404 Not Found".
func statusText(status int) string {
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}
