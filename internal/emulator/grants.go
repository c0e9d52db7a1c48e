package emulator

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// grants are the codes and tokens that were issued. The Emulator's lock guards them.
type grants struct {
	o       Options
	started time.Time

	codes          map[string]*code
	live           map[appUser]string // the one live code of an app and a user
	authorizations map[authorizationKey]*authorization
	latest         map[appUser]*authorization // what a user has allowed an app most recently
	crowded        map[authorizationKey]bool  // of an app and an organization: its colleagues were added
	access         map[string]*accessToken
	refresh        map[string]*refreshToken

	states, challenges, verifiers recent // that were used before, by their app
	issued                        int    // codes and tokens since the last sweep
}

type appUser struct{ app, user string }

// A code waits to be redeemed. It stays known for a while when it is spent, so that a second use
// can be told from a wrong code.
type code struct {
	authorizeRequest
	authorization *authorization
	expires       time.Time
	spent         bool
	dead          bool   // replaced by a later one
	family        *grant // what it was redeemed for
}

// A grant is one login: all tokens that descend from one code.
type grant struct {
	*authorization
	scopes      []string // of this login; the authorization may have more
	redirectURI string
	withSecret  bool
	ended       bool      // by itself; it may also have ended with its authorization
	endedAt     time.Time // when that was seen
	access      string    // the current access token
}

func (g *grant) isOver() bool { return g.ended || g.revoked }

type accessToken struct {
	*grant
	scopes  []string // a refresh may have asked for fewer than the login's
	expires time.Time
}

type refreshToken struct {
	*grant
	issued time.Time
	spent  time.Time // zero: not yet
	lost   bool      // it was spent, and the response did not get out
}

func newGrants(o Options) grants {
	return grants{
		o: o, started: o.Now(),
		codes: map[string]*code{}, live: map[appUser]string{},
		authorizations: map[authorizationKey]*authorization{}, latest: map[appUser]*authorization{}, crowded: map[authorizationKey]bool{},
		access: map[string]*accessToken{}, refresh: map[string]*refreshToken{},
	}
}

// A refusal is what the token endpoint says when it says no.
type refusal struct {
	rule        *Rule // that the client broke; nil: none
	status      int
	code        string // of RFC 6749, section 5.2
	description string
}

func (r *refusal) Error() string { return r.code + ": " + r.description }

func refuse(rule *Rule, code, format string, args ...any) *refusal {
	status := 400
	if code == "invalid_client" {
		status = 401
	}
	return &refusal{rule, status, code, fmt.Sprintf(format, args...)}
}

func newSecret() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:]) // 32 hex digits, the form that Contentstack's tokens were seen in
}

// issueCode replaces the live code of this app and user, if there is one: a second consent ends the
// first.
func (g *grants) issueCode(a authorizeRequest, user User, org Organization) string {
	g.sweep()
	who := appUser{a.app.UID, user.UID}
	if before, ok := g.codes[g.live[who]]; ok {
		before.dead = true
	}
	value := newSecret()
	g.codes[value] = &code{authorizeRequest: a, authorization: g.allow(a.app, user, org, a.scopes), expires: g.o.Now().Add(g.o.CodeLifetime)}
	g.live[who] = value
	return value
}

// redeem trades a code for tokens. The code is spent by the first request of its client, whatever
// comes of it.
func (g *grants) redeem(r *tokenRequest) (*grant, *refusal) {
	c, ok := g.codes[r.form.Get("code")]
	switch {
	case r.form.Get("code") == "":
		return nil, refuse(missingParameter, "invalid_request", "code is missing")
	case !ok:
		return nil, refuse(nil, "invalid_grant", "the code was not issued to this client")
	case c.app.UID != r.app.UID:
		return nil, refuse(anothersGrant, "invalid_grant", "the code was not issued to this client")
	case c.spent:
		if c.family != nil {
			c.family.ended = true
		}
		return nil, refuse(codeReused, "invalid_grant", "the code was used before, so its tokens are revoked (RFC 6749, 4.1.2)")
	}
	c.spent = true
	r.entry.about(c.app, c.authorization.user)
	switch {
	case c.dead:
		return nil, refuse(nil, "invalid_grant", "a later consent of the same user to the same app replaced this code")
	case !g.o.Now().Before(c.expires):
		return nil, refuse(nil, "invalid_grant", "the code has expired: it lives %v", g.o.CodeLifetime)
	case r.form.Get("redirect_uri") != c.redirectURI:
		return nil, refuse(redirectURIMismatch, "invalid_grant", "redirect_uri is not the one of the authorize URL")
	}
	if no := g.checkVerifier(c, r); no != nil {
		return nil, no
	}
	if c.challenge == "" && !r.withSecret {
		return nil, refuse(noSecret, "invalid_client", "neither PKCE nor client_secret: one of them must prove the client")
	}
	c.family = &grant{authorization: c.authorization, scopes: c.scopes, redirectURI: c.redirectURI, withSecret: r.withSecret}
	if c.family.isOver() {
		return nil, refuse(nil, "invalid_grant", "the user has taken the consent back")
	}
	return c.family, nil
}

