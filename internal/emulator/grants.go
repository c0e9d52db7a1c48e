package emulator

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// grants are the codes and tokens that were issued. The Emulator's lock guards them.
type grants struct {
	o Options

	codes    map[string]*code
	live     map[appUser]string  // the one live code of an app and a user
	consents map[appUser]consent // what a user has allowed an app, most recently
	access   map[string]*accessToken
	refresh  map[string]*refreshToken
}

type appUser struct{ app, user string }

type consent struct {
	scopes []string
	org    Organization
}

// A code waits to be redeemed. It stays known when it is spent, so that a second use can be told
// from a wrong code.
type code struct {
	authorizeRequest
	user    User
	org     Organization
	expires time.Time
	spent   bool
	dead    bool   // replaced by a later one
	family  *grant // what it was redeemed for
}

// A grant is one login: all tokens that descend from one code.
type grant struct {
	app         App
	user        User
	org         Organization
	scopes      []string
	redirectURI string
	withSecret  bool
	revoked     bool
	access      string // the current access token
}

type accessToken struct {
	*grant
	expires time.Time
}

type refreshToken struct {
	*grant
	issued time.Time
	spent  time.Time // zero: not yet
}

func newGrants(o Options) grants {
	return grants{
		o:     o,
		codes: map[string]*code{}, live: map[appUser]string{}, consents: map[appUser]consent{},
		access: map[string]*accessToken{}, refresh: map[string]*refreshToken{},
	}
}

// A refusal is what the token endpoint says when it says no.
type refusal struct {
	status      int
	code        string // of RFC 6749, section 5.2
	description string
}

func (r *refusal) Error() string { return r.code + ": " + r.description }

func refuse(code, format string, args ...any) *refusal {
	status := 400
	if code == "invalid_client" {
		status = 401
	}
	return &refusal{status, code, fmt.Sprintf(format, args...)}
}

func newSecret() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:]) // 32 hex digits, the form that Contentstack's tokens were seen in
}

// issueCode replaces the live code of this app and user, if there is one: a second consent ends the
// first.
func (g *grants) issueCode(a authorizeRequest, user User, org Organization) string {
	who := appUser{a.app.UID, user.UID}
	if before, ok := g.codes[g.live[who]]; ok {
		before.dead = true
	}
	value := newSecret()
	g.codes[value] = &code{authorizeRequest: a, user: user, org: org, expires: g.o.Now().Add(g.o.CodeLifetime)}
	g.live[who] = value
	scopes := slices.Concat(g.consents[who].scopes, a.scopes)
	slices.Sort(scopes)
	g.consents[who] = consent{slices.Compact(scopes), org}
	return value
}

// redeem trades a code for tokens. The code is spent by the first request of its client, whatever
// comes of it.
func (g *grants) redeem(app App, form url.Values) (*grant, *refusal) {
	c, ok := g.codes[form.Get("code")]
	switch {
	case form.Get("code") == "":
		return nil, refuse("invalid_request", "code is missing")
	case !ok || c.app.UID != app.UID:
		return nil, refuse("invalid_grant", "the code was not issued to this client")
	case c.spent:
		if c.family != nil {
			c.family.revoked = true
		}
		return nil, refuse("invalid_grant", "the code was used before, so its tokens are revoked (RFC 6749, 4.1.2)")
	}
	c.spent = true
	switch {
	case c.dead:
		return nil, refuse("invalid_grant", "a later consent of the same user to the same app replaced this code")
	case !g.o.Now().Before(c.expires):
		return nil, refuse("invalid_grant", "the code has expired: it lives %v", g.o.CodeLifetime)
	case form.Get("redirect_uri") != c.redirectURI:
		return nil, refuse("invalid_grant", "redirect_uri is not the one of the authorize URL")
	}
	if no := c.checkVerifier(form); no != nil {
		return nil, no
	}
	if c.challenge == "" && !form.Has("client_secret") {
		return nil, refuse("invalid_client", "neither PKCE nor client_secret: one of them must prove the client")
	}
	c.family = &grant{
		app: app, user: c.user, org: c.org, scopes: c.scopes, redirectURI: c.redirectURI,
		withSecret: form.Has("client_secret"),
	}
	return c.family, nil
}

