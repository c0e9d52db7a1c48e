package emulator

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// contentRoutes are the endpoints of the Content Management API.
func (e *Emulator) contentRoutes() {
	handle := func(pattern string, do func(w http.ResponseWriter, r *http.Request, c *call)) {
		e.apis.Handle(pattern, e.behindToken(contentManagement, do))
	}
	handle("GET /v3/user", e.serveUser)
	handle("GET /v3/organizations", e.serveOrganizations)
	handle("GET /v3/organizations/{organization}", e.serveOrganization)
	handle("GET /v3/organizations/{organization}/stacks", e.serveOrganizationStacks)
	handle("GET /v3/stacks", e.serveStacks)
	handle("GET /v3/stacks/settings", e.serveStackSettings)
}

func (e *Emulator) serveUser(w http.ResponseWriter, _ *http.Request, c *call) {
	if !c.may(e, w, "user:read") {
		return
	}
	c.entry.end(http.StatusOK, "told who "+c.user.Name()+" is")
	writeJSON(w, http.StatusOK, map[string]any{"user": c.user.profile(&e.o.Unknowns)})
}

// profile is the user as the Content Management API tells it.
func (u User) profile(unknowns *Unknowns) map[string]any {
	organizations, uids := []map[string]any{}, []string{}
	for _, o := range u.Organizations {
		organizations = append(organizations, map[string]any{"uid": o.UID, "name": o.Name, "is_owner": o.Owner})
		uids = append(uids, o.UID)
	}
	profile := map[string]any{
		"uid": u.UID, "email": u.Email, "username": u.Email, "first_name": u.FirstName, "last_name": u.LastName,
		"company": nil, "org_uid": uids, "shared_org_uid": []string{}, "active": true,
		"organizations": organizations,
	}
	if unknowns.UserOrganizations == "no" {
		delete(profile, "organizations")
	}
	if unknowns.UserAuthtoken == "yes" {
		profile["authtoken"] = uid(u.UID, "authtoken", 0)
	}
	return profile
}

// serveOrganizations lists the user's organizations.
func (e *Emulator) serveOrganizations(w http.ResponseWriter, _ *http.Request, c *call) {
	if !c.may(e, w, "organizations:read") {
		return
	}
	orgs := c.user.Organizations
	if e.o.Unknowns.OrganizationList == "token" {
		orgs = []Organization{c.org}
	}
	all := []map[string]any{}
	for _, o := range orgs {
		all = append(all, o.members(c.user))
	}
	e.writeList(w, c, "organizations", named(all, c))
}

func (o Organization) members(user User) map[string]any {
	members := map[string]any{
		"uid": o.UID, "name": o.Name, "plan_id": "emulated", "enabled": true, "expires_on": "2099-01-01T00:00:00.000Z",
		"owner_uid": uid(o.UID, "owner", 0), "is_over_usage_allowed": true,
		"created_at": timestamp(longAgo), "updated_at": timestamp(longAgo),
	}
	if o.Owner {
		members["owner_uid"] = user.UID
	}
	return members
}

func (e *Emulator) serveOrganization(w http.ResponseWriter, r *http.Request, c *call) {
	if !c.may(e, w, "organization:read") || c.isElsewhere(e, w, r.PathValue("organization")) {
		return
	}
	c.entry.end(http.StatusOK, "told about "+c.org.Name)
	if e.o.Unknowns.OrganizationMember == "organizations" {
		writeJSON(w, http.StatusOK, map[string]any{"organizations": []any{c.org.members(c.user)}})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"organization": c.org.members(c.user)})
}

func (e *Emulator) serveOrganizationStacks(w http.ResponseWriter, r *http.Request, c *call) {
	if !c.may(e, w, "cm.stacks.management:read") || c.isElsewhere(e, w, r.PathValue("organization")) {
		return
	}
	e.writeList(w, c, "stacks", named(stacksOf(c.org), c))
}

