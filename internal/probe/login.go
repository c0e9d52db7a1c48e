package probe

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/contentstack/csoauth"
)

// The questions that a callback and a token response answer.
var ofLogin = []string{"region_names", "location", "token_region_names", "omit", "access_token_lifetime"}

// A login is one of the probe's own.
type login struct {
	access, refresh string
	user, org       string // uids; empty: the service did not tell
	over            bool   // a refresh was refused, or its authorization was ended
	doubtful        bool   // the response to a refresh was lost: its refresh token may be spent
}

// A visit is one to the authorize page, and the callback that followed.
type visit struct {
	request  *csoauth.AuthRequest
	callback url.Values
	exchange *response // has the number of the callback among the exchanges
}

// visit sends the user to the authorize page, and records what comes back.
func (p *Prober) visit(ctx context.Context, purpose string, scopes []string, deny bool) (*visit, error) {
	request, err := p.c.NewAuthRequest(&csoauth.AuthOptions{Scopes: scopes})
	if err != nil {
		return nil, err
	}
	e := &exchange{purpose: purpose, authorizeURL: p.c.AuthorizeURL(request), outcome: "the browser did not come back"}
	v := &visit{request: request, exchange: &response{number: p.wire.record(e)}}
	v.callback, err = p.o.Visit(ctx, Visit{URL: e.authorizeURL, State: request.State, Deny: deny})
	switch {
	case errors.Is(err, ErrNothing):
		e.outcome = "the user denied the request, and the browser did not come back"
		return v, err
	case errors.Is(err, ErrNobody):
		return v, err
	case err != nil:
		return nil, err
	}
	e.callback = v.callback
	return v, nil
}

// isNobody reports whether a visit brought no code although nothing went wrong.
func isNobody(v *visit, err error) bool {
	return errors.Is(err, ErrNobody) || err == nil && v.callback.Get("code") == ""
}

// authorizeQuery returns the parameters of an authorize URL of either form.
func authorizeQuery(address string) url.Values {
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	query := u.RawQuery
	if _, inFragment, ok := strings.Cut(u.Fragment, "?"); ok && query == "" {
		query = inFragment
	}
	q, _ := url.ParseQuery(query) // what can be read of it
	return q
}

// post sends a form to the token endpoint.
func (p *Prober) post(ctx context.Context, purpose string, form url.Values) (*response, error) {
	return p.wire.send(ctx, &request{purpose: purpose, method: http.MethodPost, service: "token endpoint", base: p.token, form: form})
}

// codeForm is the form that redeems a code.
func (p *Prober) codeForm(code, verifier string) url.Values {
	form := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {p.c.ClientID}, "redirect_uri": {p.c.RedirectURI},
		"code": {code}, "code_verifier": {verifier},
	}
	if p.c.ClientSecret != "" {
		form.Set("client_secret", p.c.ClientSecret)
	}
	return form
}

// refreshForm is the form of a refresh.
func (p *Prober) refreshForm(refresh string) url.Values {
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {p.c.ClientID}, "redirect_uri": {p.c.RedirectURI}, "refresh_token": {refresh}}
	if p.c.ClientSecret != "" {
		form.Set("client_secret", p.c.ClientSecret)
	}
	return form
}

// how is how the token endpoint responded to a grant.
type how uint8

const (
	lost    how = iota // neither of the other two: the token or code may be spent, or not
	grants             // with an access token
	refuses            // with a refusal like the others of this service
)

func howOf(r *response) how {
	switch {
	case r.ok() && r.text("access_token") != "":
		return grants
	case r.refuses():
		return refuses
	}
	return lost
}

// howOf is the same once it is known in which form the service refuses. Something before the
// service may refuse in another form.
func (p *Prober) howOf(r *response) how {
	did := howOf(r)
	if form := p.usualShape(); did == refuses && form != "" && shape(r) != form {
		return lost
	}
	return did
}

// newLogin keeps the login that a response grants.
func (p *Prober) newLogin(r *response) *login {
	l := &login{access: r.text("access_token"), refresh: r.text("refresh_token"), user: r.text("user_uid"), org: r.text("organization_uid")}
	p.logins = append(p.logins, l)
	return l
}

// errAnother is why a login is of no use: it is not the user or the organization of the first one.
var errAnother = errors.New("another user, or another organization, was logged in this time")

// isSame reports whether a login is of the user and the organization of the first one. It asks who
// the user is if the token response did not tell.
func (p *Prober) isSame(ctx context.Context, l *login) (bool, error) {
	if l.user == "" && p.me != "" && p.hosts.ContentManagement != "" {
		_, resp, _, err := p.askAccess(ctx, "Whose login this is", l.access)
		if err != nil {
			return false, err
		}
		user, _ := resp.members["user"].(map[string]any)
		l.user, _ = user["uid"].(string)
	}
	return (l.user == "" || p.me == "" || l.user == p.me) && (l.org == "" || p.org == "" || l.org == p.org), nil
}

