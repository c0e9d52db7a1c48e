package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// stateVersion is raised when an older emulator would misread a state.
const stateVersion = 1

// A savedState is what outlives the process: the logins with their tokens, and who consented to
// what. Codes do not; they live a minute.
type savedState struct {
	Version  int            `json:"version"`
	Logins   []savedLogin   `json:"logins"`
	Consents []savedConsent `json:"consents"`
}

type savedLogin struct {
	App          string                  `json:"app"`
	User         string                  `json:"user"`
	Organization Organization            `json:"organization"`
	Scopes       []string                `json:"scopes"`
	RedirectURI  string                  `json:"redirect_uri"`
	WithSecret   bool                    `json:"with_secret"`
	Revoked      bool                    `json:"revoked"`
	Current      string                  `json:"current"` // access token
	Access       map[string]time.Time    `json:"access"`  // when each expires
	Refresh      map[string]savedRefresh `json:"refresh"`
}

type savedRefresh struct {
	Issued time.Time `json:"issued"`
	Spent  time.Time `json:"spent,omitzero"`
}

type savedConsent struct {
	App          string       `json:"app"`
	User         string       `json:"user"`
	Scopes       []string     `json:"scopes"`
	Organization Organization `json:"organization"`
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
	logins := map[*grant]*savedLogin{}
	login := func(f *grant) *savedLogin {
		if logins[f] == nil {
			logins[f] = &savedLogin{
				App: f.app.UID, User: f.user.UID, Organization: f.org, Scopes: f.scopes, RedirectURI: f.redirectURI,
				WithSecret: f.withSecret, Revoked: f.revoked, Current: f.access,
				Access: map[string]time.Time{}, Refresh: map[string]savedRefresh{},
			}
		}
		return logins[f]
	}
	for value, t := range g.refresh {
		login(t.grant).Refresh[value] = savedRefresh{t.issued, t.spent}
	}
	for value, t := range g.access {
		login(t.grant).Access[value] = t.expires
	}
	state := savedState{Version: stateVersion}
	for l := range maps.Values(logins) {
		state.Logins = append(state.Logins, *l)
	}
	for who, c := range g.consents {
		state.Consents = append(state.Consents, savedConsent{who.app, who.user, c.scopes, c.org})
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
	case state.Version < 1 || state.Version > stateVersion:
		return fmt.Errorf("state: version %d: want %d", state.Version, stateVersion)
	}
	fresh := newGrants(e.o)
	for i, login := range state.Logins {
		if login.Current == "" {
			return errors.New("state: login " + fmt.Sprint(i+1) + " has no current access token")
		}
		app, known := e.findApp(func(a App) bool { return a.UID == login.App })
		user := slices.IndexFunc(e.o.Users, func(u User) bool { return u.UID == login.User })
		if !known || user < 0 {
			continue
		}
		f := &grant{
			app: app, user: e.o.Users[user], org: login.Organization, scopes: login.Scopes, redirectURI: login.RedirectURI,
			withSecret: login.WithSecret, revoked: login.Revoked, access: login.Current,
		}
		for value, expires := range login.Access {
			fresh.access[value] = &accessToken{f, expires}
		}
		for value, t := range login.Refresh {
			fresh.refresh[value] = &refreshToken{f, t.Issued, t.Spent}
		}
	}
	for _, c := range state.Consents {
		fresh.consents[appUser{c.App, c.User}] = consent{c.Scopes, c.Organization}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.grants = fresh
	return nil
}
