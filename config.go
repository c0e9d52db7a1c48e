package csoauth

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// A Config describes one app registered in Contentstack's Developer Hub. Fill it in, call
// [Config.Validate] once when your program starts, and do not change it afterwards. It is then safe
// for concurrent use.
type Config struct {
	// AppUID and ClientID are required. Copy them from Developer Hub, your app: the App UID from
	// Basic Information, the Client ID from OAuth.
	AppUID, ClientID string
	// RedirectURI is where Contentstack sends the user back. It is required, and must be exactly as
	// you registered it for the app.
	RedirectURI string
	// ClientSecret is optional for an app that has Allow PKCE switched on. If it is set, it is sent
	// to get the token and to refresh it.
	ClientSecret string
	// Scopes are the scopes to ask for. Each must be configured for the app. Nil: the app's
	// configured user scopes.
	Scopes []string
	// Region is where the app's users log in. Zero: NA.
	Region Region
	// Endpoints are the only hosts that this Config talks to. Nil: the published hosts of all
	// regions. A callback or a token cannot add a region that is not in the map. If the map has
	// only one region, that region serves every token, whatever region the token names.
	Endpoints map[Region]Endpoints
	// IgnoreCallbackRegion redeems every code in Region, whatever location or region the callback
	// names. Set it if your users log in to one region only.
	//
	// A callback comes through the browser, so an attacker can change the region in it. The code,
	// its verifier and the client secret then go to another region of Endpoints (a mix-up attack,
	// RFC 9700, section 4.4). All regions are Contentstack's unless you add others. PKCE does not
	// prevent this, because the verifier is sent along with the code.
	IgnoreCallbackRegion bool
	// ChallengeMethod says how to make PKCE challenges. Zero: S256.
	ChallengeMethod ChallengeMethod
	// AuthorizeRoute is the form of the authorize URL. Zero: RouteHash, the documented one.
	AuthorizeRoute AuthorizeRoute
	// UserAgent names your program in the User-Agent of token requests, such as "mytool/1.2".
	// csoauth's own name and version follow it. Empty: only csoauth's name and version.
	UserAgent string
	// HTTPClient provides the Transport and the Timeout of token requests. Its Jar and
	// CheckRedirect are not used, because these requests carry no cookies and follow no redirects.
	// Nil: the [oauth2.HTTPClient] of the context, or else a Timeout of 30 s. A nil Transport:
	// [DefaultTransport], which closes idle connections early. Do not use a Transport that retries
	// requests by itself: it can end logins.
	//
	// The Timeout ends a request that has no connection yet. Once it has a connection, it gets at
	// least 5 s more, because giving up on the response to a refresh can cost the login. A zero
	// Timeout: only the context limits the request.
	//
	// If a RoundTripper does not pass on the request's context, httptrace cannot see whether the
	// request was sent. Then the types of its errors decide that, and a Timeout below 5 s counts as
	// 5 s.
	HTTPClient *http.Client
}

// configChecks are those of Validate, in the order of the fields.
var configChecks = []struct {
	field string
	check func(*Config) error
}{
	{"AppUID", (*Config).checkAppUID},
	{"ClientID", (*Config).checkClientID},
	{"RedirectURI", func(c *Config) error { return checkRedirectURI(c.RedirectURI) }},
	{"ClientSecret", (*Config).checkClientSecret},
	{"Scopes", func(c *Config) error { return checkScopes(c.Scopes) }},
	{"Region", (*Config).checkRegion},
	{"Endpoints", (*Config).checkEndpoints},
	{"ChallengeMethod", func(c *Config) error { return c.ChallengeMethod.check() }},
	{"AuthorizeRoute", func(c *Config) error { return c.AuthorizeRoute.check() }},
	{"UserAgent", (*Config).checkUserAgent},
}

// Validate returns an error that names the first invalid field and says how to fix it. The error is
// an [ErrConfig].
func (c *Config) Validate() error {
	for _, field := range configChecks {
		if err := field.check(c); err != nil {
			return markedError{inputError("config", "%w", fieldError(field.field, err)), []error{ErrConfig}}
		}
	}
	return nil
}

