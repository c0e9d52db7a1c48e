package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/emulator"
)

// Each step of the demo does one thing with the library, tells what it does and why, and returns an
// error if the library or the emulator did anything but what it should.

func (d *demo) s256(ctx context.Context) error {
	d.tell.text("The app makes a random code_verifier and sends only its SHA-256 in the authorize URL. It proves who " +
		"it is by sending the verifier itself with the code.")
	if _, err := d.login(ctx, d.config(), nil, emulator.Visitor{}); err != nil {
		return err
	}
	return d.checkChallenge("S256", false)
}

func (d *demo) plain(ctx context.Context) error {
	d.tell.text("The challenge is the verifier itself (the same mark below), so everyone who sees the authorize URL " +
		"has it. For clients that cannot do better.")
	c := d.config()
	c.ChallengeMethod = csoauth.Plain
	if _, err := d.login(ctx, c, nil, emulator.Visitor{}); err != nil {
		return err
	}
	return d.checkChallenge("plain", true)
}

func (d *demo) plainByOmission(ctx context.Context) error {
	d.tell.text("Without code_challenge_method in the authorize URL, Contentstack takes the challenge for plain.")
	c := d.config()
	c.ChallengeMethod = csoauth.Plain
	if _, err := d.login(ctx, c, &csoauth.AuthOptions{OmitMethod: true}, emulator.Visitor{}); err != nil {
		return err
	}
	return d.checkChallenge("", true)
}

// checkChallenge looks in the log for what really went over the wire.
func (d *demo) checkChallenge(method string, same bool) error {
	authorize, token := d.logged(isAuthorize), d.logged(isToken)
	if len(authorize) != 1 || len(token) != 1 {
		return fmt.Errorf("want one authorize request and one token request, the log has %d and %d", len(authorize), len(token))
	}
	challenge, verifier := authorize[0].Params["code_challenge"], token[0].Params["code_verifier"]
	switch {
	case authorize[0].Params["code_challenge_method"] != method:
		return fmt.Errorf("the method on the wire is %q, want %q", authorize[0].Params["code_challenge_method"], method)
	case challenge == "" || verifier == "":
		return errors.New("the challenge or the verifier is missing on the wire")
	case (challenge == verifier) != same:
		return fmt.Errorf("challenge and verifier are the same: %v, want %v", challenge == verifier, same)
	}
	return nil
}

func (d *demo) withSecret(ctx context.Context) error {
	d.tell.text("An app with Allow PKCE off must prove itself with its client_secret. Without it, it is refused; with " +
		"it, the secret goes with the code, and again with every refresh.")
	c := d.config()
	c.AppUID, c.ClientID = confidential.UID, confidential.ClientID
	_, err := d.login(ctx, c, nil, emulator.Visitor{})
	if err := d.expect(err, hasCode(err, "invalid_client"), "invalid_client without the secret"); err != nil {
		return err
	}
	c.ClientSecret = confidential.ClientSecret
	token, err := d.login(ctx, c, nil, emulator.Visitor{})
	if err != nil {
		return err
	}
	if _, err := c.Refresh(ctx, token); err != nil {
		return err
	}
	for _, r := range d.logged(isToken)[1:] {
		if r.Params["client_secret"] == "" {
			return fmt.Errorf("the secret is missing in a request with grant_type %s", r.Params["grant_type"])
		}
	}
	return nil
}

func (d *demo) refresh(ctx context.Context) error {
	d.tell.text("An access token lives 60 minutes. The refresh token buys the next pair, and is spent by that: store " +
		"the new pair before you use it.")
	c := d.config()
	token, err := d.login(ctx, c, nil, emulator.Visitor{})
	if err != nil {
		return err
	}
	for range 2 {
		renewed, err := c.Refresh(ctx, token)
		switch {
		case err != nil:
			return err
		case renewed.RefreshToken == token.RefreshToken:
			return errors.New("the refresh token did not rotate")
		case renewed.AccessToken == token.AccessToken:
			return errors.New("the access token did not change")
		case renewed.UserUID != token.UserUID:
			return errors.New("the token is another user's")
		}
		token = renewed
	}
	return d.callAPI(ctx, c, token)
}

// callAPI asks who the token's user is.
func (d *demo) callAPI(ctx context.Context, c *csoauth.Config, token *csoauth.Token) error {
	hosts, err := c.EndpointsFor(token)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, hosts.ContentManagement+"/v3/user", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token.AccessToken)
	resp, err := d.client.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the API responded to the new access token with %s", resp.Status)
	}
	return nil
}

