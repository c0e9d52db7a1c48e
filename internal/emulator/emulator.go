// Package emulator emulates Contentstack's side of OAuth: the authorize page, the token endpoint,
// and an API that accepts its tokens. It is one http.Handler, with its state in memory.
//
// The emulator is strict. Where Contentstack's documents leave a rule open, it follows the rule
// that is hardest on a client. The first request that names a code uses it up. A refresh token
// works once, and its second use ends the login. A refresh must repeat the redirect URI and the
// secret of its grant. So a client that passes here does not depend on a lenient server. The log
// has each decision and its reason, with the secrets masked.
//
// The package does not import the library that is tested with it: a mistake there cannot hide
// behind the same mistake here.
package emulator

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options are what an Emulator emulates. The zero Options give it one app and two users.
type Options struct {
	Apps  []App  // empty: DefaultApp
	Users []User // empty: DefaultUsers

	// AllowHosts are names and IP addresses, without a port, by which requests may reach the
	// emulator. Loopback names and addresses always may. Empty: no others.
	AllowHosts []string

	Location             string        // the region's name in callbacks and tokens; empty: "NA"
	AccessTokenLifetime  time.Duration // zero: 60 minutes, as documented
	CodeLifetime         time.Duration // zero: 60 seconds, as documented
	RefreshTokenLifetime time.Duration // zero: for ever; Contentstack documents none
	Unknowns             Unknowns
	Tolerate             []string         // IDs of Rules that a client may break without being refused
	Now                  func() time.Time // nil: time.Now
	Observe              func(Request)    // called with each request when it is decided; nil: nobody looks
}

// An App is registered in the emulated Developer Hub.
type App struct {
	UID          string   `json:"uid"`
	ClientID     string   `json:"client_id"`
	ClientSecret string   `json:"client_secret"`
	Name         string   `json:"name"`
	RedirectURIs []string `json:"redirect_uris"` // matched exactly; the first is the default
	AllowPKCE    bool     `json:"allow_pkce"`    // off: every token request needs the client secret
	Scopes       []string `json:"scopes"`        // configured user scopes, the most that an authorize URL may ask for
}

// A User can log in and consent.
type User struct {
	UID           string         `json:"uid"`
	Email         string         `json:"email"`
	FirstName     string         `json:"first_name"`
	LastName      string         `json:"last_name"`
	Organizations []Organization `json:"organizations"` // at least one; the first is chosen if the consent form names none
}

// An Organization is what a user chooses at consent.
type Organization struct {
	UID   string `json:"uid"`
	Name  string `json:"name"`
	Owner bool   `json:"owner"` // the user owns it, and sees who else has authorized apps in it
}

// DefaultApp has PKCE on, a secret that is optional, and a redirect URI of each common kind.
func DefaultApp() App {
	return App{
		UID:          "64e0f1a2b3c4d5e6f7a8b9c0",
		ClientID:     "emulated-Client1",
		ClientSecret: "emulated-secret-of-the-default-app",
		Name:         "Emulated App",
		RedirectURIs: []string{"http://localhost:8184", "http://localhost:8184/callback", "http://localhost:3000/callback"},
		AllowPKCE:    true,
		Scopes:       []string{"user:read", "organizations:read", "organization:read", "cm.stacks.management:read"},
	}
}

// DefaultUsers are one user of two organizations, and one of a single organization.
func DefaultUsers() []User {
	press := Organization{UID: "blt1a2b3c4d5e6f7081", Name: "Emulated Press"}
	shop := Organization{UID: "blt2b3c4d5e6f708192", Name: "Emulated Shop"}
	owned := press
	owned.Owner = true
	return []User{
		{UID: "blt00000000000ada01", Email: "ada@example.com", FirstName: "Ada", LastName: "Lovelace", Organizations: []Organization{owned, shop}},
		{UID: "blt0000000000alan02", Email: "alan@example.com", FirstName: "Alan", LastName: "Turing", Organizations: []Organization{press}},
	}
}

// An Emulator is safe for concurrent use.
type Emulator struct {
	o     Options
	mux   *http.ServeMux
	added *http.ServeMux // what API added; locks itself
	apis  *http.ServeMux // the emulator's own
	hosts []string       // the AllowHosts, canonical
	log   *requestLog

	mu     sync.Mutex
	apps   []App
	grants grants
	forms  answeredForms
	faults []Fault
}

// New returns an Emulator, or an error that names what in o cannot work.
func New(o Options) (*Emulator, error) {
	if len(o.Apps) == 0 {
		o.Apps = []App{DefaultApp()}
	}
	if len(o.Users) == 0 {
		o.Users = DefaultUsers()
	}
	o.Location = cmp.Or(o.Location, "NA")
	o.AccessTokenLifetime = cmp.Or(o.AccessTokenLifetime, time.Hour)
	o.CodeLifetime = cmp.Or(o.CodeLifetime, time.Minute)
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("emulator: %w", err)
	}
	e := &Emulator{o: o, apps: slices.Clone(o.Apps), log: newRequestLog(o), grants: newGrants(o), added: http.NewServeMux(), apis: http.NewServeMux()}
	for _, host := range o.AllowHosts {
		e.hosts = append(e.hosts, canonicalHost(host))
	}
	e.routes()
	return e, nil
}

