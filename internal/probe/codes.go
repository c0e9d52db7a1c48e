package probe

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strconv"

	"github.com/contentstack/csoauth"
)

// The questions of the third step, which also asks scope_error_code.
var ofCodes = []string{"bad_verifier", "code_after_failure", "code_reuse", "scope_error_code"}

// readers are scopes that an API demands, with a path that it demands them for.
var readers = []struct{ scope, path string }{
	{"user:read", "/v3/user"},
	{"organizations:read", "/v3/organizations"},
	{"cm.stacks.management:read", "/v3/stacks"},
}

// codes logs in a second time, with fewer scopes if that is possible, and mistreats the code.
func (p *Prober) codes(ctx context.Context) error {
	scopes, forbidden := p.fewerScopes()
	v, err := p.visit(ctx, "The user logs in again", scopes, false)
	if isNobody(v, err) {
		p.cannot("The browser did not come back with a code.", ofCodes...)
		return nil
	}
	if err != nil {
		return err
	}
	wrong, err := p.post(ctx, "The code, with another verifier", p.codeForm(v.callback.Get("code"), string(csoauth.NewVerifier())))
	if err != nil {
		return err
	}
	p.lookAtRefusal("bad_verifier", wrong)
	code := p.codeForm(v.callback.Get("code"), string(v.request.Verifier))
	resp, err := p.post(ctx, "The same code, with the right verifier", code)
	if err != nil {
		return err
	}
	p.lookAtCodeAfterFailure(wrong, resp)
	if howOf(resp) != grants {
		if v, err = p.visit(ctx, "The user logs in once more", scopes, false); isNobody(v, err) {
			p.cannot("The browser did not come back with a code.", ofCodes...)
			return nil
		}
		if err != nil {
			return err
		}
		code = p.codeForm(v.callback.Get("code"), string(v.request.Verifier))
		if resp, err = p.post(ctx, "The code is redeemed", code); err != nil {
			return err
		}
		if howOf(resp) != grants {
			p.unclear("code_reuse", "Its first use did not work. "+said(resp), resp)
			p.cannot("There was no login with fewer scopes.", "scope_error_code")
			return nil
		}
	}
	l := p.newLogin(resp)
	if same, err := p.isSame(ctx, l); err != nil {
		return err
	} else if !same {
		p.o.Tell("%v: this step ends here", errAnother)
		p.cannot("Another user, or another organization, was logged in this time.", ofCodes...)
		return nil
	}
	if err := p.askForbidden(ctx, l, forbidden); err != nil {
		return err
	}
	return p.askCodeReuse(ctx, l, code, resp)
}

// lookAtCodeAfterFailure records what became of a code that was sent with another verifier, and
// then with the right one.
func (p *Prober) lookAtCodeAfterFailure(wrong, right *response) {
	switch first, second := p.howOf(wrong), p.howOf(right); {
	case first == grants:
		p.newLogin(wrong)
		p.cannot("The code with another verifier was accepted.", "code_after_failure")
	case first == refuses && second == grants:
		p.saw("code_after_failure", "lives", "", wrong, right)
	case first == refuses && second == refuses:
		p.saw("code_after_failure", "spent", said(right), wrong, right)
	default:
		p.unclear("code_after_failure", "One of the two responses was lost.", wrong, right)
	}
}

// fewerScopes returns scopes to ask for that are fewer than the app's, and the path of an API that
// they do not allow. Without scopes, all are asked for, and there is no such path.
func (p *Prober) fewerScopes() (scopes []string, forbidden string) {
	asked := p.c.Scopes
	if len(asked) == 0 {
		asked = p.scopes
	}
	for _, reader := range readers {
		if !slices.Contains(asked, reader.scope) {
			continue
		}
		for _, other := range asked {
			if other != reader.scope {
				return []string{other}, reader.path
			}
		}
	}
	return p.c.Scopes, ""
}

// askForbidden asks for what the scopes of a login do not allow.
func (p *Prober) askForbidden(ctx context.Context, l *login, path string) error {
	switch {
	case p.lacks403 != nil:
		return nil // seen already
	case p.hasNo(p.hosts.ContentManagement, "scope_error_code"):
		return nil
	case path == "":
		p.cannot("It is not known which scopes the app has, or it has one alone.", "scope_error_code")
		return nil
	}
	ask := &request{
		purpose: "What the scopes of this login do not allow", method: "GET", service: contentManagement, base: p.hosts.ContentManagement, path: path, access: l.access,
	}
	if path == "/v3/stacks" { // as in the first step
		ask.organization = p.org
	}
	resp, err := p.wire.send(ctx, ask)
	switch {
	case err != nil:
		return err
	case resp.ok():
		p.unclear("scope_error_code", "A login that asked for fewer scopes has all of the app's.", resp)
	default:
		p.lookAtScopeError(resp)
	}
	return nil
}

// lookAtScopeError records the code of an error about a missing scope.
func (p *Prober) lookAtScopeError(r *response) {
	code, told := r.members["error_code"]
	n, isNumber := number(code)
	words := said(r)
	switch {
	case r.err != nil || r.status != 403 || !isAboutScopes(r):
		p.unclear("scope_error_code", words, r)
	case !told || isNumber && n == 0:
		p.saw("scope_error_code", "none", words, r)
	case isNumber && n < 10_000:
		p.saw("scope_error_code", strconv.FormatInt(n, 10), words, r)
	default:
		p.unclear("scope_error_code", words, r)
	}
}

// isAboutScopes reports whether an API says that a scope is missing.
func isAboutScopes(r *response) bool {
	said := r.text("error_message") + " " + r.text("message")
	return aboutScopes.MatchString(said)
}

var aboutScopes = regexp.MustCompile(`(?i)\bscopes?\b`)

// askCodeReuse redeems a code for the second time, and asks what that did to the login of the
// first.
func (p *Prober) askCodeReuse(ctx context.Context, l *login, code url.Values, before *response) error {
	resp, err := p.post(ctx, "The same code a second time", code)
	if err != nil {
		return err
	}
	words := said(resp)
	switch p.howOf(resp) {
	case grants:
		p.newLogin(resp)
		p.saw("code_reuse", "works", "", before, resp)
		return nil
	case lost:
		p.unclear("code_reuse", words, before, resp)
		return nil
	}
	if l.refresh == "" {
		p.unclear("code_reuse", "It is refused, and the login has no refresh token to ask with. "+words, before, resp)
		return nil
	}
	after, how, err := p.renew(ctx, l, "A refresh of the login that the code was good for", p.refreshForm(l.refresh))
	if err != nil {
		return err
	}
	l.over = how == refuses
	switch how {
	case grants:
		p.saw("code_reuse", "refuse", words, before, resp, after)
	case refuses:
		p.saw("code_reuse", "revoke", words, before, resp, after)
	default:
		p.unclear("code_reuse", "It is not clear whether the login goes on. "+words, before, resp, after)
	}
	return nil
}