// checkVerifier proves that the client that redeems the code made its challenge (RFC 7636, section
// 4.6).
func (g *grants) checkVerifier(c *code, r *tokenRequest) *refusal {
	verifier := r.form.Get("code_verifier")
	switch {
	case c.challenge == "" && verifier != "":
		return refuse(verifierWithoutChallenge, "invalid_grant", "code_verifier, but the authorize URL had no code_challenge")
	case c.challenge == "":
		return nil
	case verifier == "":
		return refuse(noVerifier, "invalid_request", "code_verifier is missing: the authorize URL had a code_challenge")
	case !isVerifier(verifier) && r.entry.breaks(verifierOutOfBounds):
		return refuse(verifierOutOfBounds, "invalid_request", "code_verifier is not 43 to 128 characters of A-Z a-z 0-9 - . _ ~ (RFC 7636, 4.1)")
	case g.verifiers.wasUsed(c.app.UID, verifier) && r.entry.breaks(verifierReused):
		return refuse(verifierReused, "invalid_grant", "code_verifier was used for an earlier code")
	}
	made := verifier
	if c.method == "S256" {
		sum := sha256.Sum256([]byte(verifier))
		made = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	if subtle.ConstantTimeCompare([]byte(made), []byte(c.challenge)) != 1 {
		return refuse(wrongVerifier, "invalid_grant", "code_verifier does not match the code_challenge (%s)", c.method)
	}
	return nil
}

// renew spends a refresh token. One that was spent before is a sign of theft, or of two places that
// refresh the same login: nobody can tell which of them is the owner, so the whole login ends (RFC
// 9700, section 4.14.2), unless the Options say otherwise.
func (g *grants) renew(r *tokenRequest) (*refreshToken, *refusal) {
	t, ok := g.refresh[r.form.Get("refresh_token")]
	switch {
	case r.form.Get("refresh_token") == "":
		return nil, refuse(missingParameter, "invalid_request", "refresh_token is missing")
	case !ok:
		return nil, refuse(nil, "invalid_grant", "the refresh_token was not issued to this client: it is unknown")
	case t.app.UID != r.app.UID:
		return nil, refuse(anothersGrant, "invalid_grant", "the refresh_token was not issued to this client: it is unknown")
	}
	r.entry.about(t.app, t.user)
	if !t.spent.IsZero() && !t.lost && !r.spoiled && g.o.Unknowns.Reuse != "none" {
		r.entry.breaks(refreshTokenReused)
	}
	switch {
	case g.usedUp(t) && g.o.Unknowns.Reuse == "refuse":
		return nil, refuse(nil, "invalid_grant", "the refresh_token was used before")
	case g.usedUp(t):
		t.ended = true
		return nil, refuse(nil, "invalid_grant", "the refresh_token was used before, so all tokens of this login are revoked")
	case g.hasExpired(t):
		return nil, refuse(nil, "invalid_grant", "the refresh_token has expired: it lives %v", g.o.RefreshTokenLifetime)
	case t.isOver():
		return nil, refuse(nil, "invalid_grant", "the refresh_token was revoked with its login")
	case r.form.Get("redirect_uri") == "" && t.redirectURI != "" && r.entry.breaks(refreshWithoutRedirectURI):
		return nil, refuse(refreshWithoutRedirectURI, "invalid_request", "redirect_uri is missing: the refresh repeats the one of the login")
	case r.form.Get("redirect_uri") != "" && r.form.Get("redirect_uri") != t.redirectURI:
		return nil, refuse(redirectURIMismatch, "invalid_request", "redirect_uri is not the one of the login")
	case t.withSecret && !r.withSecret && r.entry.breaks(refreshWithoutSecret):
		return nil, refuse(refreshWithoutSecret, "invalid_client", "client_secret was sent for the token, so it must be sent for its refresh")
	case !t.withSecret && r.withSecret && r.entry.breaks(refreshWithNewSecret):
		return nil, refuse(refreshWithNewSecret, "invalid_request", "client_secret was not sent for the token, so it must not be sent for its refresh")
	}
	for _, scope := range strings.Fields(r.form.Get("scope")) {
		if !slices.Contains(t.scopes, scope) && r.entry.breaks(scopeWidened) {
			return nil, refuse(nil, "invalid_scope", "scope %.60q was not granted with the login", scope)
		}
	}
	if t.spent.IsZero() {
		t.spent, t.lost = g.o.Now(), r.spoiled
	}
	return t, nil
}

// usedUp tells whether a refresh token was used before and does not work again.
func (g *grants) usedUp(t *refreshToken) bool {
	switch {
	case t.spent.IsZero() || g.o.Unknowns.Reuse == "none":
		return false
	case g.o.Unknowns.Reuse == "grace":
		return g.o.Now().Sub(t.spent) > time.Duration(g.o.Unknowns.ReuseGrace)
	}
	return true
}

func (g *grants) hasExpired(t *refreshToken) bool {
	return g.o.RefreshTokenLifetime > 0 && g.o.Now().Sub(t.issued) >= g.o.RefreshTokenLifetime
}

// issueTokens gives a grant its next pair. used is the refresh token that bought it, or empty;
// scope is what the refresh asked for, or empty.
func (g *grants) issueTokens(f *grant, used, scope string) (access, refresh string) {
	g.sweep()
	if !g.o.Unknowns.OldAccessTokenLives {
		delete(g.access, f.access)
	}
	now := g.o.Now()
	access, refresh = newSecret(), newSecret()
	if used != "" && g.o.Unknowns.Reuse == "none" {
		refresh = used
	} else {
		g.refresh[refresh] = &refreshToken{grant: f, issued: now}
	}
	f.access = access
	g.access[access] = &accessToken{f, narrowed(f.scopes, scope), now.Add(g.o.AccessTokenLifetime)}
	return access, refresh
}

// narrowed returns the scopes that were asked for, as far as they were granted.
func narrowed(granted []string, asked string) []string {
	if asked == "" {
		return granted
	}
	return slices.DeleteFunc(slices.Clone(granted), func(scope string) bool {
		return !slices.Contains(strings.Fields(asked), scope)
	})
}

// bearer returns the access token with that value, if it is good.
func (g *grants) bearer(access string) (*accessToken, bool) {
	t, ok := g.access[access]
	if !ok || t.isOver() || !g.o.Now().Before(t.expires) {
		return nil, false
	}
	return t, true
}

// Expire lets an access token expire now, or every one if access is empty. It reports whether there
// was one.
func (e *Emulator) Expire(access string) bool {
	return e.eachToken(access, func(t *accessToken) { t.expires = e.o.Now() })
}

// Revoke ends the authorization that a current access token belongs to, or every one if access is
// empty, as the user does under Authorized Apps. All logins of that user to that app in that
// organization end with it. Revoke reports whether there was one.
func (e *Emulator) Revoke(access string) bool {
	return e.eachToken(access, func(t *accessToken) { e.grants.revoke(t.authorization) })
}

// serveEnd lets a test in any language end a token or a login: the one of the form's access_token,
// or all without it.
func serveEnd(end func(access string) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !end(r.PostFormValue("access_token")) {
			writeJSON(w, http.StatusNotFound, map[string]any{"error": "there is no such access token"})
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

func (e *Emulator) eachToken(access string, do func(*accessToken)) (found bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for value, t := range e.grants.access {
		if access == "" || value == access {
			do(t)
			found = true
		}
	}
	return found
}
