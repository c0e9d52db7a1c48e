package emulator

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// stateVersion is raised when an older emulator would misread a state.
const stateVersion = 2

// A savedState is what outlives the process: the authorizations, and the logins with their tokens.
// Codes do not; they live a minute. Neither does what was used before.
type savedState struct {
	Version        int                  `json:"version"`
	Authorizations []savedAuthorization `json:"authorizations"`
	Logins         []savedLogin         `json:"logins"`
}

type savedAuthorization struct {
	UID          string       `json:"uid"`
	App          string       `json:"app"`
	User         string       `json:"user"`
	Organization Organization `json:"organization"`
	Scopes       []string     `json:"scopes"`
	Created      time.Time    `json:"created"`
	Updated      time.Time    `json:"updated"`
	Revoked      bool         `json:"revoked,omitempty"`
	Latest       bool         `json:"latest,omitempty"` // of its user and app
}

type savedLogin struct {
	Authorization string                  `json:"authorization"` // its UID
	Scopes        []string                `json:"scopes"`
	RedirectURI   string                  `json:"redirect_uri"`
	WithSecret    bool                    `json:"with_secret"`
	Ended         bool                    `json:"ended"`
	Current       string                  `json:"current"` // access token
	Access        map[string]savedAccess  `json:"access"`
	Refresh       map[string]savedRefresh `json:"refresh"`
}

type savedAccess struct {
	Scopes  []string  `json:"scopes"`
	Expires time.Time `json:"expires"`
}

type savedRefresh struct {
	Issued time.Time `json:"issued"`
	Spent  time.Time `json:"spent,omitzero"`
	Lost   bool      `json:"lost,omitempty"`
}

// Save writes the state, which holds every token as it is.
func (e *Emulator) Save(w io.Writer) error {
	e.mu.Lock()
	state := e.grants.save()
	e.mu.Unlock()
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(state)
}

func (g *grants) save() savedState {
	state := savedState{Version: stateVersion}
	saved := map[*authorization]bool{}
	save := func(a *authorization) {
		if !saved[a] && !a.madeUp {
			saved[a] = true
			state.Authorizations = append(state.Authorizations, savedAuthorization{
				a.uid, a.app.UID, a.user.UID, a.org, a.scopes, a.created, a.updated, a.revoked, g.latest[appUser{a.app.UID, a.user.UID}] == a,
			})
		}
	}
	logins := map[*grant]*savedLogin{}
	login := func(f *grant) *savedLogin {
		if logins[f] == nil {
			save(f.authorization)
			logins[f] = &savedLogin{
				Authorization: f.uid, Scopes: f.scopes, RedirectURI: f.redirectURI, WithSecret: f.withSecret,
				Ended: f.ended, Current: f.access, Access: map[string]savedAccess{}, Refresh: map[string]savedRefresh{},
			}
		}
		return logins[f]
	}
	for value, t := range g.refresh {
		login(t.grant).Refresh[value] = savedRefresh{t.issued, t.spent, t.lost}
	}
	for value, t := range g.access {
		login(t.grant).Access[value] = savedAccess{t.scopes, t.expires}
	}
	for l := range maps.Values(logins) {
		state.Logins = append(state.Logins, *l)
	}
	for a := range maps.Values(g.authorizations) {
		save(a)
	}
	return state
}

// Load replaces the state by a saved one. Logins of apps and users that are not there any more are
// left out.
func (e *Emulator) Load(r io.Reader) error {
	var state savedState
	switch err := json.NewDecoder(r).Decode(&state); {
	case err != nil:
		return fmt.Errorf("state: %w", err)
	case state.Version != stateVersion:
		return fmt.Errorf("state: version %d, want %d: delete the file, and log in again", state.Version, stateVersion)
	}
	fresh := newGrants(e.o)
	authorizations := map[string]*authorization{}
	for _, saved := range state.Authorizations {
		app, known := e.findApp(func(a App) bool { return a.UID == saved.App })
		user := slices.IndexFunc(e.o.Users, func(u User) bool { return u.UID == saved.User })
		if !known || user < 0 {
			continue
		}
		a := &authorization{
			uid: saved.UID, app: app, user: e.o.Users[user], org: saved.Organization, scopes: saved.Scopes,
			created: saved.Created, updated: saved.Updated, revoked: saved.Revoked,
		}
		authorizations[a.uid] = a
		if !a.revoked {
			fresh.authorizations[a.key()] = a
		}
		if saved.Latest {
			fresh.latest[appUser{app.UID, a.user.UID}] = a
		}
	}
	for i, login := range state.Logins {
		if login.Current == "" {
			return fmt.Errorf("state: login %d has no current access token", i+1)
		}
		a := authorizations[login.Authorization]
		if a == nil {
			continue
		}
		f := &grant{
			authorization: a, scopes: login.Scopes, redirectURI: login.RedirectURI, withSecret: login.WithSecret,
			ended: login.Ended, access: login.Current,
		}
		for value, t := range login.Access {
			fresh.access[value] = &accessToken{f, t.Scopes, t.Expires}
		}
		for value, t := range login.Refresh {
			fresh.refresh[value] = &refreshToken{f, t.Issued, t.Spent, t.Lost}
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.grants = fresh
	return nil
}
