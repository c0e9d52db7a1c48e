package csoauth

import (
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// Endpoints are the base URLs of the services in one region that accept an access token. They have
// no trailing slash. [Region.Endpoints] returns the published ones. A Config for another place,
// such as a test server, sets only the ones that it needs.
type Endpoints struct {
	// App is where users log in and consent, such as https://app.contentstack.com. Required.
	App string
	// Token is the token endpoint. Empty: App + "/apps-api/apps/token".
	Token string

	DeveloperHub          string
	ContentManagement     string
	Auth                  string
	Launch                string
	BrandKit              string
	PersonalizeManagement string
	ComposableStudio      string
}

// tokenPath is where Contentstack's PKCE page posts both grants:
// https://www.contentstack.com/docs/developer-hub/pkce-for-contentstack-oauth
const tokenPath = "/apps-api/apps/token"

// tokenURL is where both grants are posted.
func (e Endpoints) tokenURL() string {
	if e.Token != "" {
		return e.Token
	}
	return strings.TrimSuffix(e.App, "/") + tokenPath
}

// Endpoints returns the region's hosts as Contentstack publishes them in
// https://artifacts.contentstack.com/regions.json. It returns zero Endpoints for a value that is
// not a region.
func (r Region) Endpoints() Endpoints {
	if int(r) < len(regionIDs) {
		return published()[r]
	}
	return Endpoints{}
}

// published holds every region's hosts. All follow one rule,
// https://{prefix}{service}.contentstack.com with the region's id as prefix and none for NA; the
// exception is NA's Content Management API.
var published = sync.OnceValue(func() *[len(regionIDs)]Endpoints {
	var rows [len(regionIDs)]Endpoints
	for _, r := range Regions() {
		prefix, contentDomain := r.String()+"-", ".contentstack.com"
		if r == NA {
			prefix, contentDomain = "", ".contentstack.io"
		}
		host := func(service string) string { return "https://" + prefix + service + ".contentstack.com" }

		rows[r] = Endpoints{
			App:                   host("app"),
			Token:                 host("app") + tokenPath,
			DeveloperHub:          host("developerhub-api"),
			ContentManagement:     "https://" + prefix + "api" + contentDomain,
			Auth:                  host("auth-api"),
			Launch:                host("launch-api"),
			BrandKit:              host("brand-kits-api"),
			PersonalizeManagement: host("personalize-api"),
			ComposableStudio:      host("composable-studio-api"),
		}
	}
	return &rows
})

// OneHost returns Endpoints with all services at one base URL, such as "http://127.0.0.1:8484". It
// is for an emulator, a gateway or a test server.
func OneHost(baseURL string) Endpoints {
	base := strings.TrimSuffix(baseURL, "/")
	var e Endpoints
	fields := reflect.ValueOf(&e).Elem()
	for i := range fields.NumField() {
		fields.Field(i).SetString(base)
	}
	e.Token = base + tokenPath
	return e
}

// all yields each endpoint with the name of its field.
func (e Endpoints) all() iter.Seq2[string, string] {
	return func(yield func(name, endpoint string) bool) {
		fields := reflect.ValueOf(e)
		for i := range fields.NumField() {
			if !yield(fields.Type().Field(i).Name, fields.Field(i).String()) {
				return
			}
		}
	}
}

// hosts returns the hosts that accept an access token, in lower case and without the default port,
// each once. Those that deliver published content take other credentials and are not among them.
func (e Endpoints) hosts() []string {
	var hosts []string
	for _, endpoint := range []string{
		e.App, e.ContentManagement, e.DeveloperHub, e.Launch, e.Auth, e.BrandKit, e.PersonalizeManagement, e.ComposableStudio,
	} {
		if host := hostOf(endpoint); host != "" && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// hostOf returns the host of a base URL, or "" if a token must not be sent there.
func hostOf(endpoint string) string {
	u, err := parseEndpoint(endpoint)
	if err != nil {
		return ""
	}
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		return strings.TrimSuffix(host, ":443")
	default:
		return strings.TrimSuffix(host, ":80")
	}
}

// publishedHosts are the hosts of all published regions.
var publishedHosts = sync.OnceValue(func() *[len(regionIDs)][]string {
	var hosts [len(regionIDs)][]string
	for i, row := range published() {
		hosts[i] = row.hosts()
	}
	return &hosts
})

// endpoints returns the hosts of a region that this Config knows.
func (c *Config) endpoints(r Region) (Endpoints, error) {
	if c.Endpoints == nil && int(r) < len(regionIDs) {
		return r.Endpoints(), nil
	}
	if row, ok := c.Endpoints[r]; ok {
		return row, nil
	}
	return Endpoints{}, fmt.Errorf("region %v is not in the Config's Endpoints", r)
}

// EndpointsFor returns the hosts that accept t. These are the hosts of the region that the token
// response named, or else of the region that issued t. If the Config's Endpoints have only one
// region, it returns that region's hosts. It returns an error if the hosts are not among this
// Config's. Do not send t anywhere else then: it would give the token to strangers.
func (c *Config) EndpointsFor(t *Token) (Endpoints, error) {
	row, _, err := c.endpointsFor(t)
	return row, err
}

func (c *Config) endpointsFor(t *Token) (Endpoints, Region, error) {
	if t == nil {
		return Endpoints{}, NA, inputError("endpoints", "the token is nil")
	}
	region, err := c.issuedIn(t)
	if err != nil {
		return Endpoints{}, NA, fmt.Errorf("csoauth: endpoints: %w", err)
	}
	if t.Location != "" && len(c.Endpoints) != 1 {
		if region, err = ParseRegion(t.Location); err != nil {
			return Endpoints{}, NA, fmt.Errorf("csoauth: endpoints: the token's location: %w", err)
		}
	}
	row, err := c.endpoints(region)
	if err != nil {
		return Endpoints{}, NA, fmt.Errorf("csoauth: endpoints: the token's location: %w", err)
	}
	return row, region, nil
}

// HostsFor returns the hosts that accept t as a bearer token, such as "api.contentstack.io" or
// "127.0.0.1:8484". A host has a port only if it is not the scheme's default. HostsFor returns nil
// if [Config.EndpointsFor] fails: then no host may get t. The hosts that deliver published content,
// previews, images and assets are never included.
//
// The slice is shared: do not change it.
func (c *Config) HostsFor(t *Token) []string {
	row, region, err := c.endpointsFor(t)
	switch {
	case err != nil:
		return nil
	case c.Endpoints == nil:
		return publishedHosts()[region]
	}
	return row.hosts()
}

// TokenURLFor returns the token endpoint that refreshes t. It returns an error if that endpoint is
// not one of this Config's.
func (c *Config) TokenURLFor(t *Token) (string, error) {
	if t == nil {
		return "", inputError("token endpoint", "the token is nil")
	}
	region, err := c.issuedIn(t)
	if err != nil {
		return "", fmt.Errorf("csoauth: token endpoint: %w", err)
	}
	row, err := c.endpoints(region)
	if err != nil {
		return "", fmt.Errorf("csoauth: token endpoint: %w", err)
	}
	if _, err := parseEndpoint(row.tokenURL()); err != nil {
		return "", fmt.Errorf("csoauth: token endpoint: %w", err)
	}
	return row.tokenURL(), nil
}

// issuedIn returns the region whose token endpoint issued t, or an error if t is not of this
// Config's hosts. For a token from elsewhere it is the region that its location names, if this
// Config knows it, or else the Config's own.
func (c *Config) issuedIn(t *Token) (Region, error) {
	if t.terms.app == "" {
		if region, known := c.knownRegion(t.Location); known {
			return region, nil
		}
		return c.Region, nil
	}
	row, err := c.endpoints(t.terms.region)
	if err != nil {
		return NA, fmt.Errorf("the token was issued by %s: %w", t.terms.app, err)
	}
	if app := strings.TrimSuffix(row.App, "/"); app != t.terms.app {
		return NA, fmt.Errorf("the token was issued by %s, but this Config's host for %v is %s", t.terms.app, t.terms.region, app)
	}
	return t.terms.region, nil
}

// knownRegion reads the name of a region that this Config has hosts for.
func (c *Config) knownRegion(name string) (Region, bool) {
	r, known := parseRegion(name)
	if !known {
		return NA, false
	}
	_, err := c.endpoints(r)
	return r, err == nil
}
