package csoauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// The stored form of a Token and of an AuthRequest is a JSON object that names its kind and its
// version. A change that an older csoauth would misread raises the version of that kind; records of
// older versions stay readable for good, which the files in testdata/records show.
const (
	tokenKind          = "csoauth.Token"
	tokenVersion       = 1
	authRequestKind    = "csoauth.AuthRequest"
	authRequestVersion = 1
)

// recordHead begins every record.
type recordHead struct {
	Kind    string `json:"kind"`
	Version int    `json:"version"`
}

func (h recordHead) head() recordHead { return h }

type tokenRecord struct {
	recordHead
	AccessToken       string    `json:"access_token,omitempty"`
	RefreshToken      string    `json:"refresh_token,omitempty"`
	TokenType         string    `json:"token_type,omitempty"`
	Expiry            time.Time `json:"expiry,omitzero"`
	Scopes            []string  `json:"scopes,omitempty"`
	OrganizationUID   string    `json:"organization_uid,omitempty"`
	UserUID           string    `json:"user_uid,omitempty"`
	AuthorizationType string    `json:"authorization_type,omitempty"`
	StackAPIKey       string    `json:"stack_api_key,omitempty"`
	Location          string    `json:"location,omitempty"`
	ClientID          string    `json:"client_id,omitempty"`
	RedirectURI       string    `json:"redirect_uri,omitempty"`
	App               string    `json:"app,omitempty"`
	Region            Region    `json:"region"`
	SecretSent        *bool     `json:"secret_sent,omitempty"` // nil: unknown
}

// MarshalBinary returns the stored form of t, including its secrets. Seal it, or store it where
// only your program can read it. It fails if a string is not valid UTF-8, which cannot come from a
// response.
func (t Token) MarshalBinary() ([]byte, error) {
	r := tokenRecord{
		recordHead:        recordHead{tokenKind, tokenVersion},
		AccessToken:       t.AccessToken,
		RefreshToken:      t.RefreshToken,
		TokenType:         t.TokenType,
		Expiry:            t.Expiry.UTC(),
		Scopes:            t.Scopes,
		OrganizationUID:   t.OrganizationUID,
		UserUID:           t.UserUID,
		AuthorizationType: t.AuthorizationType,
		StackAPIKey:       t.StackAPIKey,
		Location:          t.Location,
		ClientID:          t.ClientID,
		RedirectURI:       t.RedirectURI,
		App:               t.terms.app,
		Region:            t.terms.region,
	}
	if t.terms.secret != secretUnknown {
		sent := t.terms.secret == secretSent
		r.SecretSent = &sent
	}
	return marshalRecord(tokenKind, r, append(slices.Clone(t.Scopes), t.AccessToken, t.RefreshToken, t.TokenType, t.OrganizationUID,
		t.UserUID, t.AuthorizationType, t.StackAPIKey, t.Location, t.ClientID, t.RedirectURI, t.terms.app))
}

// UnmarshalBinary reads what MarshalBinary of this or an older version wrote. It refuses the format
// of a newer version. On an error, t is unchanged. Errors contain no secrets.
func (t *Token) UnmarshalBinary(data []byte) error {
	var r tokenRecord
	if err := unmarshalRecord(data, recordHead{tokenKind, tokenVersion}, &r); err != nil {
		return err
	}
	read := Token{
		AccessToken:       r.AccessToken,
		RefreshToken:      r.RefreshToken,
		TokenType:         r.TokenType,
		Expiry:            r.Expiry.UTC(),
		Scopes:            nilIfEmpty(r.Scopes),
		OrganizationUID:   r.OrganizationUID,
		UserUID:           r.UserUID,
		AuthorizationType: r.AuthorizationType,
		StackAPIKey:       r.StackAPIKey,
		Location:          r.Location,
		ClientID:          r.ClientID,
		RedirectURI:       r.RedirectURI,
		terms:             terms{app: r.App, region: r.Region},
	}
	if r.SecretSent != nil {
		read.terms.secret = secretUsed(*r.SecretSent)
	}
	*t = read
	return nil
}

type authRequestRecord struct {
	recordHead
	ClientID        string            `json:"client_id"`
	State           string            `json:"state"`
	RedirectURI     string            `json:"redirect_uri"`
	Verifier        string            `json:"verifier"`
	ChallengeMethod ChallengeMethod   `json:"challenge_method"`
	OmitMethod      bool              `json:"omit_method,omitempty"`
	Scopes          []string          `json:"scopes,omitempty"`
	Params          map[string]string `json:"params,omitempty"`
	OrganizationUID string            `json:"organization_uid,omitempty"`
	Expires         time.Time         `json:"expires"`
}

