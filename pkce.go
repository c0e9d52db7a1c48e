package csoauth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

// A ChallengeMethod says how to make the code challenge from the verifier (RFC 7636, section 4.2).
type ChallengeMethod string

const (
	// S256 sends the base64url-encoded SHA-256 of the verifier. The zero ChallengeMethod means
	// S256.
	S256 ChallengeMethod = "S256"
	// Plain sends the verifier itself, so the authorize URL contains it. RFC 7636 allows it only to
	// clients that cannot compute SHA-256. Use it only with a server that requires it.
	Plain ChallengeMethod = "plain"
)

// orDefault turns the zero method into S256.
func (m ChallengeMethod) orDefault() ChallengeMethod {
	if m == "" {
		return S256
	}
	return m
}

func (m ChallengeMethod) check() error {
	switch m.orDefault() {
	case S256, Plain:
		return nil
	}
	return fmt.Errorf("unknown challenge method %s: want %q, %q, or empty for %[2]q", quote(string(m)), S256, Plain)
}

// A Verifier is a PKCE code verifier (RFC 7636, section 4.1). This secret proves that the app that
// redeems a code is the app that began the login. It prints as REDACTED, and does not marshal as
// text or JSON. string(v) is its value.
type Verifier string

const (
	minVerifierLen = 43
	maxVerifierLen = 128
	secretBytes    = 32 // of randomness in a verifier and in a state; RFC 7636, section 7.1 recommends 256 bits
	secretLen      = 43 // of secretBytes in base64url without padding
)

// NewVerifier returns a fresh verifier: 32 bytes from crypto/rand as 43 base64url characters. Each
// attempt to log in needs its own. [Config.NewAuthRequest] makes one for you.
func NewVerifier() Verifier { return Verifier(randomText()) }

// randomText returns 32 random bytes in base64url, the form of a verifier and of a state.
func randomText() string {
	var bytes [secretBytes]byte
	rand.Read(bytes[:]) // never fails: crypto/rand ends the program instead
	var text [secretLen]byte
	base64.RawURLEncoding.Encode(text[:], bytes[:])
	return string(text[:])
}

// ParseVerifier checks that s can be a verifier: 43 to 128 characters, each a letter, a digit or
// one of - . _ ~ (RFC 7636, section 4.1). The error says which rule s breaks. It never contains s.
func ParseVerifier(s string) (Verifier, error) {
	if err := checkVerifier(s); err != nil {
		return "", fmt.Errorf("csoauth: verifier: %w", err)
	}
	return Verifier(s), nil
}

func checkVerifier(s string) error {
	if s == redacted {
		return fmt.Errorf("this is the text %q that a Verifier prints as; store string(v) instead", redacted)
	}
	for i := 0; i < len(s); i++ {
		if !isUnreserved(s[i]) {
			return fmt.Errorf("the character at offset %d is not one of A-Z a-z 0-9 - . _ ~ (RFC 7636, 4.1)", i)
		}
	}
	if len(s) < minVerifierLen || len(s) > maxVerifierLen {
		return fmt.Errorf("%d characters, want %d to %d (RFC 7636, 4.1)", len(s), minVerifierLen, maxVerifierLen)
	}
	return nil
}

// Challenge returns the code challenge of v. For S256 and the zero method it has 43 characters. For
// Plain it is v itself, and as secret as v. Any other method counts as S256, so only Plain ever
// sends the verifier.
func (v Verifier) Challenge(m ChallengeMethod) string {
	if m == Plain {
		return string(v)
	}
	bytes := append(make([]byte, 0, maxVerifierLen), v...) // on the stack, where a conversion would not fit
	sum := sha256.Sum256(bytes)
	var text [secretLen]byte
	base64.RawURLEncoding.Encode(text[:], sum[:])
	return string(text[:])
}

// MarshalText always fails, so that no verifier gets into JSON, YAML or a log by accident. Store
// string(v), sealed. Do not use a Verifier as the key of a map: encoding/json does not call
// MarshalText for keys of a string type, and writes them in clear.
func (v Verifier) MarshalText() ([]byte, error) {
	return nil, errors.New("csoauth: a Verifier is a secret and does not marshal: store string(v), sealed, and read it back with ParseVerifier")
}
