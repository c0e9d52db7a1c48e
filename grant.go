package csoauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Exchange checks a callback against its attempt and trades its code for a Token. callback is the
// query of the request that reached the redirect URI, as [ParseCallback] reads it.
//
// It sends nothing unless the callback passes all these checks:
//
//   - Its state matches the attempt. Otherwise the error is [ErrState].
//   - It came in time, and this AuthRequest was not exchanged before in this process. Otherwise the
//     error is [ErrAttemptExpired].
//   - It is at most 8 KiB, and no parameter that matters is repeated.
//   - It reports no error. Otherwise the error is an [*Error], and [ErrDenied] if access was
//     denied.
//
// A code that another region of this Config issued is redeemed in that region, unless
// IgnoreCallbackRegion is set.
//
// Any later failure except [ErrNotSent] ends the attempt, because a code works once and for 60
// seconds: start over. Exchange repeats a request only if Contentstack certainly did not process
// it, as [Config.Refresh] says.
func (c *Config) Exchange(ctx context.Context, r *AuthRequest, callback url.Values) (*Token, error) {
	now := time.Now()
	checked, err := c.checkCallback(r, callback, now)
	if err != nil {
		return nil, err
	}
	if r.used == nil {
		return nil, inputError("exchange", "the AuthRequest was made by hand: use NewAuthRequest, or UnmarshalBinary for a stored one")
	}
	if r.ClientID != c.ClientID {
		return nil, configError("exchange", fmt.Errorf("the attempt belongs to client %s, but this Config has client %s", quote(r.ClientID), quote(c.ClientID)))
	}
	if err := checkVerifier(string(r.Verifier)); err != nil {
		return nil, inputError("exchange", "the attempt's verifier: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, notSent(inputError("exchange", "nothing was sent: %w", err))
	}
	if r.used.Swap(true) {
		return nil, fmt.Errorf("csoauth: exchange: %w: the attempt was used before", ErrAttemptExpired)
	}
	token, err := c.redeem(ctx, codeGrant{
		code:         checked.code,
		verifier:     r.Verifier,
		redirectURI:  r.RedirectURI,
		region:       checked.region,
		organization: r.OrganizationUID,
		received:     now,
		state:        r.State,
	})
	if errors.Is(err, ErrNotSent) {
		r.used.Store(false) // the code is as good as before
	}
	return token, err
}

// ExchangeOptions change [Config.ExchangeCode]. A nil *ExchangeOptions means all defaults.
type ExchangeOptions struct {
	// RedirectURI is the redirect URI in the authorize URL. Empty: the Config's.
	RedirectURI string
	// Location is the location or the region of the callback. It says in which region to redeem the
	// code. Empty, or not a region of the Config: the Config's Region.
	Location string
	// OrganizationUID refuses a token for any other organization. Empty: any.
	OrganizationUID string
	// Received is when the code came. A code lives 60 seconds, so it is not sent again later than
	// 45 seconds after it came. This holds even if Contentstack certainly did not process the first
	// request. Zero: now.
	Received time.Time
}

// ExchangeCode trades a code for a Token without a callback. It is for callers who check the state
// themselves. Prefer [Config.Exchange], which checks it for you. v is the verifier of the authorize
// URL's challenge. For an app without PKCE it may be empty if the Config has a client secret. A
// code over 4 KiB is refused.
func (c *Config) ExchangeCode(ctx context.Context, code string, v Verifier, o *ExchangeOptions) (*Token, error) {
	if o == nil {
		o = &ExchangeOptions{}
	}
	if code == "" {
		return nil, inputError("exchange", "the code is empty")
	}
	if err := checkCode(code); err != nil {
		return nil, inputError("exchange", "the code %w", err)
	}
	if v == "" && c.ClientSecret == "" {
		return nil, inputError("exchange", "there is neither a verifier nor a client secret: pass a verifier, or set ClientSecret")
	}
	if v != "" {
		if err := checkVerifier(string(v)); err != nil {
			return nil, inputError("exchange", "verifier: %w", err)
		}
	}
	region, known := c.knownRegion(o.Location)
	if !known || c.IgnoreCallbackRegion {
		region = c.Region
	}
	received := o.Received
	if received.IsZero() {
		received = time.Now()
	}
	return c.redeem(ctx, codeGrant{
		code:         code,
		verifier:     v,
		redirectURI:  cmp.Or(o.RedirectURI, c.RedirectURI),
		region:       region,
		organization: o.OrganizationUID,
		received:     received,
	})
}

// A codeGrant is what redeems a code.
type codeGrant struct {
	code         string
	verifier     Verifier
	redirectURI  string
	region       Region
	organization string
	received     time.Time
	state        string // not sent; kept out of errors all the same
}

// codeRetry is how long after a code came it may be sent again. Contentstack's codes live 60
// seconds; what arrives later is wasted.
const codeRetry = 45 * time.Second

func (c *Config) redeem(ctx context.Context, g codeGrant) (*Token, error) {
	row, err := c.endpoints(g.region)
	if err != nil {
		return nil, configError("exchange", err)
	}
	if err := c.checkCredentials(g.redirectURI, c.ClientSecret != ""); err != nil {
		return nil, configError("exchange", err)
	}
	req := tokenRequest{op: "exchange", url: row.tokenURL(), until: g.received.Add(codeRetry), other: g.state}
	req.set("grant_type", "authorization_code")
	req.set("client_id", c.ClientID)
	req.set("redirect_uri", g.redirectURI)
	req.set("code", g.code)
	if g.verifier != "" {
		req.set("code_verifier", string(g.verifier))
	}
	if c.ClientSecret != "" {
		req.set("client_secret", c.ClientSecret)
	}

	response, err := c.post(ctx, &req)
	if err != nil {
		return nil, err
	}
	t := &Token{
		ClientID:    c.ClientID,
		RedirectURI: g.redirectURI,
		terms:       terms{app: strings.TrimSuffix(row.App, "/"), region: g.region, secret: secretUsed(c.ClientSecret != "")},
	}
	if err := response.applyTo(t); err != nil {
		return nil, err
	}
	if g.organization != "" && t.OrganizationUID != g.organization {
		return nil, response.refuse(fmt.Sprintf("the token is for organization %s, but the login requires %s: log in again and choose it",
			response.quote(t.OrganizationUID), quote(g.organization)))
	}
	return t, nil
}

// checkCredentials returns why a token request with this redirect URI, and with the client secret
// if withSecret is true, cannot work.
func (c *Config) checkCredentials(redirectURI string, withSecret bool) error {
	if err := c.checkClientID(); err != nil {
		return fieldError("ClientID", err)
	}
	if redirectURI == "" {
		return fieldError("RedirectURI", checkRedirectURI(redirectURI))
	}
	if withSecret {
		if err := c.checkClientSecret(); err != nil {
			return fieldError("ClientSecret", err)
		}
	}
	return nil
}

// Refresh trades t's refresh token for a new Token. It repeats the terms of t: its client ID, its
// redirect URI and the region that issued it. It sends the client secret if, and only if, it was
// sent for t. If the Config does not fit these terms, Refresh sends nothing and returns
// [ErrConfig].
//
// The new Token keeps the values of t that the response leaves out. Refresh does not change t.
//
// After this call, treat the refresh token of t as spent: sending it twice to a strict server ends
// the login. Store the new Token before you use it, and never refresh one Token in two places at
// once. Package tokens does both for you. This package stores nothing.
//
// What to do with an error:
//   - If an [*Error] has a Token, store that Token in place of t: it has the new refresh token.
//   - [ErrLoginRequired]: t has no refresh token, or Contentstack refused it. Let the user log in.
//   - [ErrConfig]: the app is set up wrongly. Tell its operator, and keep t.
//   - After any other error, keep t and use its access token until it expires. Try again later,
//     after the Error's RetryAfter if it has one. Contentstack may have processed the first try,
//     unless the error is [ErrNotSent] or an Error with a status of 300 or more. If it did, the
//     next try returns ErrLoginRequired.
//
// Refresh repeats a request by itself only if Contentstack certainly did not process it and another
// try may help. These are the cases:
//
//   - The connection was refused, or its TLS handshake broke off.
//   - DNS, a proxy or an HTTP/2 server failed temporarily.
//   - The response was a 429 or a 503 with Retry-After.
//
// It repeats a request at most twice, waits at most 10 seconds in all, and stops when ctx ends.
func (c *Config) Refresh(ctx context.Context, t *Token) (*Token, error) {
	if t == nil || t.RefreshToken == "" {
		return nil, fmt.Errorf("csoauth: refresh: %w: there is no refresh token", ErrLoginRequired)
	}
	if err := ctx.Err(); err != nil {
		return nil, notSent(inputError("refresh", "nothing was sent: %w", err))
	}
	again, err := c.termsOf(t)
	if err != nil {
		return nil, configError("refresh", err)
	}

	req := tokenRequest{op: "refresh", url: again.tokenURL, other: t.AccessToken}
	req.set("grant_type", "refresh_token")
	req.set("client_id", c.ClientID)
	req.set("redirect_uri", again.redirectURI)
	req.set("refresh_token", t.RefreshToken)
	if again.terms.secret == secretSent {
		req.set("client_secret", c.ClientSecret)
	}

	response, err := c.post(ctx, &req)
	if err != nil {
		return nil, err
	}
	renewed := *t
	renewed.ClientID, renewed.RedirectURI, renewed.terms = c.ClientID, again.redirectURI, again.terms
	if err := response.applyTo(&renewed); err != nil {
		return nil, err
	}
	return &renewed, nil
}

// A refreshGrant is what a refresh repeats of the grant it renews.
type refreshGrant struct {
	tokenURL    string
	redirectURI string
	terms       terms
}

// termsOf returns the terms for the refresh of t. The error says how the terms and c do not fit.
func (c *Config) termsOf(t *Token) (refreshGrant, error) {
	if t.ClientID != "" && t.ClientID != c.ClientID {
		return refreshGrant{}, fmt.Errorf("the token belongs to client %s, but this Config has client %s", quote(t.ClientID), quote(c.ClientID))
	}
	if t.terms.secret == secretSent && c.ClientSecret == "" {
		return refreshGrant{}, errors.New("the token was issued with a client secret, and its refresh needs the secret again: set ClientSecret")
	}
	withSecret := c.ClientSecret != "" && t.terms.secret != secretNotSent
	redirectURI := cmp.Or(t.RedirectURI, c.RedirectURI)
	if err := c.checkCredentials(redirectURI, withSecret); err != nil {
		return refreshGrant{}, err
	}
	region, err := c.issuedIn(t)
	if err != nil {
		return refreshGrant{}, err
	}
	row, err := c.endpoints(region)
	if err != nil {
		return refreshGrant{}, err
	}
	return refreshGrant{
		tokenURL:    row.tokenURL(),
		redirectURI: redirectURI,
		terms:       terms{app: strings.TrimSuffix(row.App, "/"), region: region, secret: secretUsed(withSecret)},
	}, nil
}

func secretUsed(sent bool) secretUse {
	if sent {
		return secretSent
	}
	return secretNotSent
}