// MarshalBinary returns the stored form of r, including its state and verifier. Seal it, or store
// it where only the server can read it. encoding/gob calls it, and so do the many session packages
// that use gob.
func (r AuthRequest) MarshalBinary() ([]byte, error) {
	texts := append(slices.Clone(r.Scopes), r.ClientID, r.State, r.RedirectURI, string(r.Verifier), string(r.ChallengeMethod), r.OrganizationUID)
	for name, value := range r.Params {
		texts = append(texts, name, value)
	}
	return marshalRecord(authRequestKind, authRequestRecord{
		recordHead:      recordHead{authRequestKind, authRequestVersion},
		ClientID:        r.ClientID,
		State:           r.State,
		RedirectURI:     r.RedirectURI,
		Verifier:        string(r.Verifier),
		ChallengeMethod: r.ChallengeMethod.orDefault(),
		OmitMethod:      r.OmitMethod,
		Scopes:          r.Scopes,
		Params:          r.Params,
		OrganizationUID: r.OrganizationUID,
		Expires:         r.Expires.UTC(),
	}, texts)
}

// UnmarshalBinary reads what MarshalBinary of this or an older version wrote, and checks that it is
// a valid attempt. It refuses the format of a newer version. On an error, r is unchanged. Errors
// contain no secrets.
func (r *AuthRequest) UnmarshalBinary(data []byte) error {
	var rec authRequestRecord
	if err := unmarshalRecord(data, recordHead{authRequestKind, authRequestVersion}, &rec); err != nil {
		return err
	}
	if err := checkVerifier(rec.Verifier); err != nil {
		return recordError(authRequestKind, fmt.Errorf("verifier: %w", err))
	}
	if err := rec.ChallengeMethod.check(); err != nil {
		return recordError(authRequestKind, err)
	}
	if rec.OmitMethod && rec.ChallengeMethod.orDefault() != Plain {
		return recordError(authRequestKind, errors.New("omit_method is set, but the method is not plain"))
	}
	if len(rec.Params) == 0 {
		rec.Params = nil
	}
	if rec.ClientID == "" || rec.State == "" || rec.RedirectURI == "" || rec.Expires.IsZero() {
		return recordError(authRequestKind, errors.New("client_id, state, redirect_uri or expires is missing"))
	}
	*r = AuthRequest{
		ClientID:        rec.ClientID,
		State:           rec.State,
		RedirectURI:     rec.RedirectURI,
		Verifier:        Verifier(rec.Verifier),
		ChallengeMethod: rec.ChallengeMethod.orDefault(),
		OmitMethod:      rec.OmitMethod,
		Scopes:          nilIfEmpty(rec.Scopes),
		Params:          rec.Params,
		OrganizationUID: rec.OrganizationUID,
		Expires:         rec.Expires.UTC(),
		used:            new(atomic.Bool),
	}
	return nil
}

// marshalRecord refuses what encoding/json would change.
func marshalRecord(kind string, record any, texts []string) ([]byte, error) {
	for _, s := range texts {
		if !utf8.ValidString(s) {
			return nil, recordError(kind, errors.New("a string is not valid UTF-8, so it would not be read back unchanged"))
		}
	}
	data, err := json.Marshal(record)
	if err != nil {
		return nil, recordError(kind, err)
	}
	return data, nil
}

// unmarshalRecord reads data into record if it is of the kind wanted, and of its version or an
// older one. A member that it cannot read may be a newer version's, which is told first.
func unmarshalRecord(data []byte, want recordHead, record interface{ head() recordHead }) error {
	err := json.Unmarshal(data, record)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) || !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return recordError(want.Kind, fmt.Errorf("%d bytes are not the JSON object that MarshalBinary writes", len(data)))
	}
	head := record.head()
	if err != nil {
		head = recordHead{}
		_ = json.Unmarshal(data, &head) // the member that failed may stand before the version
	}
	switch {
	case head.Kind != want.Kind:
		return recordError(want.Kind, fmt.Errorf("the record is of kind %s", quote(head.Kind)))
	case head.Version < 1:
		return recordError(want.Kind, fmt.Errorf("the record has version %d, but versions begin at 1", head.Version))
	case head.Version > want.Version:
		return recordError(want.Kind, fmt.Errorf("the record has version %d, but this csoauth reads at most version %d: update csoauth in all programs that read these records",
			head.Version, want.Version))
	case err != nil:
		return recordError(want.Kind, errors.New("a member of the record has the wrong type"))
	}
	return nil
}

func recordError(kind string, err error) error {
	return fmt.Errorf("csoauth: stored %s: %w", kind, err)
}

func nilIfEmpty(s []string) []string {
	if len(s) == 0 {
		return nil
	}
	return s
}