// fieldError says which field cannot work.
func fieldError(field string, err error) error { return fmt.Errorf("%s: %w", field, err) }

func (c *Config) checkAppUID() error {
	switch {
	case c.AppUID == "":
		return errors.New("is empty: copy it from Developer Hub, your app, Basic Information, App UID")
	case c.AppUID == "." || c.AppUID == "..":
		return errors.New("is not a valid App UID")
	case c.AppUID == c.ClientID:
		return errors.New("is the same as ClientID: the App UID is under Basic Information, the Client ID under OAuth")
	case strings.ContainsFunc(c.AppUID, func(r rune) bool { return r > '~' || !isUnreserved(byte(r)) }):
		return fmt.Errorf("%s has a character that is not a letter, a digit or one of - . _ ~", quote(c.AppUID))
	}
	return nil
}

func (c *Config) checkClientID() error {
	switch {
	case c.ClientID == "":
		return errors.New("is empty: copy it from Developer Hub, your app, OAuth, Client ID")
	case !isVisibleASCII(c.ClientID):
		return fmt.Errorf("%s has a space or a character outside of visible ASCII", quote(c.ClientID))
	}
	return nil
}

func (c *Config) checkClientSecret() error {
	switch {
	case strings.TrimSpace(c.ClientSecret) != c.ClientSecret:
		return errors.New("begins or ends with white space, such as the newline at the end of a file: trim it")
	case strings.ContainsFunc(c.ClientSecret, unicode.IsControl):
		return errors.New("has a control character")
	}
	return nil
}

func (c *Config) checkRegion() error {
	if int(c.Region) >= len(regionIDs) {
		return fmt.Errorf("%v is not a region: use one of the constants, or ParseRegion", c.Region)
	}
	if _, err := c.endpoints(c.Region); err != nil {
		return fmt.Errorf("%v is not in Endpoints: add its row, or leave Endpoints nil for the published hosts", c.Region)
	}
	return nil
}

func (c *Config) checkEndpoints() error {
	for _, region := range slices.Sorted(maps.Keys(c.Endpoints)) {
		if int(region) >= len(regionIDs) {
			return fmt.Errorf("%v is not a region", region)
		}
		row := c.Endpoints[region]
		if row.App == "" {
			return fmt.Errorf("%v: App is empty", region)
		}
		for name, endpoint := range row.all() {
			if endpoint == "" {
				continue
			}
			if _, err := parseEndpoint(endpoint); err != nil {
				return fmt.Errorf("%v: %s: %w", region, name, err)
			}
		}
	}
	return nil
}

// parseEndpoint refuses what tokens must not be sent to.
func parseEndpoint(endpoint string) (*url.URL, error) {
	u, err := parseURI(endpoint)
	switch {
	case err != nil:
		return nil, err
	case u.Hostname() == "":
		return nil, fmt.Errorf("%s is not an absolute URL: want https://host", quote(withoutPassword(endpoint)))
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(endpoint, "#"):
		return nil, errors.New("has a query or a fragment: give the base URL alone")
	case strings.HasPrefix(u.Port(), "0"):
		return nil, fmt.Errorf("port %s begins with a zero", quote(u.Port()))
	case u.Scheme == "https", u.Scheme == "http" && isOwnHost(u.Hostname()):
		return u, nil
	}
	return nil, fmt.Errorf("%s is neither https nor http on a loopback address or localhost: tokens would travel in the open", quote(endpoint))
}

