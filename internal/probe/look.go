package probe

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/contentstack/csoauth"
)

// The questions of the first step, besides those of its login.
var (
	ofRefusals = []string{"error_shape", "bad_code", "bad_client", "bad_refresh_token", "json", "basic", "cors", "rate_limit_headers"}
	ofAPIs     = []string{
		"introspect_auth", "introspect_members", "introspect_scope", "user_organizations", "user_authtoken", "organization_list", "organization_member",
		"stacks_without_organization", "scope_error_code", "scope_list", "hub_error_shape", "list_members", "list_skip",
	}
)

// look logs in and asks all that changes nothing.
func (p *Prober) look(ctx context.Context) error {
	l, err := p.logIn(ctx)
	if err != nil {
		if errors.Is(err, ErrNobody) {
			p.cannot("The user did not come back from the browser.", slices.Concat(ofLogin, ofRefusals, ofAPIs)...)
		}
		return err
	}
	for _, ask := range []func(context.Context, *login) error{
		p.introspect, p.askUser, p.askOrganizations, p.askOrganization, p.askStacks, p.askScopes, p.askAuthorizations, p.askHubError,
		p.askWithInventions, p.askCORS,
	} {
		if err := ask(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// get asks an API with an access token.
func (p *Prober) get(ctx context.Context, purpose, service, base, path string, query url.Values, l *login, organization string) (*response, error) {
	resp, err := p.wire.send(ctx, &request{
		purpose: purpose, method: http.MethodGet, service: service, base: base, path: path, query: query, access: l.access, organization: organization,
	})
	if err == nil && resp.status == http.StatusForbidden && p.lacks403 == nil && isAboutScopes(resp) {
		p.lacks403 = resp
		p.lookAtScopeError(resp)
	}
	return resp, err
}

const (
	contentManagement = "Content Management API"
	developerHub      = "Developer Hub"
	application       = "application"
)

// hasNo records that the service does not have a host, or an endpoint.
func (p *Prober) hasNo(base string, questions ...string) bool {
	if base == "" {
		p.cannot("This server has no such service.", questions...)
	}
	return base == ""
}

// fails records why a response answers none of the questions, and reports whether that is so.
func (p *Prober) fails(r *response, questions ...string) bool {
	switch {
	case r.ok() && r.members != nil:
		return false
	case r.err == nil && (r.status == http.StatusNotFound || r.status == http.StatusMethodNotAllowed):
		p.cannot("The service has no such endpoint: "+quoted(r)+".", questions...)
	case p.lacks403 == r:
		p.cannot("The token does not have the scope for it.", questions...)
	default:
		for _, question := range questions {
			p.unclear(question, said(r), r)
		}
	}
	return true
}

// introspect asks whether the access token is active, first without the client's credentials.
func (p *Prober) introspect(ctx context.Context, l *login) error {
	form := url.Values{"token": {l.access}, "token_type_hint": {"access_token"}}
	ask := func(purpose string) (*response, error) {
		return p.wire.send(ctx, &request{purpose: purpose, method: http.MethodPost, service: application, base: p.hosts.App, path: "/apps-api/introspect", form: maps.Clone(form)})
	}
	resp, err := ask("Introspection, without the client's credentials")
	if err != nil {
		return err
	}
	needs, seen := "none", []*response{resp}
	if resp.refuses() && resp.members != nil {
		form.Set("client_id", p.c.ClientID)
		if p.c.ClientSecret != "" {
			form.Set("client_secret", p.c.ClientSecret)
		}
		if resp, err = ask("Introspection, with the client's credentials"); err != nil {
			return err
		}
		needs, seen = "client", append(seen, resp)
		if resp.ok() { // the first refusal may have been of something else
			without := maps.Clone(form)
			without.Del("client_id")
			without.Del("client_secret")
			confirmed, err := p.wire.send(ctx, &request{
				purpose: "Introspection, without them once more", method: http.MethodPost, service: application, base: p.hosts.App, path: "/apps-api/introspect", form: without,
			})
			if err != nil {
				return err
			}
			if seen = append(seen, confirmed); confirmed.ok() {
				needs = "none"
			} else if !confirmed.refuses() {
				p.unclear("introspect_auth", said(confirmed), seen...)
				needs = ""
			}
		}
	}
	if p.fails(resp, "introspect_auth", "introspect_members", "introspect_scope") {
		return nil
	}
	if active, _ := resp.members["active"].(bool); !active {
		for _, question := range []string{"introspect_auth", "introspect_members", "introspect_scope"} {
			p.unclear(question, "It did not say that the new access token is active.", resp)
		}
		return nil
	}
	if needs != "" {
		p.saw("introspect_auth", needs, "", seen...)
	}
	members := "scope"
	for name := range resp.members {
		if name != "active" && name != "scope" {
			members = "full"
		}
	}
	p.saw("introspect_members", members, "", resp)
	var scopes []string
	switch scope := resp.members["scope"].(type) {
	case string:
		scopes = strings.Fields(scope)
		p.saw("introspect_scope", "string", "", resp)
	case []any:
		scopes = stringsOf(scope)
		p.saw("introspect_scope", "array", "", resp)
	default:
		p.unclear("introspect_scope", "There is no `scope`.", resp)
	}
	if len(p.scopes) == 0 {
		p.scopes = scopes
	}
	return nil
}

// stringsOf returns the strings of an array.
func stringsOf(array []any) (all []string) {
	for _, v := range array {
		if s, ok := v.(string); ok {
			all = append(all, s)
		}
	}
	return all
}

func (p *Prober) askUser(ctx context.Context, l *login) error {
	if p.hasNo(p.hosts.ContentManagement, "user_organizations", "user_authtoken") {
		return nil
	}
	resp, err := p.get(ctx, "Who the user is", contentManagement, p.hosts.ContentManagement, "/v3/user", nil, l, "")
	if err != nil || p.fails(resp, "user_organizations", "user_authtoken") {
		return err
	}
	user, ok := resp.members["user"].(map[string]any)
	if !ok {
		for _, question := range []string{"user_organizations", "user_authtoken"} {
			p.unclear(question, "There is no member `user`.", resp)
		}
		return nil
	}
	organizations, listed := user["organizations"].([]any)
	p.saw("user_organizations", yes(listed), "", resp)
	token, _ := user["authtoken"].(string)
	p.saw("user_authtoken", yes(token != ""), "", resp)
	uids, _ := user["org_uid"].([]any)
	p.mine = max(len(organizations), len(uids))
	if uid, _ := user["uid"].(string); p.me == "" {
		p.me = uid
	}
	return nil
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func (p *Prober) askOrganizations(ctx context.Context, l *login) error {
	if p.hasNo(p.hosts.ContentManagement, "organization_list") {
		return nil
	}
	resp, err := p.get(ctx, "The list of organizations", contentManagement, p.hosts.ContentManagement, "/v3/organizations",
		url.Values{"limit": {"100"}, "skip": {"0"}, "include_count": {"true"}}, l, "")
	if err != nil || p.fails(resp, "organization_list") {
		return err
	}
	list, ok := resp.members["organizations"].([]any)
	switch {
	case !ok || len(list) == 0:
		p.unclear("organization_list", "It lists none.", resp)
	case len(list) > 1 && len(list) >= p.mine:
		p.saw("organization_list", "all", "", resp)
	case len(list) > 1:
		p.unclear("organization_list", "It lists several, and not all that the user is in.", resp)
	case p.mine > 1:
		p.saw("organization_list", "token", "", resp)
	default:
		p.unclear("organization_list", "It lists one, and it is not known whether the user is in more than one.", resp)
	}
	if only, ok := first(list); ok && len(list) == 1 && p.org == "" {
		p.org, _ = only["uid"].(string)
	}
	return nil
}

// first returns the first object of an array.
func first(list []any) (object map[string]any, ok bool) {
	if len(list) == 0 {
		return nil, false
	}
	object, ok = list[0].(map[string]any)
	return object, ok
}

func (p *Prober) askOrganization(ctx context.Context, l *login) error {
	if p.hasNo(p.hosts.ContentManagement, "organization_member") {
		return nil
	}
	if p.org == "" {
		p.cannot("The uid of the token's organization is not known.", "organization_member")
		return nil
	}
	resp, err := p.get(ctx, "The token's organization", contentManagement, p.hosts.ContentManagement, "/v3/organizations/"+url.PathEscape(p.org), nil, l, "")
	if err != nil || p.fails(resp, "organization_member") {
		return err
	}
	_, object := resp.members["organization"].(map[string]any)
	_, array := resp.members["organizations"].([]any)
	switch {
	case object && !array:
		p.saw("organization_member", "organization", "", resp)
	case array && !object:
		p.saw("organization_member", "organizations", "", resp)
	default:
		p.unclear("organization_member", "It has both members, or neither.", resp)
	}
	return nil
}

func (p *Prober) askStacks(ctx context.Context, l *login) error {
	if p.hasNo(p.hosts.ContentManagement, "stacks_without_organization") {
		return nil
	}
	if p.org == "" {
		p.cannot("The uid of the token's organization is not known.", "stacks_without_organization")
		return nil
	}
	query := url.Values{"limit": {"1"}, "include_count": {"true"}}
	with, err := p.get(ctx, "The list of stacks, with the organization", contentManagement, p.hosts.ContentManagement, "/v3/stacks", query, l, p.org)
	if err != nil || p.fails(with, "stacks_without_organization") {
		return err
	}
	without, err := p.get(ctx, "The list of stacks, without the organization", contentManagement, p.hosts.ContentManagement, "/v3/stacks", query, l, "")
	if err != nil || p.fails(without, "stacks_without_organization") {
		return err
	}
	all, _ := with.members["stacks"].([]any)
	some, isList := without.members["stacks"].([]any)
	switch {
	case len(all) == 0:
		p.unclear("stacks_without_organization", "There are none with it either.", with, without)
	case !isList:
		p.unclear("stacks_without_organization", "There is no list.", without)
	case len(some) == 0:
		p.saw("stacks_without_organization", "empty", "", with, without)
	default:
		p.saw("stacks_without_organization", "token", "", with, without)
	}
	return nil
}

func (p *Prober) askScopes(ctx context.Context, l *login) error {
	if p.hasNo(p.hosts.DeveloperHub, "scope_list") {
		return nil
	}
	resp, err := p.get(ctx, "The list of scopes", developerHub, p.hosts.DeveloperHub, "/manifests/oauth/scopes", nil, l, p.org)
	if err != nil || p.fails(resp, "scope_list") {
		return err
	}
	data, _ := resp.members["data"].(map[string]any)
	grouped := false
	for name, value := range data {
		_, isArray := value.([]any)
		grouped = grouped || isArray && name != "scopes"
	}
	_, flat := data["scopes"].([]any)
	switch {
	case flat && !grouped:
		p.saw("scope_list", "flat", "", resp)
	case grouped:
		p.saw("scope_list", "grouped", "", resp)
	default:
		p.unclear("scope_list", "It is neither an array nor arrays by token.", resp)
	}
	return nil
}

// manifest is the path of the app's manifest.
func (p *Prober) manifest() string { return "/manifests/" + url.PathEscape(p.c.AppUID) }

func (p *Prober) askAuthorizations(ctx context.Context, l *login) error {
	questions := []string{"list_members", "list_skip"}
	if p.hasNo(p.hosts.DeveloperHub, questions...) {
		return nil
	}
	page := func(skip string) (*response, []any, error) {
		resp, err := p.get(ctx, "The app's authorizations, from the one of index "+skip, developerHub, p.hosts.DeveloperHub, p.manifest()+"/authorizations",
			url.Values{"limit": {"1"}, "skip": {skip}}, l, p.org)
		if err != nil || p.fails(resp, questions...) {
			return nil, nil, err
		}
		list, isList := resp.members["data"].([]any)
		if !isList {
			for _, question := range questions {
				p.unclear(question, "There is no member `data` with a list.", resp)
			}
			return nil, nil, nil
		}
		return resp, list, nil
	}
	one, firsts, err := page("0")
	if one == nil || err != nil {
		return err
	}
	two, seconds, err := page("1")
	if two == nil || err != nil {
		return err
	}
	if _, counted := one.members["count"]; counted {
		p.saw("list_members", "full", "", one)
	} else {
		p.saw("list_members", "sparse", "", one)
	}
	a, _ := first(firsts)
	b, more := first(seconds)
	switch {
	case len(firsts) == 0:
		p.unclear("list_skip", "The list is empty.", one, two)
	case authorizationUID(a) == "" || more && authorizationUID(b) == "":
		p.unclear("list_skip", "Its entries have no `authorization_uid`.", one, two)
	case more && authorizationUID(a) == authorizationUID(b):
		p.saw("list_skip", "ignored", "", one, two)
	default:
		p.saw("list_skip", "paged", "", one, two)
	}
	return nil
}

// authorizationUID returns the uid of an entry in the list of authorizations.
func authorizationUID(entry map[string]any) string {
	uid, _ := entry["authorization_uid"].(string)
	return uid
}

// askHubError asks for an app that does not exist.
func (p *Prober) askHubError(ctx context.Context, l *login) error {
	if p.hasNo(p.hosts.DeveloperHub, "hub_error_shape") {
		return nil
	}
	nobody := invented()[:24]
	resp, err := p.get(ctx, "An app that does not exist", developerHub, p.hosts.DeveloperHub, "/manifests/"+nobody+"/authorizations", nil, l, p.org)
	switch {
	case err != nil:
		return err
	case resp.err != nil || resp.status < 400 || resp.status >= 500 || resp.members == nil:
		p.unclear("hub_error_shape", said(resp), resp)
	default:
		p.saw("hub_error_shape", shape(resp), said(resp), resp)
	}
	return nil
}

// askWithInventions sends to the token endpoint what nobody has issued.
func (p *Prober) askWithInventions(ctx context.Context, _ *login) error {
	code := p.codeForm(invented(), string(csoauth.NewVerifier()))
	client := p.codeForm(invented(), string(csoauth.NewVerifier()))
	client.Set("client_id", invented()[:16])
	for _, try := range []struct {
		question, purpose string
		form              url.Values
	}{
		{"bad_code", "A code that was never issued", code},
		{"bad_client", "A client ID that does not exist", client},
		{"bad_refresh_token", "A refresh token that was never issued", p.refreshForm(invented())},
	} {
		resp, err := p.post(ctx, try.purpose, try.form)
		if err != nil {
			return err
		}
		p.lookAtRefusal(try.question, resp)
		if try.question == "bad_refresh_token" {
			return p.askOtherForms(ctx, resp)
		}
	}
	return nil
}

// askOtherForms sends a refresh token that was never issued in other forms than the documented one.
// The service reads such a form if it says the same as to the documented one.
func (p *Prober) askOtherForms(ctx context.Context, documented *response) error {
	withoutClient := p.refreshForm(invented())
	withoutClient.Del("client_id")
	withoutClient.Del("client_secret")
	for _, try := range []struct {
		question string
		ask      *request
	}{
		{"json", &request{purpose: "A refresh token that was never issued, in JSON", form: p.refreshForm(invented()), asJSON: true}},
		{"basic", &request{
			purpose: "A refresh token that was never issued, with the client in an Authorization header", form: withoutClient,
			basic: &credentials{p.c.ClientID, p.c.ClientSecret},
		}},
	} {
		try.ask.method, try.ask.service, try.ask.base = http.MethodPost, "token endpoint", p.token
		resp, err := p.wire.send(ctx, try.ask)
		if err != nil {
			return err
		}
		switch {
		case !resp.refuses() || !documented.refuses():
			p.unclear(try.question, said(resp), documented, resp)
		case saysTheSame(resp, documented):
			p.saw(try.question, "read", "", documented, resp)
		default:
			p.saw(try.question, "not-read", said(resp), documented, resp)
		}
	}
	return nil
}

// askCORS asks as the script of a page of another origin does.
func (p *Prober) askCORS(ctx context.Context, _ *login) error {
	ask := &request{
		purpose: "A page of another origin sends a code that was never issued", method: http.MethodPost, service: "token endpoint", base: p.token,
		form: p.codeForm(invented(), string(csoauth.NewVerifier())), crossOrigin: true,
	}
	resp, err := p.wire.send(ctx, ask)
	if err != nil {
		return err
	}
	before, err := p.wire.send(ctx, &request{
		purpose: "A browser asks before it sends for that page", method: http.MethodOptions, service: "token endpoint", base: p.token, crossOrigin: true,
	})
	if err != nil {
		return err
	}
	switch allows := resp.header.Get("Access-Control-Allow-Origin"); {
	case !resp.refuses():
		p.unclear("cors", said(resp), resp, before)
	case slices.Contains([]string{"*", origin}, allows):
		p.saw("cors", "allowed", "", resp, before)
	default:
		p.saw("cors", "not-allowed", "", resp, before)
	}
	return nil
}
