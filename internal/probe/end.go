package probe

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
)

// The questions of the last three steps.
var (
	ofRevoke   = []string{"revoke_body", "revoke_ends"}
	ofDenial   = []string{"denial", "denial_state"}
	ofCleaning = []string{"revoked_again"}
)

// revoke ends the app's authorization.
func (p *Prober) revoke(ctx context.Context) error {
	if p.hasNo(p.hosts.DeveloperHub, ofRevoke...) {
		return nil
	}
	l, err := p.living(ctx)
	switch {
	case errors.Is(err, errAnother):
		p.cannot("Another user, or another organization, was logged in this time.", ofRevoke...)
		return nil
	case err != nil:
		return err
	case l == nil:
		p.cannot("There was no login to ask with.", ofRevoke...)
		return nil
	}
	uid, why, err := p.ownAuthorization(ctx, l)
	if err != nil {
		return err
	}
	if uid == "" {
		p.cannot(why, ofRevoke...)
		return nil
	}
	resp, err := p.endAuthorization(ctx, "The authorization is ended", l, uid)
	if err != nil {
		return err
	}
	if !resp.ok() {
		for _, question := range ofRevoke {
			p.unclear(question, said(resp), resp)
		}
		return nil
	}
	p.ended = uid
	switch {
	case len(resp.body) == 0:
		p.saw("revoke_body", "empty", "Its status is "+strconv.Itoa(resp.status)+".", resp)
	case resp.members != nil:
		p.saw("revoke_body", "object", "", resp)
	default:
		p.saw("revoke_body", "text", "", resp)
	}
	return p.askAfterEnd(ctx, l, resp)
}

// living returns a login with an access token that works, or nil if the user does not come back to
// make one.
func (p *Prober) living(ctx context.Context) (*login, error) {
	for i := len(p.logins) - 1; i >= 0; i-- {
		if l := p.logins[i]; !l.over {
			if same, err := p.isSame(ctx, l); err != nil {
				return nil, err
			} else if !same {
				continue
			}
			is, _, known, err := p.askAccess(ctx, "Whether an access token still works, to end the authorization with", l.access)
			if err != nil {
				return nil, err
			}
			if !known || is == lives {
				return l, nil
			}
		}
	}
	return p.again(ctx, "The user logs in, to end the authorization")
}

