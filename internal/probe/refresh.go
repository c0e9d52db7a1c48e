package probe

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// The questions of the second step.
var ofRefresh = []string{
	"old_access_token", "refresh_without_redirect_uri", "bad_secret",
	"rotation", "reuse", "reuse_at_once", "reuse_after_5s", "reuse_after_2m", "reuse_grace", "reuse_access",
}

// refresh refreshes the first login in all the ways that may go wrong, the worst last.
func (p *Prober) refresh(ctx context.Context) error {
	l := p.logins[0]
	if l.refresh == "" {
		p.cannot("The token response has no refresh token.", ofRefresh...)
		return nil
	}
	old, used := l.access, l.refresh
	resp, how, err := p.renew(ctx, l, "A refresh", p.refreshForm(l.refresh))
	if err != nil {
		return err
	}
	if how != grants {
		p.loses(resp, ofRefresh...)
		return nil
	}
	if l.refresh == used {
		p.saw("rotation", "stays", "", resp)
	} else {
		p.saw("rotation", "rotates", "", resp)
	}
	for _, ask := range []func() error{
		func() error { return p.askOldAccess(ctx, l, old) },
		func() error { return p.askWithoutRedirectURI(ctx, l) },
		func() error { return p.askWrongSecret(ctx, l) },
		func() error { return p.askReuse(ctx, l) },
	} {
		if err := ask(); err != nil {
			return err
		}
		if l.doubtful {
			p.cannot("The response to an earlier refresh was lost, and its refresh token may be spent.", ofRefresh...)
			return nil
		}
	}
	return nil
}

// renew sends a refresh of a login, and gives the login its new tokens if there are any.
func (p *Prober) renew(ctx context.Context, l *login, purpose string, form url.Values) (*response, how, error) {
	resp, err := p.post(ctx, purpose, form)
	if err != nil {
		return nil, lost, err
	}
	did := p.howOf(resp)
	if answer := p.results["rotation"].Answer; did == grants && answer == "rotates" && resp.text("refresh_token") == "" {
		did = lost // the others had one
	}
	switch did {
	case grants:
		l.turnOver(resp)
	case lost:
		l.doubtful = true
	}
	return resp, did, nil
}

// loses records that a refresh which should work did not.
func (p *Prober) loses(r *response, questions ...string) {
	for _, question := range questions {
		if p.results[question].Answer == "" {
			p.unclear(question, "A refresh that should work did not: "+quoted(r)+".", r)
		}
	}
}

// alive is what a service says about an access token.
type alive uint8

const (
	unknown alive = iota
	lives
	dies
)

// askAccess asks whether an access token works. known is false if no service can be asked.
func (p *Prober) askAccess(ctx context.Context, purpose, access string) (is alive, resp *response, known bool, err error) {
	if p.hosts.ContentManagement == "" {
		return unknown, nil, false, nil
	}
	resp, err = p.get(ctx, purpose, contentManagement, p.hosts.ContentManagement, "/v3/user", nil, &login{access: access}, "")
	switch {
	case err != nil:
		return unknown, nil, false, err
	case resp.ok() && resp.members["user"] != nil, isRefusal(resp, http.StatusForbidden): // known, and without the scope
		return lives, resp, true, nil
	case isRefusal(resp, http.StatusUnauthorized):
		return dies, resp, true, nil
	}
	return unknown, resp, true, nil
}

// isRefusal reports whether an API, and nothing before it, has refused with that status.
func isRefusal(r *response, status int) bool {
	_, says := r.members["error_message"].(string)
	return r.err == nil && r.status == status && says
}

// lookAtAccess records whether an access token works.
func (p *Prober) lookAtAccess(question string, is alive, resp *response, known bool) {
	switch {
	case !known:
		p.cannot("This server has no API that takes the token.", question)
	case is == unknown:
		p.unclear(question, said(resp), resp)
	case is == lives:
		p.saw(question, "lives", "", resp)
	default:
		p.saw(question, "dies", "", resp)
	}
}

func (p *Prober) askOldAccess(ctx context.Context, l *login, old string) error {
	if old == l.access {
		p.unclear("old_access_token", "The refresh returned the same access token.")
		return nil
	}
	is, resp, known, err := p.askAccess(ctx, "The access token from before the refresh", old)
	if err == nil {
		p.lookAtAccess("old_access_token", is, resp, known)
	}
	return err
}

func (p *Prober) askWithoutRedirectURI(ctx context.Context, l *login) error {
	form := p.refreshForm(l.refresh)
	form.Del("redirect_uri")
	resp, how, err := p.renew(ctx, l, "A refresh without redirect_uri", form)
	switch {
	case err != nil:
		return err
	case how == grants:
		p.saw("refresh_without_redirect_uri", "accepted", "", resp)
	case how == refuses:
		p.saw("refresh_without_redirect_uri", "refused", said(resp), resp)
	default:
		p.unclear("refresh_without_redirect_uri", said(resp), resp)
	}
	return nil
}

