package csoauth

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// An AuthorizeRoute is the form of the authorize URL. Contentstack's page accepts both forms.
type AuthorizeRoute uint8

const (
	// RouteHash is {app}/#!/apps/{app_uid}/authorize?…, the form that Contentstack's PKCE page
	// documents. A browser does not send the part after #. So a user who is not logged in yet may
	// end on the dashboard instead of the consent page, and must open the URL again.
	RouteHash AuthorizeRoute = iota
	// RoutePath is {app}/apps/{app_uid}/authorize?…, the form that Contentstack's general OAuth
	// page documents. It also works for a user who is not logged in yet.
	RoutePath
)

// String returns "hash" or "path".
func (r AuthorizeRoute) String() string {
	switch r {
	case RouteHash:
		return "hash"
	case RoutePath:
		return "path"
	}
	return fmt.Sprintf("AuthorizeRoute(%d)", uint8(r))
}

func (r AuthorizeRoute) check() error {
	if r > RoutePath {
		return fmt.Errorf("%v is not a route: use RouteHash or RoutePath", r)
	}
	return nil
}

// defaultLifetime is how long a user has to log in and consent.
const defaultLifetime = 10 * time.Minute

// AuthOptions change one attempt to log in. A nil *AuthOptions means all defaults.
type AuthOptions struct {
	// Scopes replace the Config's. Nil: the Config's. Empty but not nil: no scope is sent, which
	// asks for the app's configured scopes.
	Scopes []string
	// RedirectURI replaces the Config's. Use it for an app with several redirect URIs. Empty: the
	// Config's.
	RedirectURI string
	// Lifetime is how long the user has to come back with the callback. Zero: 10 minutes.
	Lifetime time.Duration
	// Params are extra query parameters. They come after the documented ones, sorted by name.
	Params map[string]string
	// OmitMethod leaves code_challenge_method out of the URL. Contentstack then assumes plain, so
	// it is an error to set this with any method other than Plain.
	OmitMethod bool
	// OrganizationUID refuses a token for any other organization. Users choose the organization on
	// the consent page, and a token works only in that organization. Empty: any.
	OrganizationUID string
}

// An AuthRequest is one attempt to log in. It holds the contents of the authorize URL, and the
// secrets that check the callback.
//
// Make it with [Config.NewAuthRequest]. Store it under its State where only this user's callback
// can find it: in a session, a sealed cookie or a variable. When a callback comes, take the
// AuthRequest with the callback's state out of the store, and pass it to [Config.Exchange]. Each
// AuthRequest can be exchanged once. A callback with another state does not use it up.
//
// It is safe for concurrent use as long as no one changes it. All its copies in memory together can
// be exchanged only once. A copy made by MarshalBinary and UnmarshalBinary counts as another
// AuthRequest, so remove it from the store when you read it.
type AuthRequest struct {
	ClientID    string
	State       string // secret until the callback; 43 characters
	RedirectURI string
	Verifier    Verifier

	ChallengeMethod ChallengeMethod
	OmitMethod      bool
	Scopes          []string
	Params          map[string]string
	OrganizationUID string    // required of the token; empty: any
	Expires         time.Time // a callback after this comes too late

	used *atomic.Bool // nil: not made by this package
}

// reservedParams are the parameters that an AuthRequest sets itself.
var reservedParams = []string{
	"response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method",
}

// NewAuthRequest begins an attempt to log in. Its state and its verifier are fresh, with 32 random
// bytes each. It returns an error if [Config.Validate] does, or if o has a mistake.
func (c *Config) NewAuthRequest(o *AuthOptions) (*AuthRequest, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if o == nil {
		o = &AuthOptions{}
	}
	if err := o.check(c); err != nil {
		return nil, fmt.Errorf("csoauth: auth options: %w", err)
	}
	r := &AuthRequest{
		ClientID:        c.ClientID,
		State:           randomText(),
		RedirectURI:     cmp.Or(o.RedirectURI, c.RedirectURI),
		Verifier:        NewVerifier(),
		ChallengeMethod: c.ChallengeMethod.orDefault(),
		OmitMethod:      o.OmitMethod,
		Scopes:          slices.Clone(c.Scopes),
		Params:          maps.Clone(o.Params),
		OrganizationUID: o.OrganizationUID,
		Expires:         time.Now().Add(defaultLifetime),
		used:            new(atomic.Bool),
	}
	if o.Scopes != nil {
		r.Scopes = slices.Clone(o.Scopes)
	}
	if o.Lifetime != 0 {
		r.Expires = time.Now().Add(o.Lifetime)
	}
	return r, nil
}

func (o *AuthOptions) check(c *Config) error {
	if err := checkScopes(o.Scopes); err != nil {
		return fieldError("Scopes", err)
	}
	if o.RedirectURI != "" {
		if err := checkRedirectURI(o.RedirectURI); err != nil {
			return fieldError("RedirectURI", err)
		}
	}
	if o.Lifetime < 0 {
		return fieldError("Lifetime", fmt.Errorf("%v is negative", o.Lifetime))
	}
	for _, name := range slices.Sorted(maps.Keys(o.Params)) {
		switch {
		case name == "":
			return fieldError("Params", errors.New("a parameter has no name"))
		case slices.Contains(reservedParams, strings.ToLower(name)):
			return fieldError("Params", fmt.Errorf("%s is set by csoauth itself", quote(name)))
		}
	}
	if method := c.ChallengeMethod.orDefault(); o.OmitMethod && method != Plain {
		return fieldError("OmitMethod", fmt.Errorf("an authorize URL without code_challenge_method means %q, and this Config uses %q", Plain, method))
	}
	return nil
}

// AuthorizeURL returns the URL to send the user's browser to. It contains the state and, with
// [Plain], the verifier. Give it only to that browser, and keep it out of logs.
//
// The parameters have the order of Contentstack's PKCE page and are percent-encoded. A space
// becomes %20, which every parser reads the same way, in a query and after #.
func (c *Config) AuthorizeURL(r *AuthRequest) string {
	row, _ := c.endpoints(c.Region) // NewAuthRequest found it
	route := "/#!/apps/"
	if c.AuthorizeRoute == RoutePath {
		route = "/apps/"
	}
	b := make([]byte, 0, 512) // most URLs fit
	b = append(b, strings.TrimSuffix(row.App, "/")...)
	b = append(b, route...)
	b = append(b, c.AppUID...)
	b = append(b, "/authorize?response_type=code"...)
	b = appendParam(b, "client_id", r.ClientID)
	b = appendParam(b, "redirect_uri", r.RedirectURI)
	if len(r.Scopes) > 0 {
		b = appendParam(b, "scope", strings.Join(r.Scopes, " "))
	}
	b = appendParam(b, "state", r.State)
	b = appendParam(b, "code_challenge", r.Verifier.Challenge(r.ChallengeMethod))
	if !r.OmitMethod {
		b = appendParam(b, "code_challenge_method", string(r.ChallengeMethod.orDefault()))
	}
	if len(r.Params) > 0 {
		for _, name := range slices.Sorted(maps.Keys(r.Params)) {
			b = appendParam(b, name, r.Params[name])
		}
	}
	return string(b)
}