func (o *Options) check() error {
	switch {
	case o.AccessTokenLifetime < time.Second || o.CodeLifetime <= 0:
		return fmt.Errorf("lifetimes: an access token lives a second at least, a code more than nothing")
	case o.RefreshTokenLifetime < 0:
		return fmt.Errorf("lifetimes: a refresh token's is negative")
	}
	if err := o.Unknowns.fill(); err != nil {
		return err
	}
	for _, id := range o.Tolerate {
		if err := CheckTolerable(id); err != nil {
			return fmt.Errorf("tolerate %w", err)
		}
	}
	for _, host := range o.AllowHosts {
		if !canBeAllowed(host) {
			return fmt.Errorf("allowed host %q: want a name or an IP address, without a port", host)
		}
	}
	seen := map[string]bool{}
	for i, a := range o.Apps {
		switch {
		case a.UID == "" || a.ClientID == "":
			return fmt.Errorf("app %d: UID or ClientID is empty", i+1)
		case seen[a.UID] || seen[a.ClientID]:
			return fmt.Errorf("app %d: its UID or ClientID is another app's", i+1)
		case a.ClientSecret == "" && !a.AllowPKCE:
			return fmt.Errorf("app %s: without AllowPKCE it needs a ClientSecret", a.UID)
		}
		for _, uri := range a.RedirectURIs {
			if err := a.checkRedirectURI(uri); err != nil {
				return err
			}
		}
		seen[a.UID], seen[a.ClientID] = true, true
	}
	for i, u := range o.Users {
		switch {
		case u.UID == "" || len(u.Organizations) == 0:
			return fmt.Errorf("user %d: UID is empty, or there is no organization", i+1)
		case seen[u.UID]:
			return fmt.Errorf("user %d: its UID is taken", i+1)
		}
		seen[u.UID] = true
	}
	return nil
}

func (e *Emulator) routes() {
	e.mux = http.NewServeMux()
	for _, path := range TokenPaths() {
		e.mux.HandleFunc(path, e.serveToken)
	}
	e.mux.HandleFunc("GET /{$}", e.serveIndex)
	e.mux.HandleFunc("GET /login", e.serveLogin)
	e.mux.Handle("POST /login", sameOrigin(e.logIn))
	e.mux.Handle("POST /logout", sameOrigin(e.logOut))
	e.mux.HandleFunc("GET /_emulator/{file}", servePageFile)
	e.mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	e.mux.HandleFunc("GET /_emulator/requests", e.serveRequests)
	e.mux.Handle("POST /_emulator/faults", sameOrigin(e.serveFaults))
	e.mux.Handle("POST /_emulator/expire", sameOrigin(serveEnd(e.Expire)))
	e.mux.Handle("POST /_emulator/revoke", sameOrigin(serveEnd(e.Revoke)))
	e.mux.HandleFunc("GET /apps/{app}/authorize", e.serveConsent)
	e.mux.Handle("POST /apps/{app}/authorize", sameOrigin(e.serveDecision))
	e.mux.HandleFunc("/", e.serveAPI)
	e.contentRoutes()
	e.hubRoutes()
}

// sameOrigin refuses what a page of another site makes a browser send. Programs that are no
// browsers pass.
func sameOrigin(handler http.HandlerFunc) http.Handler {
	return http.NewCrossOriginProtection().Handler(handler)
}

// TokenPaths are the token endpoint and its aliases, the documented one first.
func TokenPaths() []string {
	return []string{"/apps-api/apps/token", "/apps-api/token", "/apps/token", "/token"}
}

// ServeHTTP responds as Contentstack's application, Developer Hub and Content Management API would.
// It refuses requests for a host that it does not serve.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !e.servesHost(r.Host) {
		e.refuseHost(w, r)
		return
	}
	e.mux.ServeHTTP(w, r)
}

// Register adds a redirect URI to an app. It returns an error if there is no such app, or if no app
// can have that URI.
func (e *Emulator) Register(appUID, redirectURI string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.apps {
		if a := &e.apps[i]; a.UID == appUID {
			if err := a.checkRedirectURI(redirectURI); err != nil {
				return fmt.Errorf("emulator: %w", err)
			}
			if !slices.Contains(a.RedirectURIs, redirectURI) {
				a.RedirectURIs = append(slices.Clip(a.RedirectURIs), redirectURI)
			}
			return nil
		}
	}
	return fmt.Errorf("emulator: there is no app %s", appUID)
}

// Apps returns the registered apps.
func (e *Emulator) Apps() []App {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.apps)
}

// Users returns the users, in the order of the Options.
func (e *Emulator) Users() []User { return slices.Clone(e.o.Users) }

// findApp returns the app for which is is true.
func (e *Emulator) findApp(is func(App) bool) (App, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := slices.IndexFunc(e.apps, is)
	if i < 0 {
		return App{}, false
	}
	return e.apps[i], true
}

func (e *Emulator) findUser(uid string) (User, bool) {
	if uid == "" {
		return e.o.Users[0], true
	}
	i := slices.IndexFunc(e.o.Users, func(u User) bool { return u.UID == uid })
	if i < 0 {
		return User{}, false
	}
	return e.o.Users[i], true
}

func (u User) organization(uid string) (Organization, bool) {
	if uid == "" {
		return u.Organizations[0], true
	}
	i := slices.IndexFunc(u.Organizations, func(o Organization) bool { return o.UID == uid })
	if i < 0 {
		return Organization{}, false
	}
	return u.Organizations[i], true
}

// Name is the user's full name, or else the uid.
func (u User) Name() string { return cmp.Or(strings.TrimSpace(u.FirstName+" "+u.LastName), u.UID) }