func (p *Prober) askWrongSecret(ctx context.Context, l *login) error {
	form := p.refreshForm(l.refresh)
	form.Set("client_secret", invented())
	resp, _, err := p.renew(ctx, l, "A refresh with a wrong client secret", form)
	if err == nil {
		p.lookAtRefusal("bad_secret", resp)
	}
	return err
}

// Ages of a used refresh token at which it is used again.
var ages = []struct {
	question string
	age      time.Duration
}{
	{"reuse_at_once", 0}, {"reuse_after_5s", 5 * time.Second}, {"reuse_after_2m", 2 * time.Minute},
}

var ofReuse = []string{"reuse", "reuse_at_once", "reuse_after_5s", "reuse_after_2m", "reuse_grace", "reuse_access"}

// askReuse uses up a refresh token and uses it again, later and later, until it is refused.
func (p *Prober) askReuse(ctx context.Context, l *login) error {
	used := l.refresh
	resp, how, err := p.renew(ctx, l, "A refresh, whose refresh token is used again below", p.refreshForm(used))
	if err != nil {
		return err
	}
	if how != grants {
		p.loses(resp, ofReuse...)
		return nil
	}
	at, stays, seen := resp.sent, l.refresh == used, []*response{resp}
	worked := time.Duration(-1)
	for _, try := range ages {
		if err := p.wait(ctx, at.Add(try.age)); err != nil {
			return err
		}
		resp, how, err := p.renew(ctx, l, fmt.Sprintf("The refresh token of request %d again", seen[0].number), p.refreshForm(used))
		if err != nil {
			return err
		}
		age := resp.sent.Sub(at).Round(time.Second)
		seen = append(seen, resp)
		switch how {
		case grants:
			worked = age
			p.saw(try.question, "works", fmt.Sprintf("It was %v after its use.", age), resp)
		case refuses:
			p.saw(try.question, "refused", fmt.Sprintf("It was %v after its use. %s", age, said(resp)), resp)
			p.cannot("An earlier second use was refused.", "reuse_after_5s", "reuse_after_2m")
			return p.askFamily(ctx, l, worked, seen)
		default:
			p.unclear(try.question, said(resp), resp)
			p.unclear("reuse", "The response to its second use was lost. "+said(resp), seen...)
			return nil
		}
		if stays {
			p.saw("reuse", "none", "The refresh returned the same refresh token, or none.", seen...)
			p.cannot("Refresh tokens do not change.", ofReuse...)
			return nil
		}
	}
	p.saw("reuse", "grace", fmt.Sprintf("It still worked %v after its use.", worked), seen...)
	p.saw("reuse_grace", worked.String(), "It was not asked any later.", seen...)
	p.cannot("A used refresh token was not refused.", "reuse_access")
	return nil
}

// wait waits until a time, and tells that it does so.
func (p *Prober) wait(ctx context.Context, until time.Time) error {
	if d := until.Sub(p.o.Now()).Round(time.Second); d > pace {
		p.o.Tell("Waiting %v for the refresh token to grow old.", d)
	}
	return p.wire.wait(ctx, until)
}

// askFamily asks what became of the login when a used refresh token was refused. worked is the
// greatest age at which it worked again, or negative.
func (p *Prober) askFamily(ctx context.Context, l *login, worked time.Duration, seen []*response) error {
	is, resp, known, err := p.askAccess(ctx, "The newest access token, after that refusal", l.access)
	if err != nil {
		return err
	}
	p.lookAtAccess("reuse_access", is, resp, known)
	resp, how, err := p.renew(ctx, l, "A refresh with the newest refresh token, after that refusal", p.refreshForm(l.refresh))
	if err != nil {
		return err
	}
	seen = append(seen, resp)
	l.over = how == refuses
	switch {
	case how == lost:
		p.unclear("reuse", "It was refused, and it is not clear whether the login goes on. "+said(resp), seen...)
	case worked >= 0 && how == grants:
		p.saw("reuse", "grace", fmt.Sprintf("It worked %v after its use. Later it was refused, and the login went on.", worked), seen...)
	case worked >= 0:
		p.saw("reuse", "grace", fmt.Sprintf("It worked %v after its use. Later its use ended the login.", worked), seen...)
	case how == grants:
		p.saw("reuse", "refuse", "", seen...)
	default:
		p.saw("reuse", "revoke", "", seen...)
	}
	if worked >= 0 {
		p.saw("reuse_grace", worked.String(), "It was refused the next time.", seen...)
	}
	p.cannot("The second use was refused at once, so there is no such time.", "reuse_grace")
	return nil
}