func (d *demo) replay(ctx context.Context) error {
	d.tell.text("Two copies of one refresh token mean a thief, or two places that refresh the same login. The " +
		"emulator, as strict servers do, cannot tell which, and ends the login: the newest token is refused " +
		"as well.")
	c := d.config()
	first, err := d.login(ctx, c, nil, emulator.Visitor{})
	if err != nil {
		return err
	}
	second, err := c.Refresh(ctx, first)
	if err != nil {
		return err
	}
	_, err = c.Refresh(ctx, first)
	if err := d.expect(err, errors.Is(err, csoauth.ErrLoginRequired), "the replayed refresh token refused"); err != nil {
		return err
	}
	_, err = c.Refresh(ctx, second)
	return d.expect(err, errors.Is(err, csoauth.ErrLoginRequired), "the newest refresh token refused as well")
}

func (d *demo) stolenCode(ctx context.Context) error {
	d.tell.text("An attacker reads the code from the callback, and redeems it with another verifier.")
	c := d.config()
	victim, err := c.NewAuthRequest(nil)
	if err != nil {
		return err
	}
	callback, err := d.visitor.visit(ctx, c.AuthorizeURL(victim), emulator.Visitor{})
	if err != nil {
		return err
	}
	_, err = c.ExchangeCode(ctx, callback.Get("code"), csoauth.NewVerifier(), nil)
	return d.expect(err, hasCode(err, "invalid_grant"), "invalid_grant")
}

func (d *demo) forgedCallback(ctx context.Context) error {
	d.tell.text("An attacker sends a callback with another code. It does not know the state, so the library sends " +
		"nothing, and the attempt goes on: the true callback still works.")
	c := d.config()
	request, err := c.NewAuthRequest(nil)
	if err != nil {
		return err
	}
	callback, err := d.visitor.visit(ctx, c.AuthorizeURL(request), emulator.Visitor{})
	if err != nil {
		return err
	}
	d.tellRequests()
	forged := url.Values{"code": {"of-the-attacker"}, "state": {"a-guess"}}
	d.tell.sent("GET "+d.redirectURI, []string{"code=of-the-attacker", "state=a-guess"})
	_, err = d.exchange(ctx, c, request, forged)
	if err := d.expect(err, errors.Is(err, csoauth.ErrState), "the forged callback refused with ErrState"); err != nil {
		return err
	}
	if n := len(d.logged(isToken)); n != 0 {
		return fmt.Errorf("the forged callback led to %d token requests", n)
	}
	_, err = d.exchange(ctx, c, request, callback)
	return err
}

func (d *demo) denied(ctx context.Context) error {
	d.tell.text("The app asks for one more scope. The callback reports that the user said no, and the library makes it an error " +
		"to test for: csoauth.ErrDenied.")
	c := d.config()
	c.Scopes = append(c.Scopes, "organization:read")
	_, err := d.login(ctx, c, nil, emulator.Visitor{Deny: true})
	return d.expect(err, errors.Is(err, csoauth.ErrDenied), "ErrDenied")
}

// config is the app that most steps log in to.
func (d *demo) config() *csoauth.Config {
	app := emulator.DefaultApp()
	return &csoauth.Config{
		AppUID: app.UID, ClientID: app.ClientID, RedirectURI: d.redirectURI, Scopes: []string{"user:read"},
		Endpoints:  map[csoauth.Region]csoauth.Endpoints{csoauth.NA: csoauth.OneHost(d.base)},
		HTTPClient: d.client,
	}
}

// login is one whole login by the visitor.
func (d *demo) login(ctx context.Context, c *csoauth.Config, o *csoauth.AuthOptions, v emulator.Visitor) (*csoauth.Token, error) {
	request, err := c.NewAuthRequest(o)
	if err != nil {
		return nil, err
	}
	callback, err := d.visitor.visit(ctx, c.AuthorizeURL(request), v)
	if err != nil {
		return nil, err
	}
	return d.exchange(ctx, c, request, callback)
}

func (d *demo) exchange(ctx context.Context, c *csoauth.Config, r *csoauth.AuthRequest, callback url.Values) (*csoauth.Token, error) {
	if d.hooks.exchange != nil {
		return d.hooks.exchange(ctx, c, r, callback)
	}
	return c.Exchange(ctx, r, callback)
}

// hasCode tells whether err is what the provider said with that code.
func hasCode(err error, code string) bool {
	var said *csoauth.Error
	return errors.As(err, &said) && said.Code == code
}
