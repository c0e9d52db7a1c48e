package csoauth

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// introspectPath is where Contentstack's OAuth document says whether a token is active:
// https://www.contentstack.com/docs/developer-hub/contentstack-oauth
const introspectPath = "/apps-api/introspect"

// An Introspection is Contentstack's information about an access token.
type Introspection struct {
	Active bool
	Scopes []string  // of the token; nil if the response does not list them
	Expiry time.Time // zero if the response does not say
}

// Introspect asks Contentstack whether t's access token is active, and which scopes it has. It asks
// the region of t, and only about the access token.
//
// Contentstack does not document whether this needs the app's credentials. The first request has no
// credentials. If the response refuses the client, a second request has the client ID, and the
// client secret if the Config has one.
//
// The error is an [*Error] if the response does not say whether the token is active, such as a 404.
// Nothing is known about the token then.
func (c *Config) Introspect(ctx context.Context, t *Token) (*Introspection, error) {
	if t == nil || t.AccessToken == "" {
		return nil, inputError("introspect", "there is no access token")
	}
	row, err := c.EndpointsFor(t)
	if err != nil {
		return nil, err
	}
	response, err := c.introspect(ctx, row, t, false)
	if err == nil && response.wantsTheClient() {
		response, err = c.introspect(ctx, row, t, true)
	}
	if err != nil {
		return nil, err
	}
	return response.introspection()
}

// introspect asks once, with the client's credentials or without.
func (c *Config) introspect(ctx context.Context, row Endpoints, t *Token, withClient bool) (*tokenResponse, error) {
	r := &tokenRequest{op: "introspect", url: strings.TrimSuffix(row.App, "/") + introspectPath, other: t.RefreshToken}
	r.set("token", t.AccessToken)
	r.set("token_type_hint", "access_token")
	if withClient {
		r.set("client_id", c.ClientID)
		if c.ClientSecret != "" {
			r.set("client_secret", c.ClientSecret)
		}
	}
	return c.post(ctx, r)
}

// wantsTheClient reports whether the response refuses a request because it does not say who sends
// it.
func (r *tokenResponse) wantsTheClient() bool {
	switch {
	case r.refusal == nil:
		return false
	case r.resp.StatusCode == http.StatusUnauthorized:
		return true
	}
	return r.resp.StatusCode == http.StatusBadRequest && r.refusal.verdict() == VerdictOperator
}

// introspection reads the response of introspection (RFC 7662, section 2.2).
func (r *tokenResponse) introspection() (*Introspection, error) {
	if r.refusal != nil {
		return nil, r.refusal
	}
	var said struct {
		Active json.RawMessage `json:"active"`
		Scope  json.RawMessage `json:"scope"` // a string, as documented; or perhaps an array
		Exp    float64         `json:"exp"`
	}
	_ = unmarshalTolerant(r.body, &said) // it was read before
	active := string(said.Active)
	if active != "true" && active != "false" {
		return nil, r.refuse("the response does not say whether the token is active")
	}
	i := &Introspection{Active: active == "true"}
	var one *string // nil: null, which does not tell
	if err := json.Unmarshal(said.Scope, &one); err == nil && one != nil {
		i.Scopes = strings.Fields(*one)
	} else if err != nil {
		_ = json.Unmarshal(said.Scope, &i.Scopes) // neither: the response does not tell
	}
	if said.Exp > 0 && said.Exp < maxUnix {
		i.Expiry = time.Unix(int64(said.Exp), 0)
	}
	return i, nil
}

// maxUnix is the end of the year 9999 in Unix time.
const maxUnix = 253402300800
