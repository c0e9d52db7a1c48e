package emulator

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// hubRoutes are the endpoints of the Developer Hub API, at the Developer Hub's host and under
// /apps-api at the application's.
func (e *Emulator) hubRoutes() {
	for _, prefix := range []string{"", "/apps-api"} {
		handle := func(method, path string, do func(w http.ResponseWriter, r *http.Request, c *call)) {
			e.apis.Handle(method+" "+prefix+path, e.behindToken(developerHub, inOrganization(e, do)))
		}
		handle("GET", "/manifests/oauth/scopes", e.serveScopes)
		handle("GET", "/manifests/{app}/authorizations", e.serveAuthorizations)
		handle("DELETE", "/manifests/{app}/authorizations", e.deleteAuthorizations)
		handle("DELETE", "/manifests/{app}/authorizations/{$}", e.deleteAuthorizations) // an empty UID is none
		handle("DELETE", "/manifests/{app}/authorizations/{authorization}", e.deleteAuthorization)
		handle("GET", "/authorized-apps", e.serveAuthorizedApps)
		e.mux.HandleFunc("POST "+prefix+"/introspect", e.serveIntrospect)
	}
}

// inOrganization refuses calls for another organization than the token's. A call that names none is
// a finding, and is for the token's.
func inOrganization(e *Emulator, do func(w http.ResponseWriter, r *http.Request, c *call)) func(http.ResponseWriter, *http.Request, *call) {
	return func(w http.ResponseWriter, r *http.Request, c *call) {
		switch organization := r.Header.Get("organization_uid"); {
		case organization == "":
			c.entry.breaks(noOrganizationUID)
		case c.isElsewhere(e, w, organization):
			return
		}
		do(w, r, c)
	}
}