// turnOver gives a login the tokens of a refresh. A response without a refresh token keeps the old
// one.
func (l *login) turnOver(r *response) {
	l.access = r.text("access_token")
	if refresh := r.text("refresh_token"); refresh != "" {
		l.refresh = refresh
	}
}

// logIn logs in for the first time, and looks at the callback and at the token response.
func (p *Prober) logIn(ctx context.Context) (*login, error) {
	v, err := p.visit(ctx, "The user logs in", p.c.Scopes, false)
	if err != nil {
		return nil, err
	}
	p.lookAtCallback(v)
	if v.callback.Get("code") == "" {
		return nil, fmt.Errorf("the browser came back without a code: %s", p.marks().text(v.callback.Get("error")+" "+v.callback.Get("error_description")))
	}
	resp, err := p.post(ctx, "The code is redeemed", p.codeForm(v.callback.Get("code"), string(v.request.Verifier)))
	if err != nil {
		return nil, err
	}
	if howOf(resp) != grants {
		for _, question := range ofLogin[2:] {
			p.unclear(question, "The exchange of the code did not work. "+said(resp), resp)
		}
		if howOf(resp) == lost {
			p.lost++
		}
		return nil, fmt.Errorf("the exchange of the code did not work: %s", summary(p.marks(), resp))
	}
	if want, got := p.o.Organization, resp.text("organization_uid"); want != "" && got != want {
		p.newLogin(resp)
		return nil, errors.New("the login is for another organization than the one that was asked for: choose that one on the consent page")
	}
	p.lookAtToken(resp)
	return p.newLogin(resp), nil
}

func (p *Prober) lookAtCallback(v *visit) {
	p.names = regionNames{v.callback.Has("location"), v.callback.Has("region")}
	p.saw("region_names", p.names.word(), "", v.exchange)
	told := v.callback.Get("location")
	if told == "" {
		told = v.callback.Get("region")
	}
	switch {
	case told == "":
		p.cannot("The callback does not name the region.", "location")
	case isPlain("location", told):
		p.saw("location", told, "", v.exchange)
	default:
		p.unclear("location", "It is no name of a region that csoauth knows.", v.exchange)
	}
}

// regionNames are the names by which something tells the region.
type regionNames struct{ location, region bool }

func (n regionNames) word() string {
	switch {
	case n.location && n.region:
		return "both"
	case n.location:
		return "location"
	case n.region:
		return "region"
	}
	return "neither"
}

// known are the members of a token response that csoauth reads, besides those of the region.
var known = []string{"refresh_token", "token_type", "expires_in", "organization_uid", "user_uid", "authorization_type", "stack_api_key"}

// lookAtToken looks at the members of the first token response.
func (p *Prober) lookAtToken(r *response) {
	has := func(name string) bool { return r.members[name] != nil }
	p.saw("token_region_names", regionNames{has("location"), has("region")}.word(), "", r)
	missing := []string{}
	for _, name := range known {
		if !has(name) {
			missing = append(missing, name)
		}
	}
	for name, inCallback := range map[string]bool{"location": p.names.location, "region": p.names.region} {
		if inCallback && !has(name) {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	note := "It has " + membersOf(r) + "."
	if len(missing) == 0 {
		p.saw("omit", "none", note, r)
	} else {
		p.saw("omit", strings.Join(missing, ","), note, r)
	}
	switch seconds, ok := number(r.members["expires_in"]); {
	case ok:
		p.saw("access_token_lifetime", (time.Duration(seconds) * time.Second).String(), "", r)
	case has("expires_in"):
		p.unclear("access_token_lifetime", "`expires_in` is no number.", r)
	default:
		p.cannot("The token response has no `expires_in`.", "access_token_lifetime")
	}
	p.me, p.org = r.text("user_uid"), r.text("organization_uid")
	if scopes := strings.Fields(r.text("scope")); len(scopes) > 0 {
		p.scopes = scopes
	}
}

// number returns a whole number of JSON that is neither negative nor absurd. It may be in a string.
func number(v any) (n int64, ok bool) {
	text := fmt.Sprint(v)
	if _, isNumber := v.(json.Number); !isNumber {
		if text, isNumber = v.(string); !isNumber {
			return 0, false
		}
	}
	f, err := json.Number(text).Float64()
	return int64(f), err == nil && f >= 0 && f < 1<<31 && f == float64(int64(f))
}

// invented returns a secret that nobody has issued, in the form of Contentstack's.
func invented() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
