package emulator

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// An authorization is what a user has allowed an app in an organization. All logins of the three
// belong to it, on all machines, and end with it.
type authorization struct {
	uid     string
	app     App
	user    User
	org     Organization
	scopes  []string // sorted; all that the user ever allowed
	created time.Time
	updated time.Time
	revoked bool
	madeUp  bool // of a colleague
}

// An authorizationKey names an authorization by its app, user and organization.
type authorizationKey struct{ app, user, org string }

func (a *authorization) key() authorizationKey {
	return authorizationKey{a.app.UID, a.user.UID, a.org.UID}
}

// allow records a user's consent, which adds scopes to what the user has allowed before.
func (g *grants) allow(app App, user User, org Organization, scopes []string) *authorization {
	now := g.o.Now()
	key := authorizationKey{app.UID, user.UID, org.UID}
	a := g.authorizations[key]
	if a == nil {
		a = &authorization{uid: newSecret()[:24], app: app, user: user, org: org, created: now}
		g.authorizations[key] = a
	}
	a.scopes = slices.Concat(a.scopes, scopes)
	slices.Sort(a.scopes)
	a.scopes = slices.Compact(a.scopes)
	a.updated = now
	g.latest[appUser{app.UID, user.UID}] = a
	return a
}

// revoke ends an authorization and all its tokens. The user has to consent again.
func (g *grants) revoke(a *authorization) {
	a.revoked = true
	delete(g.authorizations, a.key())
	if who := (appUser{a.app.UID, a.user.UID}); g.latest[who] == a {
		delete(g.latest, who)
	}
}

// colleagues is how many more people of each organization have authorized each app. A list of them
// has more than two pages.
const colleagues = 120

// addColleagues adds the authorizations of an organization's other people, once.
func (g *grants) addColleagues(app App, org Organization) {
	place := authorizationKey{app: app.UID, org: org.UID}
	if g.crowded[place] {
		return
	}
	g.crowded[place] = true
	for i := range colleagues {
		user := User{UID: uid(org.UID, "colleague", i), Email: fmt.Sprintf("colleague%d@example.com", i+1)}
		a := &authorization{
			uid: uid(app.UID+org.UID, "authorization", i) + "00000", app: app, user: user, org: org, scopes: app.Scopes,
			created: g.started.Add(-time.Duration(i+1) * time.Hour), updated: g.started.Add(-time.Duration(i+1) * time.Minute), madeUp: true,
		}
		g.authorizations[a.key()] = a
	}
}

// uid makes a UID in Contentstack's form, always the same from the same words.
func uid(of, kind string, i int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", of, kind, i))
	return "blt" + hex.EncodeToString(sum[:8])
}

// visible returns the authorizations of an app that a user of an organization sees, oldest first:
// their own, and everyone's if they own the organization.
func (g *grants) visible(app App, user User, org Organization) (all []*authorization) {
	if org.Owner {
		g.addColleagues(app, org)
	}
	for key, a := range g.authorizations {
		if key.app == app.UID && key.org == org.UID && (org.Owner || key.user == user.UID) {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b *authorization) int {
		return cmp.Or(a.created.Compare(b.created), strings.Compare(a.uid, b.uid))
	})
	return all
}
