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

// A Token is one user's access to one organization, with what is needed to renew it. Contentstack's
// tokens are opaque; access tokens live 60 minutes. What the response did not say is empty.
//
// A Token is plain data: copy it freely, but treat one that others hold as read-only. It prints
// with its secrets masked and does not marshal as JSON; [Token.MarshalBinary] is its stored form.
type Token struct {
	AccessToken  string
	RefreshToken string // replaced at every refresh: store the new Token before you use it
	TokenType    string // "Bearer"
	Expiry       time.Time
	Scopes       []string // as the response named them; nil: it did not, which is usual at Contentstack

	OrganizationUID   string // the organization that the user chose at consent
	UserUID           string // empty for an app token
	AuthorizationType string // "user" or "app"
	StackAPIKey       string // of an app installed in a stack
	Location          string // the region the token is good in, as Contentstack spells it; see [Config.EndpointsFor]

	// ClientID and RedirectURI are terms of the grant, which a refresh must repeat. Exchange fills
	// them in, and Refresh checks them against its Config. Empty, in a token from elsewhere: the
	// Config's.
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

// Valid reports whether t has an access token that lives for 10 more seconds at least, by the wall
// clock. A zero Expiry never expires; Exchange, Refresh and [FromOAuth2] always set one. Only the
// API can tell whether the user or an administrator has revoked the token.
func (t *Token) Valid() bool {
	return t != nil && t.AccessToken != "" && (t.Expiry.IsZero() || !t.Expiry.Add(-earlyExpiry).Before(time.Now()))
}

// termsKey holds a Token's terms among the extras of an oauth2.Token.
const termsKey = "github.com/contentstack/csoauth"

type oauth2Terms struct {
	clientID, redirectURI string
	terms                 terms
}

// OAuth2 returns t for callers of golang.org/x/oauth2. The response's own members are its extras,
// such as Extra("organization_uid"), and [FromOAuth2] finds the terms of the grant in it again.
// Mind that an oauth2.Token prints its secrets.
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

// FromOAuth2 is the way back from [Token.OAuth2]. It also takes a token that x/oauth2 itself got
// from Contentstack; such a token, and one that was stored as JSON meanwhile, has no terms, and a
// refresh uses those of its Config. Without an Expiry the token expires after its ExpiresIn,
// counted from now and at most a day, or after an hour if that is not given either.
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
