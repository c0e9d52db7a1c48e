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
// Nothing is sent unless the callback passes: its state proves the attempt (else [ErrState]), it
// came in time and this AuthRequest was not exchanged before in this process (else
// [ErrAttemptExpired]), it is not over 8 KiB, no parameter that matters is repeated, and it reports
// no error (an [*Error]; [ErrDenied] if access was denied). A code that another region of this
// Config issued is redeemed there, unless IgnoreCallbackRegion is set.
//
// Any failure after that but an [ErrNotSent] ends the attempt, because a code is good for one use
// and 60 seconds: start over. Only a request that surely was not processed is sent again, as
// [Config.Refresh] says.
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
		return nil, configError("exchange", fmt.Errorf("the attempt is of client %s, and this Config of %s", quote(r.ClientID), quote(c.ClientID)))
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

// ExchangeOptions vary [Config.ExchangeCode]. Nil is fine.
type ExchangeOptions struct {
	// RedirectURI is the one in the authorize URL. Empty: the Config's.
	RedirectURI string
	// Location is the callback's location or region, which tells where to redeem the code. Empty,
	// or not a region of the Config: the Config's own.
	Location string
	// OrganizationUID refuses a token for any other organization. Empty: any.
	OrganizationUID string
	// Received is when the code came. A code lives 60 seconds, so it is not sent again 45 seconds
	// after it came, even if it surely was not processed. Zero: now.
	Received time.Time
}

// ExchangeCode trades a code for a Token without looking at a callback. It is for callers who check
// state themselves; [Config.Exchange] leaves no way to forget that. v is the verifier of the
// authorize URL's challenge; it may be empty if the Config has a client secret, for an app without
// PKCE. A code over 4 KiB is refused.
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
		return nil, inputError("exchange", "there is neither a verifier nor a client secret: one of them must prove who asks")
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
		return nil, response.refuse(fmt.Sprintf("the token is for organization %s, and %s was asked for: log in again and choose it",
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

// Refresh trades t's refresh token for a new Token, on the terms of t: its client ID, its redirect
// URI, the region that issued it, and with the client secret if, and only if, that was sent before.
// What the response leaves out is kept from t, which is not changed. If Config and terms do not
// fit, the error is an [ErrConfig] and comes before anything is sent.
//
// Treat the refresh token as spent from here on: at a strict server, sending it twice ends the
// login. So store the new Token before you use it, and never refresh one Token in two places at
// once. Package tokens does both for you; this one keeps nothing.
//
// What to do with an error:
//   - If an [*Error] has a Token, store that one in place of t: it has the new refresh token.
//   - [ErrLoginRequired]: t has no refresh token, or Contentstack refused it. Let the user log in.
//   - [ErrConfig]: the app is set up wrongly. Tell its operator, and keep t.
//   - After anything else keep t and use its access token while it lasts. Then try again, after the
//     Error's RetryAfter if it has one. Unless the error is an [ErrNotSent], or an Error with a
//     status of 300 or more, the first try may have been processed, and then the next one ends in
//     ErrLoginRequired.
//
// Refresh sends a request again by itself only if the first surely was not processed and another
// may help: when the connection was refused or its TLS handshake broke off, after a temporary
// failure of DNS, of a proxy or of an HTTP/2 server, and after a 429 or 503 with Retry-After. It
// does so at most twice, waits at most 10 seconds in all, and ends with ctx.
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

// termsOf returns the terms on which t is to be refreshed, or how they and c do not fit.
func (c *Config) termsOf(t *Token) (refreshGrant, error) {
	if t.ClientID != "" && t.ClientID != c.ClientID {
		return refreshGrant{}, fmt.Errorf("the token is of client %s, and this Config of %s", quote(t.ClientID), quote(c.ClientID))
	}
	if t.terms.secret == secretSent && c.ClientSecret == "" {
		return refreshGrant{}, errors.New("the token was got with a client secret, and this Config has none: Contentstack wants it again")
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
