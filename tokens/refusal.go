package tokens

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/contentstack/csoauth"
)

// A refusal is what the token endpoint said when it refused a refresh token. It stands in the
// record, so that no process sends that token again for a while (law M7).
type refusal struct {
	RefreshToken []byte `json:"refresh_token_sha256"` // SHA-256
	Status       int    `json:"status"`
	Code         string `json:"code,omitempty"`
	Description  string `json:"description,omitempty"`
	AtMS         int64  `json:"at_ms"` // Unix time
}

// believedFor is how long a refused refresh token is not sent again.
const believedFor = 15 * time.Minute

// newRefusal returns the refusal that err reports, now. It keeps only what an [*csoauth.Error]
// says, whose texts repeat no secret.
func newRefusal(refreshToken string, err error, now time.Time) *refusal {
	r := &refusal{RefreshToken: hashOf(refreshToken), AtMS: now.UnixMilli()}
	var said *csoauth.Error
	if errors.As(err, &said) {
		r.Status, r.Code, r.Description = said.StatusCode, clean(said.Code), clean(said.Description)
	}
	return r
}

// standsFor returns how long a record's refusal is still believed. A time in the future says that a
// clock was wrong, and nothing else.
func (r *record) standsFor(now time.Time) time.Duration {
	if r.refusal == nil || !bytes.Equal(r.refusal.RefreshToken, hashOf(r.token.RefreshToken)) {
		return 0
	}
	age := now.Sub(time.UnixMilli(r.refusal.AtMS))
	if age < 0 {
		return 0
	}
	return max(0, believedFor-age)
}

// err is what callers get. Another program may have written the texts.
func (r *refusal) err() error {
	return fmt.Errorf("%w (it was refused at %s)", &csoauth.Error{
		Op:          "refresh",
		StatusCode:  r.Status,
		Code:        clean(r.Code),
		Description: clean(r.Description),
		Verdict:     csoauth.VerdictLoginOver,
	}, time.UnixMilli(r.AtMS).UTC().Format("15:04:05 MST"))
}

// shortHash returns the first 8 bytes of SHA-256, and 0 for no token.
func shortHash(refreshToken string) uint64 {
	if refreshToken == "" {
		return 0
	}
	return binary.BigEndian.Uint64(hashOf(refreshToken))
}

func hashOf(refreshToken string) []byte {
	sum := sha256.Sum256([]byte(refreshToken))
	return sum[:]
}

// clean returns the printable characters among the first 128 bytes of s.
func clean(s string) string {
	s = s[:min(len(s), 128)]
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}
