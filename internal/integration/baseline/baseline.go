package main

import (
	"encoding/json"
	"errors"
	"time"
	"unique"

	"github.com/contentstack/csoauth"
)

// stored is the form of a record, as far as it is needed for a token.
type stored struct {
	Kind       string
	Version    int
	Login      uint64 `json:",string"`
	Seq        int64
	LifetimeMS int64  `json:"lifetime_ms"`
	First      uint64 `json:",string"`
	Token      struct {
		Kind            string
		Version         int
		AccessToken     string `json:"access_token"`
		RefreshToken    string `json:"refresh_token"`
		TokenType       string `json:"token_type"`
		Expiry          time.Time
		OrganizationUID string `json:"organization_uid"`
		UserUID         string `json:"user_uid"`
		ClientID        string `json:"client_id"`
		RedirectURI     string `json:"redirect_uri"`
		Region          string
	}
}

// bareDecode returns the token of a record that is valid.
func bareDecode(record []byte) (*csoauth.Token, error) {
	var r stored
	if err := json.Unmarshal(record, &r); err != nil {
		return nil, err
	}
	t := &csoauth.Token{
		AccessToken: r.Token.AccessToken, RefreshToken: r.Token.RefreshToken, TokenType: "Bearer", Expiry: r.Token.Expiry,
		OrganizationUID: shared(r.Token.OrganizationUID), UserUID: r.Token.UserUID,
		ClientID: shared(r.Token.ClientID), RedirectURI: shared(r.Token.RedirectURI),
	}
	if !t.Valid() {
		return nil, errors.New("the bare limit has read no valid token")
	}
	return t, nil
}

// shared returns the same string for all users.
func shared(s string) string { return unique.Make(s).Value() }
