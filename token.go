package csoauth

import (
	"cmp"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// earlyExpiry is how long before its expiry a token counts as expired, so that it does not end on
// its way to an API. x/oauth2 has the same.
const earlyExpiry = 10 * time.Second

// A Token gives access to one organization for one user, and can be refreshed. Contentstack's
// tokens are opaque, and access tokens live 60 minutes. A field is empty if the response did not
// have it.
//
// A Token is plain data. You may copy it, but do not change a Token that other code also holds. It
// prints with its secrets masked, and does not marshal as JSON. To store one, use
// [Token.MarshalBinary].
type Token struct {
	AccessToken  string
	RefreshToken string // each refresh replaces it: store the new Token before you use it
	TokenType    string // "Bearer"
	Expiry       time.Time
	Scopes       []string // from the response; nil if it names none, which is usual at Contentstack

	OrganizationUID   string // the organization that the user chose at consent
	UserUID           string // empty for an app token
	AuthorizationType string // "user" or "app"
	StackAPIKey       string // of an app installed in a stack
	Location          string // the region of the token, as Contentstack spells it; see [Config.EndpointsFor]

	// ClientID and RedirectURI are terms of the grant, which a refresh must repeat. Exchange fills
	// them in. Refresh checks the ClientID against its Config, and sends the RedirectURI. They may
	// be empty in a token from elsewhere: the Config's then count.
	ClientID    string
	RedirectURI string

	terms terms
}

// terms are the rest of what a refresh must repeat of its grant. They are zero for a token from
// elsewhere.
type terms struct {
	app    string // base URL of the region whose token endpoint issued the token; empty: unknown
	region Region // that region, if app is not empty
	secret secretUse
}

// secretUse is whether client_secret was sent for a token. Contentstack wants it for a refresh if,
// and only if, it was there for the token.
type secretUse uint8

const (
	secretUnknown secretUse = iota
	secretSent
	secretNotSent
)

// Valid reports whether t has an access token that lives for at least 10 more seconds, by the wall
// clock. A token with a zero Expiry never expires. Exchange, Refresh and [FromOAuth2] always set an
// Expiry. Valid cannot see whether the user or an administrator has revoked the token: only the API
// knows that.
func (t *Token) Valid() bool {
	return t != nil && t.AccessToken != "" && (t.Expiry.IsZero() || !t.Expiry.Add(-earlyExpiry).Before(time.Now()))
}

// termsKey holds a Token's terms among the extras of an oauth2.Token.
const termsKey = "github.com/contentstack/csoauth"

type oauth2Terms struct {
	clientID, redirectURI string
	terms                 terms
}

// OAuth2 converts t for code that uses golang.org/x/oauth2. The other members of the response are
// its extras, such as Extra("organization_uid"). It also carries the terms of the grant, which
// [FromOAuth2] reads back. Warning: an oauth2.Token prints its secrets.
func (t *Token) OAuth2() *oauth2.Token {
	if t == nil {
		return nil
	}
	o := &oauth2.Token{
		AccessToken:  t.AccessToken,
		RefreshToken: t.RefreshToken,
		TokenType:    t.TokenType,
		Expiry:       t.Expiry,
	}
	return o.WithExtra(map[string]any{
		"scope":              strings.Join(t.Scopes, " "),
		"organization_uid":   t.OrganizationUID,
		"user_uid":           t.UserUID,
		"authorization_type": t.AuthorizationType,
		"stack_api_key":      t.StackAPIKey,
		"location":           t.Location,
		termsKey:             oauth2Terms{t.ClientID, t.RedirectURI, t.terms},
	})
}

// FromOAuth2 reverses [Token.OAuth2]. It also takes a token that x/oauth2 itself got from
// Contentstack.
//
// Such a token has no terms of the grant, and neither has one that was stored as JSON in between. A
// refresh of it uses the terms of the Config.
//
// If o has no Expiry, the Token expires after o.ExpiresIn, counted from now and at most a day. If o
// has no ExpiresIn either, it expires after an hour.
func FromOAuth2(o *oauth2.Token) *Token {
	if o == nil {
		return nil
	}
	extra := func(name string) string { s, _ := o.Extra(name).(string); return s }
	t := &Token{
		AccessToken:       o.AccessToken,
		RefreshToken:      o.RefreshToken,
		TokenType:         o.Type(),
		Expiry:            o.Expiry,
		Scopes:            strings.Fields(extra("scope")),
		OrganizationUID:   extra("organization_uid"),
		UserUID:           extra("user_uid"),
		AuthorizationType: extra("authorization_type"),
		StackAPIKey:       extra("stack_api_key"),
		Location:          cmp.Or(extra("location"), extra("region")),
	}
	if t.Expiry.IsZero() && t.AccessToken != "" {
		t.Expiry = time.Now().Add(lifetimeOf(float64(o.ExpiresIn))).UTC()
	}
	if len(t.Scopes) == 0 {
		t.Scopes = nil
	}
	if kept, ok := o.Extra(termsKey).(oauth2Terms); ok {
		t.ClientID, t.RedirectURI, t.terms = kept.clientID, kept.redirectURI, kept.terms
	}
	return t
}
