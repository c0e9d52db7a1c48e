package csoauth

import (
	"net/http"
	"testing"

	"github.com/contentstack/csoauth/internal/untrusted"
)

// ReadRecordAs reads a stored Token as a csoauth would whose current version is the given one.
func ReadRecordAs(version int, data []byte) error {
	return unmarshalRecord(data, recordHead{tokenKind, version}, new(tokenRecord))
}

// OwnTransport is what sends token requests if a Config has no HTTPClient.
var OwnTransport = ownTransport

// UseOwnTransport puts another in the place of OwnTransport until t ends.
func UseOwnTransport(t testing.TB, other http.RoundTripper) {
	before := ownTransport
	ownTransport = other
	t.Cleanup(func() { ownTransport = before })
}

// WithoutTerms returns a copy of t as if it came from elsewhere.
func (t *Token) WithoutTerms() *Token {
	c := *t
	c.terms = terms{}
	return &c
}

// Clean returns text as an error shows it.
func Clean(text string, secrets ...string) string {
	return untrusted.Clean(text, untrusted.MaxDescription, secrets, nil)
}