// checkRedirectURI holds RFC 6749, section 3.1.2 and RFC 8252: absolute, no fragment, and http on
// loopback only.
func checkRedirectURI(uri string) error {
	if uri == "" {
		return errors.New("is empty: give the one that is registered for the app, exactly")
	}
	u, err := parseURI(uri)
	switch {
	case err != nil:
		return err
	case u.Scheme == "":
		return fmt.Errorf("%s is relative: give the whole URI, with https://", quote(withoutPassword(uri)))
	case strings.Contains(uri, "#"):
		return errors.New("has a fragment, which no redirect URI may have (RFC 6749, 3.1.2)")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("its query has a semicolon, or a % without two hexadecimal digits")
	}
	for name := range query {
		if callbackParameter(name) {
			return fmt.Errorf("its query has %s, a parameter that the callback brings", quote(name))
		}
	}
	switch {
	case u.Scheme == "http" && u.Hostname() != "":
		if !isLoopback(u.Hostname()) {
			return fmt.Errorf("%s is http on a host that is not loopback: use https", quote(uri))
		}
	case u.Scheme == "https" && u.Hostname() != "":
	case u.Scheme == "http" || u.Scheme == "https":
		return fmt.Errorf("%s has no host", quote(withoutPassword(uri)))
	case !strings.Contains(u.Scheme, "."):
		return fmt.Errorf("scheme %s: want https, http on loopback, or a reversed domain name (RFC 8252, 7.1)", quote(u.Scheme))
	}
	return nil
}

// parseURI parses what Validate looks at. Its errors do not repeat a URI that holds a password.
func parseURI(uri string) (*url.URL, error) {
	if !isVisibleASCII(uri) {
		return nil, errors.New("has a space or a character outside of visible ASCII: percent-encode it")
	}
	u, err := url.Parse(uri)
	if err != nil {
		return nil, errors.New("is not a URI: " + parseCause(err))
	}
	if u.User != nil {
		return nil, errors.New("has a user or password before the host: remove it")
	}
	if text := u.Port(); text != "" || strings.HasSuffix(u.Host, ":") {
		if port, err := strconv.Atoi(text); err != nil || port < 1 || port > 65535 {
			return nil, fmt.Errorf("port %s is not valid: want 1 to 65535", quote(text))
		}
	}
	return u, nil
}

// parseCause is what is wrong with a URL, without the URL.
func parseCause(err error) string {
	var parse *url.Error
	if errors.As(err, &parse) && !strings.Contains(parse.URL, "@") {
		return parse.Err.Error()
	}
	return "it does not parse"
}

// checkScopes holds RFC 6749, section 3.3: visible ASCII without " and \.
func checkScopes(scopes []string) error {
	for i, scope := range scopes {
		switch {
		case scope == "":
			return fmt.Errorf("number %d is empty", i+1)
		case strings.ContainsAny(scope, " \t"):
			return fmt.Errorf("%s has a space: give each scope as an element of its own", quote(scope))
		case !isVisibleASCII(scope) || strings.ContainsAny(scope, `"\`):
			return fmt.Errorf("%s has a character that no scope may have (RFC 6749, 3.3)", quote(scope))
		}
	}
	return nil
}

// isLoopback reports whether a redirect URI's host is the user's own machine: a literal loopback
// address (RFC 8252, 7.3 and 8.3), localhost, or a name under it (RFC 6761, 6.3), in any case.
func isLoopback(host string) bool {
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || isLoopbackAddress(host)
}

// isOwnHost reports whether tokens may be sent to a host without TLS: a literal loopback address,
// or exactly localhost. net/http knows these alone as local; any other name it would give to the
// proxy of the environment.
func isOwnHost(host string) bool { return host == "localhost" || isLoopbackAddress(host) }

func isLoopbackAddress(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() && !ip.Is4In6() && ip.Zone() == ""
}

// checkUserAgent holds RFC 9110, section 5.5, without what only looks like it.
func (c *Config) checkUserAgent() error {
	if strings.TrimSpace(c.UserAgent) != c.UserAgent {
		return errors.New("begins or ends with a space: trim it")
	}
	if strings.ContainsFunc(c.UserAgent, func(r rune) bool { return r < ' ' || r > '~' }) {
		return errors.New("has a character that a header cannot carry: use visible ASCII and spaces")
	}
	return nil
}