// serveScopes lists the scopes that an app can be configured with.
func (e *Emulator) serveScopes(w http.ResponseWriter, _ *http.Request, c *call) {
	scopes := []string{}
	for line := range strings.Lines(scopeFile) {
		name, _, _ := strings.Cut(line, "\t")
		scopes = append(scopes, name)
	}
	c.entry.end(http.StatusOK, fmt.Sprintf("listed %d scopes", len(scopes)))
	if e.o.Unknowns.ScopeList == "grouped" {
		writeJSON(w, http.StatusOK, map[string]any{"data": map[string]any{"user": scopes, "app": []string{}}})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": map[string]any{"scopes": scopes}})
}

// hubPage is the most entries that a list of the Developer Hub has, and how many it has if the call
// does not say.
const hubPage = 50

// serveAuthorizations lists who has authorized an app.
func (e *Emulator) serveAuthorizations(w http.ResponseWriter, r *http.Request, c *call) {
	app, ok := e.manifest(w, r, c)
	if !ok {
		return
	}
	e.mu.Lock()
	authorizations := []map[string]any{}
	for _, a := range e.grants.visible(app, c.user, c.org) {
		authorizations = append(authorizations, a.members(e.o.Unknowns.ListMembers == "full"))
	}
	e.mu.Unlock()
	if search := strings.ToLower(c.query.Get("search")); !strings.Contains(strings.ToLower(app.Name), search) {
		authorizations = authorizations[:0] // it searches the names of apps
	}
	if strings.EqualFold(c.query.Get("order"), "desc") {
		slices.Reverse(authorizations)
	}
	e.writeData(w, c, "authorizations", authorizations)
}

// members is an authorization as the Developer Hub tells it.
func (a *authorization) members(full bool) map[string]any {
	if !full {
		return map[string]any{"authorization_uid": a.uid, "user": map[string]any{"uid": a.user.UID}}
	}
	return map[string]any{
		"authorization_uid": a.uid, "app_uid": a.app.UID, "organization_uid": a.org.UID, "scopes": a.scopes,
		"created_at": timestamp(a.created), "updated_at": timestamp(a.updated),
		"user": map[string]any{"uid": a.user.UID, "email": a.user.Email, "first_name": a.user.FirstName, "last_name": a.user.LastName},
	}
}

// deleteAuthorization ends one authorization, with all its logins.
func (e *Emulator) deleteAuthorization(w http.ResponseWriter, r *http.Request, c *call) {
	app, ok := e.manifest(w, r, c)
	if !ok {
		return
	}
	e.mu.Lock()
	visible := e.grants.visible(app, c.user, c.org)
	i := slices.IndexFunc(visible, func(a *authorization) bool { return a.uid == r.PathValue("authorization") })
	if i >= 0 {
		e.grants.revoke(visible[i])
	}
	e.mu.Unlock()
	if i < 0 {
		status, _ := strconv.Atoi(e.o.Unknowns.RevokedAgain) // New has checked that it is a number
		if status == http.StatusOK {
			c.entry.end(status, "there is no such authorization")
			e.writeRevoked(w)
			return
		}
		c.refuse(e, w, status, 0, "There is no such authorization")
		return
	}
	c.entry.end(http.StatusOK, "ended the authorization of "+visible[i].user.Name())
	e.writeRevoked(w)
}

// deleteAuthorizations ends every authorization of the app that the user sees.
func (e *Emulator) deleteAuthorizations(w http.ResponseWriter, r *http.Request, c *call) {
	app, ok := e.manifest(w, r, c)
	if !ok {
		return
	}
	e.mu.Lock()
	visible := e.grants.visible(app, c.user, c.org)
	for _, a := range visible {
		e.grants.revoke(a)
	}
	e.mu.Unlock()
	c.entry.end(http.StatusOK, fmt.Sprintf("ended all %d authorizations", len(visible)))
	e.writeRevoked(w)
}

// writeRevoked writes the response to a deletion.
func (e *Emulator) writeRevoked(w http.ResponseWriter) {
	switch e.o.Unknowns.RevokeBody {
	case "object":
		writeJSON(w, http.StatusOK, map[string]any{})
	case "text":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, "OK")
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// serveAuthorizedApps lists the apps that the user has authorized.
func (e *Emulator) serveAuthorizedApps(w http.ResponseWriter, _ *http.Request, c *call) {
	apps := []map[string]any{}
	for _, app := range e.Apps() {
		e.mu.Lock()
		authorized := e.grants.authorizations[authorizationKey{app.UID, c.user.UID, c.org.UID}] != nil
		e.mu.Unlock()
		if authorized {
			apps = append(apps, map[string]any{"uid": app.UID, "name": app.Name, "description": "", "organization_uid": c.org.UID})
		}
	}
	e.writeData(w, c, "apps", apps)
}

// manifest returns the app that the path names. If there is none, the call is refused.
func (e *Emulator) manifest(w http.ResponseWriter, r *http.Request, c *call) (App, bool) {
	app, ok := e.findApp(func(a App) bool { return a.UID == r.PathValue("app") })
	if !ok {
		c.refuse(e, w, http.StatusNotFound, 0, fmt.Sprintf("App with id `%.40s` not found", r.PathValue("app")))
	}
	return app, ok
}

// writeData writes a page of a list in response to a call.
func (e *Emulator) writeData(w http.ResponseWriter, c *call, what string, all []map[string]any) {
	skip, limit, ok := e.pageOf(c, hubPage)
	if !ok {
		c.refuse(e, w, http.StatusBadRequest, 0, "skip and limit must be numbers")
		return
	}
	page := pageFrom(all, skip, limit)
	members := map[string]any{"data": page}
	if e.o.Unknowns.ListMembers == "full" {
		members["skip"], members["limit"], members["count"] = skip, limit, len(all)
	}
	c.entry.end(http.StatusOK, fmt.Sprintf("listed %d of %d %s", len(page), len(all), what))
	writeJSON(w, http.StatusOK, members)
}

// pageOf returns which part of a list a call asks for: at most most entries, which is also what it
// gets if it does not say.
func (e *Emulator) pageOf(c *call, most int) (skip, limit int, ok bool) {
	limit = most
	for name, number := range map[string]*int{"skip": &skip, "limit": &limit} {
		if text := c.query.Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 {
				return 0, 0, false
			}
			*number = n
		}
	}
	if e.o.Unknowns.ListSkip == "ignored" {
		skip = 0
	}
	return skip, min(limit, most), true
}

func pageFrom(all []map[string]any, skip, limit int) []map[string]any {
	all = all[min(skip, len(all)):]
	return all[:min(limit, len(all))]
}
