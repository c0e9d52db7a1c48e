package csoauth

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Exchange checks a callback against its attempt and trades its code for a Token. callback is the query of the request
// that reached the redirect URI, as [net/http.Request.URL] parses it.
//
// Nothing is sent unless the callback passes: its state proves the attempt (else [ErrState]), it came in time and this
// AuthRequest was not exchanged before in this process (else [ErrAttemptExpired]), no parameter that matters is repeated,
// and it reports no error (an [*Error]; [ErrDenied] if somebody said no). A code that another region of this Config
// issued is redeemed there.
//
// Any failure after that ends the attempt, because a code is good for one use and 60 seconds: start over. Only a request
// that surely was not processed is sent again, as [Config.Refresh] says.
func (c *Config) Exchange(ctx context.Context, r *AuthRequest, callback url.Values) (*Token, error) {
	now := time.Now()
	answer, err := c.checkCallback(r, callback, now)
	if err != nil {
		return nil, err
	}
	if r.used == nil {
		return nil, inputError("exchange", "the AuthRequest was made by hand: use NewAuthRequest, or UnmarshalBinary for a stored one")
	}
	if r.ClientID != c.ClientID {
		return nil, inputError("exchange", "the attempt is of client %s, and this Config of %s", quote(r.ClientID), quote(c.ClientID))
	}
	if err := checkVerifier(string(r.Verifier)); err != nil {
		return nil, inputError("exchange", "the attempt's verifier: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, inputError("exchange", "nothing was sent: %w", err)
	}
	if r.used.Swap(true) {
		return nil, fmt.Errorf("csoauth: exchange: %w: the attempt was used before", ErrAttemptExpired)
	}
	return c.redeem(ctx, codeGrant{
		code:         answer.code,
		verifier:     r.Verifier,
		redirectURI:  r.RedirectURI,
		region:       answer.region,
		organization: r.OrganizationUID,
		received:     now,
		state:        r.State,
	})
}

// ExchangeOptions vary [Config.ExchangeCode]. Nil is fine.
type ExchangeOptions struct {
	// RedirectURI is the one in the authorize URL. Empty: the Config's.
	RedirectURI string
	// Location is the callback's location or region, which tells where to redeem the code. Empty, or none of the
	// Config's regions: the Config's own.
	Location string
	// OrganizationUID refuses a token for any other organization. Empty: any.
	OrganizationUID string
	// Received is when the code came. A code lives 60 seconds, so it is not sent again 45 seconds after it came, even if
	// it surely was not processed. Zero: now.
	Received time.Time
}

// ExchangeCode trades a code for a Token without looking at a callback. It is for callers who check state themselves;
// [Config.Exchange] leaves no way to forget that. v is the verifier of the authorize URL's challenge; it may be empty
// if the Config has a client secret, for an app without PKCE.
func (c *Config) ExchangeCode(ctx context.Context, code string, v Verifier, o *ExchangeOptions) (*Token, error) {
	if o == nil {
		o = &ExchangeOptions{}
	}
	if code == "" {
		return nil, inputError("exchange", "the code is empty")
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
	if !known {
		region = c.Region
	}
	received := o.Received
	if received.IsZero() {
		received = time.Now()
	}
	return c.redeem(ctx, codeGrant{
		code:         code,
		verifier:     v,
		redirectURI:  orElse(o.RedirectURI, c.RedirectURI),
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

// codeRetry is how long after a code came it may be sent again. Contentstack's codes live 60 seconds; what arrives
// later is wasted.
const codeRetry = 45 * time.Second

func (c *Config) redeem(ctx context.Context, g codeGrant) (*Token, error) {
	row, err := c.endpoints(g.region)
	if err != nil {
		return nil, fmt.Errorf("csoauth: exchange: %w", err)
	}
	if err := c.checkClientID(); err != nil {
		return nil, inputError("exchange", "ClientID: %w", err)
	}
	req := tokenRequest{op: "exchange", url: row.tokenURL(), until: g.received.Add(codeRetry)}
	req.set("grant_type", "authorization_code")
	req.set("client_id", c.ClientID)
	req.set("redirect_uri", g.redirectURI)
	req.setSecret("code", g.code)
	if g.verifier != "" {
		req.setSecret("code_verifier", string(g.verifier))
	}
	if c.ClientSecret != "" {
		req.setSecret("client_secret", c.ClientSecret)
	}
	req.hide(g.state)

	answer, err := c.post(ctx, &req)
	if err != nil {
		return nil, err
	}
	t := &Token{
		ClientID:    c.ClientID,
		RedirectURI: g.redirectURI,
		terms:       terms{app: strings.TrimSuffix(row.App, "/"), region: g.region, secret: secretUsed(c.ClientSecret != "")},
	}
	if err := answer.applyTo(t); err != nil {
		return nil, err
	}
	if g.organization != "" && t.OrganizationUID != g.organization {
		return nil, answer.refuse(fmt.Sprintf("the token is for organization %s, and %s was asked for: log in again and choose it",
			answer.quote(t.OrganizationUID), quote(g.organization)))
	}
	return t, nil
}

// Refresh trades t's refresh token for a new Token, on the terms t was got on: its client ID, its redirect URI, the
// region that issued it, and with the client secret if, and only if, that was sent before. What the answer leaves out
// is kept from t, which is not changed. If Config and terms do not fit, the error comes before anything is sent.
//
// Treat the refresh token as spent from here on: at a strict server, sending it twice ends the login. So store the new
// Token before you use it, and never refresh one Token in two places at once. Package tokens does both for you; this one
// keeps nothing.
//
// What to do with an error: [ErrLoginRequired] says that t has no refresh token, or that Contentstack refused it; let the
// user log in. If an [*Error] has a Token, keep that one in place of t: it holds the new refresh token. After anything else
// keep t and use its access token while it lasts. Then try again, after the Error's RetryAfter if it has one. Unless the
// error is an [ErrNotSent] or an Error with a status of 300 or more, the first try may have been processed, and then this
// one ends in ErrLoginRequired.
//
// Refresh waits and sends again by itself only if the request surely was not processed: when nobody could be reached, and
// after a 429 or 503 with Retry-After. It does so at most twice, waits at most 10 seconds in all, and heeds ctx.
func (c *Config) Refresh(ctx context.Context, t *Token) (*Token, error) {
	if t == nil || t.RefreshToken == "" {
		return nil, fmt.Errorf("csoauth: refresh: %w: there is no refresh token", ErrLoginRequired)
	}
	if err := ctx.Err(); err != nil {
		return nil, notSentError{inputError("refresh", "nothing was sent: %w", err)}
	}
	again, err := c.termsOf(t)
	if err != nil {
		return nil, notSentError{fmt.Errorf("csoauth: refresh: %w", err)}
	}
	withSecret := again.terms.secret == secretSent

	req := tokenRequest{op: "refresh", url: again.tokenURL}
	req.set("grant_type", "refresh_token")
	req.set("client_id", c.ClientID)
	req.set("redirect_uri", again.redirectURI)
	req.setSecret("refresh_token", t.RefreshToken)
	if withSecret {
		req.setSecret("client_secret", c.ClientSecret)
	}
	req.hide(t.AccessToken)

	answer, err := c.post(ctx, &req)
	if err != nil {
		return nil, err
	}
	renewed := *t
	renewed.ClientID, renewed.RedirectURI, renewed.terms = c.ClientID, again.redirectURI, again.terms
	if err := answer.applyTo(&renewed); err != nil {
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
	if err := c.checkClientID(); err != nil {
		return refreshGrant{}, fmt.Errorf("ClientID: %w", err)
	}
	if t.ClientID != "" && t.ClientID != c.ClientID {
		return refreshGrant{}, fmt.Errorf("the token is of client %s, and this Config of %s", quote(t.ClientID), quote(c.ClientID))
	}
	if t.terms.secret == secretSent && c.ClientSecret == "" {
		return refreshGrant{}, errors.New("the token was got with a client secret, and this Config has none: Contentstack wants it again")
	}
	region, err := c.issuedIn(t)
	if err != nil {
		return refreshGrant{}, err
	}
	row, err := c.endpoints(region)
	if err != nil {
		return refreshGrant{}, err
	}
	withSecret := c.ClientSecret != "" && t.terms.secret != secretNotSent
	return refreshGrant{
		tokenURL:    row.tokenURL(),
		redirectURI: orElse(t.RedirectURI, c.RedirectURI),
		terms:       terms{app: strings.TrimSuffix(row.App, "/"), region: region, secret: secretUsed(withSecret)},
	}, nil
}

func secretUsed(sent bool) secretUse {
	if sent {
		return secretSent
	}
	return secretNotSent
}