// serveStacks lists the stacks of the organization that the header names.
func (e *Emulator) serveStacks(w http.ResponseWriter, r *http.Request, c *call) {
	if !c.may(e, w, "cm.stacks.management:read") {
		return
	}
	organization := r.Header.Get("organization_uid")
	if organization == "" {
		c.entry.breaks(noOrganizationUID)
		if e.o.Unknowns.StacksWithoutOrganization == "empty" {
			e.writeList(w, c, "stacks", []map[string]any{})
			return
		}
		organization = c.org.UID
	}
	if c.isElsewhere(e, w, organization) {
		return
	}
	e.writeList(w, c, "stacks", stacksOf(c.org))
}

// serveStackSettings is the cheapest request that tells whether a token and an API key fit.
func (e *Emulator) serveStackSettings(w http.ResponseWriter, r *http.Request, c *call) {
	key := r.Header.Get("api_key")
	has := func(org Organization) bool {
		return slices.ContainsFunc(stacksOf(org), func(stack map[string]any) bool { return stack["api_key"] == key })
	}
	switch {
	case has(c.org):
		c.entry.end(http.StatusOK, "told the settings of a stack in "+c.org.Name)
		writeJSON(w, http.StatusOK, map[string]any{"stack_settings": map[string]any{"stack_variables": map[string]any{}, "discrete_variables": map[string]any{}}})
	case slices.ContainsFunc(c.user.Organizations, has):
		c.isElsewhere(e, w, "")
	default:
		c.entry.end(http.StatusPreconditionFailed, "refused: there is no stack with that api_key")
		contentManagement(e, w, http.StatusPreconditionFailed, 109, "The api_key is not valid.")
	}
}

// stacks is how many stacks each organization has. A list of them has more than two pages.
const stacks = 230

// longAgo is when all that the emulator makes up was made.
var longAgo = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// stacksOf makes up the stacks of an organization, always the same ones.
func stacksOf(o Organization) []map[string]any {
	all := []map[string]any{}
	for i := range stacks {
		created := longAgo.Add(time.Duration(i) * time.Hour)
		all = append(all, map[string]any{
			"uid": uid(o.UID, "stack", i), "name": fmt.Sprintf("%s stack %d", o.Name, i+1), "description": "",
			"api_key": uid(o.UID, "api key", i), "org_uid": o.UID, "master_locale": "en-us",
			"owner_uid": uid(o.UID, "owner", 0), "user_uids": []string{}, "settings": map[string]any{},
			"created_at": timestamp(created), "updated_at": timestamp(created),
		})
	}
	return all
}

// named returns what has the typeahead parameter of the call in its name, all without it, in the
// order of the names that the call asks for.
func named(all []map[string]any, c *call) []map[string]any {
	name := func(members map[string]any) string { return fmt.Sprint(members["name"]) }
	if part := strings.ToLower(c.query.Get("typeahead")); part != "" {
		all = slices.DeleteFunc(all, func(m map[string]any) bool { return !strings.Contains(strings.ToLower(name(m)), part) })
	}
	if c.query.Get("asc") == "name" || c.query.Get("desc") == "name" {
		slices.SortFunc(all, func(a, b map[string]any) int { return strings.Compare(name(a), name(b)) })
	}
	if c.query.Get("desc") != "" {
		slices.Reverse(all)
	}
	return all
}

// contentPage is the most entries that a list of the Content Management API has, and how many it
// has if the call does not say.
const contentPage = 100

// writeList writes a page of a list in response to a call.
func (e *Emulator) writeList(w http.ResponseWriter, c *call, name string, all []map[string]any) {
	skip, limit, ok := e.pageOf(c, contentPage)
	if !ok {
		c.refuse(e, w, http.StatusUnprocessableEntity, 141, "skip and limit must be numbers")
		return
	}
	page := pageFrom(all, skip, limit)
	members := map[string]any{name: page}
	if c.query.Get("include_count") == "true" {
		members["count"] = len(all)
	}
	c.entry.end(http.StatusOK, fmt.Sprintf("listed %d of %d %s", len(page), len(all), name))
	writeJSON(w, http.StatusOK, members)
}