// checkVerifier proves that the client that redeems the code made its challenge (RFC 7636, section
// 4.6).
func (c *code) checkVerifier(form url.Values) *refusal {
	verifier := form.Get("code_verifier")
	switch {
	case c.challenge == "" && verifier != "":
		return refuse("invalid_grant", "code_verifier, but the authorize URL had no code_challenge")
	case c.challenge == "":
		return nil
	case verifier == "":
		return refuse("invalid_request", "code_verifier is missing: the authorize URL had a code_challenge")
	case !isVerifier(verifier):
		return refuse("invalid_request", "code_verifier is not 43 to 128 characters of A-Z a-z 0-9 - . _ ~ (RFC 7636, 4.1)")
	}
	made := verifier
	if c.method == "S256" {
		sum := sha256.Sum256([]byte(verifier))
		made = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	if subtle.ConstantTimeCompare([]byte(made), []byte(c.challenge)) != 1 {
		return refuse("invalid_grant", "code_verifier does not match the code_challenge (%s)", c.method)
	}
	return nil
}

// renew spends a refresh token. One that was spent before is a sign of theft, or of two places that
// refresh the same login: nobody can tell which of them is the owner, so the whole login ends (RFC
// 9700, section 4.14.2), unless the Options say otherwise.
func (g *grants) renew(app App, form url.Values) (*grant, *refusal) {
	t, ok := g.refresh[form.Get("refresh_token")]
	switch {
	case form.Get("refresh_token") == "":
		return nil, refuse("invalid_request", "refresh_token is missing")
	case !ok || t.app.UID != app.UID:
		return nil, refuse("invalid_grant", "the refresh_token was not issued to this client: it is unknown")
	case g.usedUp(t) && g.o.Unknowns.Reuse == "refuse":
		return nil, refuse("invalid_grant", "the refresh_token was used before")
	case g.usedUp(t):
		t.revoked = true
		return nil, refuse("invalid_grant", "the refresh_token was used before, so all tokens of this login are revoked")
	case g.o.RefreshTokenLifetime > 0 && g.o.Now().Sub(t.issued) >= g.o.RefreshTokenLifetime:
		return nil, refuse("invalid_grant", "the refresh_token has expired: it lives %v", g.o.RefreshTokenLifetime)
	case t.revoked:
		return nil, refuse("invalid_grant", "the refresh_token was revoked with its login")
	case form.Get("redirect_uri") != t.redirectURI:
		return nil, refuse("invalid_request", "redirect_uri is not the one of the login")
	case t.withSecret && !form.Has("client_secret"):
		return nil, refuse("invalid_client", "client_secret was sent for the token, so it must be sent for its refresh")
	case !t.withSecret && form.Has("client_secret"):
		return nil, refuse("invalid_request", "client_secret was not sent for the token, so it must not be sent for its refresh")
	}
	if t.spent.IsZero() {
		t.spent = g.o.Now()
	}
	return t.grant, nil
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

// issueTokens gives a grant its next pair; used is the refresh token that bought it, or empty.
func (g *grants) issueTokens(f *grant, used string) (access, refresh string) {
	if !g.o.Unknowns.OldAccessTokenLives {
		delete(g.access, f.access)
	}
	access, refresh = newSecret(), newSecret()
	if used != "" && g.o.Unknowns.Reuse == "none" {
		refresh = used
	} else {
		g.refresh[refresh] = &refreshToken{grant: f, issued: g.o.Now()}
	}
	f.access = access
	g.access[access] = &accessToken{f, g.o.Now().Add(g.o.AccessTokenLifetime)}
	return access, refresh
}

// bearer returns the grant that an access token stands for.
func (g *grants) bearer(access string) (*grant, bool) {
	t, ok := g.access[access]
	if !ok || t.revoked || !g.o.Now().Before(t.expires) {
		return nil, false
	}
	return t.grant, true
}

// Expire lets an access token expire now, or every one if access is empty. It reports whether there
// was one.
func (e *Emulator) Expire(access string) bool {
	return e.eachToken(access, func(t *accessToken) { t.expires = e.o.Now() })
}

// Revoke ends the login that a current access token belongs to, or every login if access is empty,
// as the user does under Authorized Apps. It reports whether there was one.
func (e *Emulator) Revoke(access string) bool {
	return e.eachToken(access, func(t *accessToken) {
		t.revoked = true
		delete(e.grants.consents, appUser{t.app.UID, t.user.UID}) // the user has to consent again
	})
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