// again logs in once more. It returns nil if that does not work, and errAnother for a login of
// another user or organization than the first.
func (p *Prober) again(ctx context.Context, purpose string) (*login, error) {
	v, err := p.visit(ctx, purpose, p.c.Scopes, false)
	if isNobody(v, err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	resp, err := p.post(ctx, "The code is redeemed", p.codeForm(v.callback.Get("code"), string(v.request.Verifier)))
	if err != nil {
		return nil, err
	}
	switch howOf(resp) {
	case lost:
		p.lost++
		return nil, nil
	case refuses:
		return nil, nil
	}
	l := p.newLogin(resp)
	if same, err := p.isSame(ctx, l); err != nil {
		return nil, err
	} else if !same {
		p.o.Tell("%v: this step ends here", errAnother)
		return nil, errAnother
	}
	return l, nil
}

// maxPages is how many pages of authorizations are looked through.
const maxPages = 3

// ownAuthorization finds the user's authorization of this app in the token's organization. Without
// a uid it returns why.
func (p *Prober) ownAuthorization(ctx context.Context, l *login) (uid, why string, err error) {
	if p.me == "" {
		return "", "The user's uid is not known, so the own authorization cannot be told from others.", nil
	}
	const most = 50
	var own []string
	for page := range maxPages {
		resp, err := p.get(ctx, "The app's authorizations, to find that of this user", developerHub, p.hosts.DeveloperHub, p.manifest()+"/authorizations",
			url.Values{"limit": {strconv.Itoa(most)}, "skip": {strconv.Itoa(page * most)}, "order": {"desc"}, "sort": {"created_at"}}, l, p.org)
		if err != nil {
			return "", "", err
		}
		if !resp.ok() || resp.members == nil {
			return "", "The list of authorizations cannot be had: " + quoted(resp) + ".", nil
		}
		entries, _ := resp.members["data"].([]any)
		for _, v := range entries {
			entry, _ := v.(map[string]any)
			user, _ := entry["user"].(map[string]any)
			org, told := entry["organization_uid"].(string)
			if user["uid"] == p.me && authorizationUID(entry) != "" && (!told || p.org == "" || org == p.org) {
				own = append(own, authorizationUID(entry))
			}
		}
		if len(own) > 0 || len(entries) < most {
			break
		}
	}
	switch len(own) {
	case 0:
		return "", "The user's own authorization is not in the list.", nil
	case 1:
		if !authorizationForm.MatchString(own[0]) {
			return "", "The uid of the user's authorization has an unknown form.", nil
		}
		return own[0], "", nil
	}
	return "", "The list has several authorizations of the user.", nil
}

// authorizationForm is that of a uid which can stand in a path, and names nothing else there.
var authorizationForm = regexp.MustCompile(`^[A-Za-z0-9_-]{8,64}$`)

// endAuthorization ends one authorization. Without its uid, the same request would end all.
func (p *Prober) endAuthorization(ctx context.Context, purpose string, l *login, uid string) (*response, error) {
	if !authorizationForm.MatchString(uid) {
		return nil, errors.New("probe: an authorization without its uid")
	}
	return p.wire.send(ctx, &request{
		purpose: purpose, method: http.MethodDelete, service: developerHub, base: p.hosts.DeveloperHub,
		path: p.manifest() + "/authorizations/" + url.PathEscape(uid), access: l.access, organization: p.org,
	})
}

// askAfterEnd asks which tokens have ended with the authorization.
func (p *Prober) askAfterEnd(ctx context.Context, l *login, end *response) error {
	is, access, known, err := p.askAccess(ctx, "The access token, after the end of its authorization", l.access)
	if err != nil {
		return err
	}
	if l.refresh == "" || l.doubtful || !known || is == unknown {
		p.unclear("revoke_ends", "One of the two tokens could not be asked about.", end, access)
		return nil
	}
	refresh, how, err := p.renew(ctx, l, "A refresh, after the end of the authorization", p.refreshForm(l.refresh))
	if err != nil {
		return err
	}
	goesOn := how == grants
	switch {
	case how == lost:
		p.unclear("revoke_ends", "The refresh said "+quoted(refresh)+".", end, access, refresh)
		return nil
	case goesOn && is == lives:
		return p.askWhetherEnded(ctx, l, end, access, refresh)
	case goesOn:
		p.saw("revoke_ends", "access", "", end, access, refresh)
	case is == lives:
		p.saw("revoke_ends", "refresh", "", end, access, refresh)
	default:
		p.saw("revoke_ends", "all", "", end, access, refresh)
	}
	if !goesOn {
		for _, one := range p.logins {
			one.over = true
		}
	}
	return nil
}

// askWhetherEnded asks whether an authorization is gone whose tokens live on. If it is not,
// something before the service may have responded in its place.
func (p *Prober) askWhetherEnded(ctx context.Context, l *login, seen ...*response) error {
	uid, _, err := p.ownAuthorization(ctx, l)
	switch {
	case err != nil:
		return err
	case uid != p.ended:
		p.saw("revoke_ends", "nothing", "", seen...)
		return nil
	}
	p.ended = ""
	for _, question := range ofRevoke {
		p.unclear(question, "The response is a success, and the authorization is still in the list.", seen...)
	}
	return nil
}

// deny has the user say no.
func (p *Prober) deny(ctx context.Context) error {
	v, err := p.visit(ctx, "The user denies the request", p.c.Scopes, true)
	switch {
	case errors.Is(err, ErrNothing):
		p.saw("denial", "nothing", "The user says so.", v.exchange)
		p.cannot("A denial brings nothing back.", "denial_state")
		return nil
	case errors.Is(err, ErrNobody):
		p.unclear("denial", "The browser did not come back. It is not known whether the user has denied the request.", v.exchange)
		return nil
	case err != nil:
		return err
	case v.callback.Get("code") != "":
		for _, question := range ofDenial {
			p.unclear(question, "The browser brought a code: the user has allowed the request, or was not asked.", v.exchange)
		}
		return nil
	}
	switch said := v.callback.Get("error"); {
	case said == "":
		p.unclear("denial", "The callback has no error.", v.exchange)
	case !errorCode.MatchString(said) || !isOfHarmlessWords(said):
		p.unclear("denial", "Its error is no code that csoauth knows.", v.exchange)
	default:
		p.saw("denial", said, "", v.exchange)
	}
	switch v.callback.Get("state") {
	case v.request.State:
		p.saw("denial_state", "echoed", "", v.exchange)
	case "":
		p.saw("denial_state", "left-out", "", v.exchange)
	default:
		p.unclear("denial_state", "The callback has another state.", v.exchange)
	}
	return nil
}

// errorCode is the form of RFC 6749's codes.
var errorCode = regexp.MustCompile(`^[a-z_]{1,60}$`)

// cleanUp ends the authorization that is gone again, and then the one of the login that this takes.
func (p *Prober) cleanUp(ctx context.Context) error {
	if p.hasNo(p.hosts.DeveloperHub, ofCleaning...) {
		return nil
	}
	l, err := p.again(ctx, "The user logs in a last time")
	if errors.Is(err, errAnother) {
		p.cannot("Another user, or another organization, was logged in this time.", ofCleaning...)
		return nil
	}
	if err != nil {
		return err
	}
	if l == nil {
		p.cannot("There was no login to ask with.", ofCleaning...)
		return nil
	}
	uid, why, err := p.ownAuthorization(ctx, l)
	switch {
	case err != nil:
		return err
	case uid == "":
		p.cannot(why, ofCleaning...)
		return nil
	case uid == p.ended:
		p.cannot("The new authorization has the uid of the old one.", ofCleaning...)
	default:
		resp, err := p.endAuthorization(ctx, "The authorization that is gone is ended again", l, p.ended)
		if err != nil {
			return err
		}
		words := said(resp)
		switch {
		case resp.err != nil || resp.status >= 500 || resp.status == http.StatusUnauthorized:
			p.unclear("revoked_again", words, resp)
		case resp.ok():
			p.saw("revoked_again", "200", words, resp)
		default:
			p.saw("revoked_again", strconv.Itoa(resp.status), words, resp)
		}
	}
	resp, err := p.endAuthorization(ctx, "The last authorization is ended", l, uid)
	if err == nil && resp.ok() {
		l.over = true
	}
	return err
}
