// Package baseline has what a client of a store cannot leave out if it keeps tokens itself: it
// opens and decodes a value to use it, and encodes and seals the next one. Measurements compare
// package tokens with it.
package baseline

import (
	"encoding/json"
	"errors"
	"time"
	"unique"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/seal"
)

// A Record is what tokens stores for a key, as far as a token needs it.
type Record struct {
	Kind       string `json:"kind"`
	Version    int    `json:"version"`
	Login      uint64 `json:"login,string"`
	Seq        int64  `json:"seq"`
	LifetimeMS int64  `json:"lifetime_ms"`
	First      uint64 `json:"first,string"`
	Lease      string `json:"lease,omitempty"`
	LeaseMS    int64  `json:"lease_ms,omitempty"`
	Token      Token  `json:"token"`
}

// A Token is the stored form of a csoauth.Token, without its rarer members.
type Token struct {
	Kind            string    `json:"kind"`
	Version         int       `json:"version"`
	AccessToken     string    `json:"access_token"`
	RefreshToken    string    `json:"refresh_token"`
	TokenType       string    `json:"token_type"`
	Expiry          time.Time `json:"expiry"`
	Scopes          []string  `json:"scopes,omitempty"`
	OrganizationUID string    `json:"organization_uid"`
	UserUID         string    `json:"user_uid"`
	Location        string    `json:"location,omitempty"`
	ClientID        string    `json:"client_id"`
	RedirectURI     string    `json:"redirect_uri"`
	Region          string    `json:"region"`
}

// NewBox returns a Box for the values of tokens.Sealed with this key.
func NewBox(key []byte) (*seal.Box, error) { return seal.New("csoauth tokens", [][]byte{key}) }

// Open returns the record in the sealed value of key.
func Open(box *seal.Box, key string, sealed []byte) (r Record, err error) {
	plain, err := box.Open(sealed, []byte(key))
	if err == nil {
		err = json.Unmarshal(plain, &r)
	}
	return r, err
}

// Seal is the reverse of Open.
func Seal(box *seal.Box, key string, r Record) ([]byte, error) {
	plain, err := json.Marshal(r)
	return box.Seal(plain, []byte(key)), err
}

// Decode returns the token of a valid record. Strings that many users have in common are there
// once.
func Decode(record []byte) (*csoauth.Token, error) {
	var r Record
	if err := json.Unmarshal(record, &r); err != nil {
		return nil, err
	}
	t := r.Token.of()
	if !t.Valid() {
		return nil, errors.New("baseline: the record has no valid token")
	}
	return t, nil
}

func (t *Token) of() *csoauth.Token {
	return &csoauth.Token{
		AccessToken: t.AccessToken, RefreshToken: t.RefreshToken, TokenType: "Bearer", Expiry: t.Expiry,
		OrganizationUID: shared(t.OrganizationUID), UserUID: t.UserUID,
		ClientID: shared(t.ClientID), RedirectURI: shared(t.RedirectURI),
	}
}

// shared returns the same string for all users.
func shared(s string) string { return unique.Make(s).Value() }
