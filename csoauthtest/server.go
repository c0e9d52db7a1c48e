// Package csoauthtest runs an emulated Contentstack for Go tests. It needs no account and no
// network, and can fail on demand.
//
//	server := csoauthtest.NewServer(t, nil)
//	config := server.Config("http://localhost:8184/callback")
//	resp, err := server.Browser().Get(myApp.URL + "/login") // logs in, and ends at my handler
//
// The server is stricter than Contentstack's documentation: a refresh token works once, and its
// second use ends the login. A program that passes here does not depend on a lenient server.
// [Server.Requests] returns each request and the server's decision.
package csoauthtest

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/emulator"
	"github.com/contentstack/csoauth/internal/observed"
)

// Options say what a Server emulates. With nil or the zero Options it has one app and two users,
// and is strict: it refuses everything that an RFC or Contentstack's documents forbid. [Realistic]
// returns Options that are not strict.
type Options struct {
	Apps []App // empty: one app with PKCE on and an optional secret
	// Users can log in. Empty: Ada Lovelace (blt00000000000ada01, in blt1a2b3c4d5e6f7081 and
	// blt2b3c4d5e6f708192) and Alan Turing (blt0000000000alan02, in the first of the two).
	Users               []User
	Region              csoauth.Region // the region that the Server emulates; zero: NA
	AccessTokenLifetime time.Duration  // zero: 60 minutes; with 10 seconds or less, Token.Valid is always false
	CodeLifetime        time.Duration  // zero: 60 seconds

	RefreshTokenLifetime time.Duration // zero: unlimited; Contentstack documents no lifetime
	Unknowns             Unknowns

	// Observed is the path of an observed.json of "csoauth probe". The Server then behaves as the
	// probe saw the service. What the probe saw replaces the AccessTokenLifetime, the Unknowns, and
	// whether the Server tolerates Authorization: Basic and a refresh without redirect_uri. The
	// rest stays as set here. Empty: nothing is replaced.
	Observed string

	// Tolerate lists IDs of findings for which the Server does not refuse the request.
	// docs/emulator.md says which ones it can tolerate.
	Tolerate []string
	// Allow lists IDs of findings that do not fail the test. It is for tests that play a faulty
	// client.
	Allow []string

	// AllowHosts are further names and IP addresses, without a port, by which requests may reach
	// the Server. An example is host.docker.internal for a program in a container. Loopback names
	// and addresses are always allowed. Empty: only those.
	AllowHosts []string
}

// Realistic returns Options for a Server that behaves as Contentstack is known to, or as the
// clients that work with Contentstack show. The caller may change them.
func Realistic() *Options {
	o := emulator.Realistic()
	return &Options{Unknowns: unknownsOf(o.Unknowns), Tolerate: o.Tolerate}
}

// An App is an app in the emulated Developer Hub.
type App struct {
	UID          string // required
	ClientID     string // required
	ClientSecret string // required if AllowPKCE is false
	Name         string
	RedirectURIs []string // must match exactly; [Server.Config] adds its own
	AllowPKCE    bool     // false: every token request needs the client secret
	Scopes       []string // configured user scopes; a login may ask only for these
}

// A User can log in and consent.
type User struct {
	UID           string // required
	Email         string
	FirstName     string
	LastName      string
	Organizations []Organization // at least one
}

// An Organization is an organization that a user can choose on the consent page.
type Organization struct {
	UID   string
	Name  string
	Owner bool // the user owns it, and sees who else has authorized apps in it
}

// A Visitor is the user of a browser, and what the user decides.
type Visitor struct {
	UserUID         string // empty: the first of the Server's users
	OrganizationUID string // empty: the organization of the last consent, or else the user's first
	Deny            bool   // the user denies access on the consent page, even after an earlier consent
}

// A Server is an emulated Contentstack on a free port of 127.0.0.1. It is safe for concurrent use.
type Server struct {
	URL string // base URL of everything it emulates, without a trailing slash

	tb       testing.TB
	region   csoauth.Region
	emulator *emulator.Emulator
	client   *http.Client
}

// NewServer starts a Server, and closes it when the test ends. The test then fails if a client
// broke a rule that o.Allow does not list: see [Server.Findings]. NewServer ends the test if the
// Options cannot work.
func NewServer(tb testing.TB, o *Options) *Server {
	tb.Helper()
	if o == nil {
		o = &Options{}
	}
	if locations[o.Region] == "" {
		tb.Fatalf("csoauthtest: %v is not a region", o.Region)
	}
	options := o.forEmulator()
	if o.Observed != "" {
		if err := follow(&options, o.Observed); err != nil {
			tb.Fatalf("csoauthtest: Observed: %v", err)
		}
		if r, err := csoauth.ParseRegion(options.Location); err != nil || r != o.Region {
			options.Location = locations[o.Region] // another region was asked
		}
	}
	e, err := emulator.New(options)
	if err != nil {
		tb.Fatalf("csoauthtest: %v", err)
	}
	for _, id := range o.Allow {
		if !emulator.IsRule(id) {
			tb.Fatalf("csoauthtest: Allow: there is no finding %q", id)
		}
	}
	server := httptest.NewServer(e)
	transport := &http.Transport{}
	tb.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		for _, finding := range findingsOf(e) {
			if !slices.Contains(o.Allow, finding.ID) {
				tb.Errorf("csoauthtest: %v", finding)
			}
		}
	})
	return &Server{
		URL: server.URL, tb: tb, region: o.Region, emulator: e,
		client: &http.Client{Transport: transport, Timeout: 30 * time.Second},
	}
}

// follow makes the options those that a probe has observed.
func follow(o *emulator.Options, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	report, err := observed.Read(file)
	if err != nil {
		return err
	}
	_, _, err = o.Follow(report)
	return err
}

func (o *Options) forEmulator() emulator.Options {
	options := emulator.Options{
		Location:             locations[o.Region],
		AccessTokenLifetime:  o.AccessTokenLifetime,
		CodeLifetime:         o.CodeLifetime,
		RefreshTokenLifetime: o.RefreshTokenLifetime,
		Unknowns:             o.Unknowns.forEmulator(),
		Tolerate:             o.Tolerate,
		AllowHosts:           o.AllowHosts,
	}
	for _, app := range o.Apps {
		options.Apps = append(options.Apps, emulator.App(app))
	}
	for _, user := range o.Users {
		known := emulator.User{UID: user.UID, Email: user.Email, FirstName: user.FirstName, LastName: user.LastName}
		for _, org := range user.Organizations {
			known.Organizations = append(known.Organizations, emulator.Organization(org))
		}
		options.Users = append(options.Users, known)
	}
	return options
}

// locations are the names of the regions in callbacks and tokens.
var locations = map[csoauth.Region]string{
	csoauth.NA: "NA", csoauth.EU: "EU", csoauth.AU: "AU",
	csoauth.AzureNA: "AZURE_NA", csoauth.AzureEU: "AZURE_EU", csoauth.GCPNA: "GCP_NA", csoauth.GCPEU: "GCP_EU",
}

// Config returns the Config of the Server's first app, without its secret, and registers
// redirectURI for the app. The caller may change the Config. Config ends the test if no app can
// have that redirect URI. The URI must be absolute, without a fragment, and without a scheme such
// as javascript or data.
func (s *Server) Config(redirectURI string) *csoauth.Config {
	s.tb.Helper()
	return s.ConfigOf(s.emulator.Apps()[0].UID, redirectURI)
}

// ConfigOf works as [Server.Config] does, for the app with this UID. It ends the test if there is
// no such app.
func (s *Server) ConfigOf(appUID, redirectURI string) *csoauth.Config {
	s.tb.Helper()
	if err := s.emulator.Register(appUID, redirectURI); err != nil {
		s.tb.Fatalf("csoauthtest: %v", err)
	}
	clientID := ""
	for _, app := range s.emulator.Apps() {
		if app.UID == appUID {
			clientID = app.ClientID
		}
	}
	return &csoauth.Config{
		AppUID:      appUID,
		ClientID:    clientID,
		RedirectURI: redirectURI,
		Region:      s.region,
		Endpoints:   map[csoauth.Region]csoauth.Endpoints{s.region: csoauth.OneHost(s.URL)},
		HTTPClient:  s.client,
	}
}

// Browser returns a browser whose user allows everything. It keeps cookies, follows redirects,
// reads the hash route and answers the consent form. Use it to open your own application's login
// page, or an authorize URL.
func (s *Server) Browser() *http.Client { return s.BrowserOf(Visitor{}) }

// BrowserOf returns a browser whose user is v, logged in to the emulated Contentstack. If the user
// has allowed an app the same scopes before, the Server redirects back at once, as Contentstack
// does.
func (s *Server) BrowserOf(v Visitor) *http.Client {
	jar, _ := cookiejar.New(nil) // fails only for options
	return &http.Client{
		Jar:     jar,
		Timeout: s.client.Timeout,
		Transport: &emulator.Browser{
			Emulator: s.URL, Visitor: emulator.Visitor(v), Transport: s.client.Transport,
		},
	}
}

// Callback opens start in browser: an authorize URL, or a page of your application that redirects
// to one. It returns the parameters with which the Server redirects the browser to the redirect
// URI. Callback does not request the redirect URI. It ends the test if the Server does not
// redirect.
func (s *Server) Callback(browser *http.Client, start string) url.Values {
	s.tb.Helper()
	back, page, err := emulator.SentBack(s.tb.Context(), browser, s.URL, start)
	if err != nil {
		s.tb.Fatalf("csoauthtest: %v", err)
	}
	if back == nil {
		s.tb.Fatalf("csoauthtest: the authorize page responded with %s and did not redirect to the app: %s", page.Status, s.decisionOn(page.Request.URL.Path))
	}
	return back
}

// Login does a complete login of the first user with c and returns the Token. It ends the test if
// the login fails. For another user, make a request with c.NewAuthRequest and call
//
//	c.Exchange(ctx, request, s.Callback(s.BrowserOf(visitor), c.AuthorizeURL(request)))
func (s *Server) Login(c *csoauth.Config) *csoauth.Token {
	s.tb.Helper()
	request, err := c.NewAuthRequest(nil)
	if err != nil {
		s.tb.Fatalf("csoauthtest: %v", err)
	}
	token, err := c.Exchange(s.tb.Context(), request, s.Callback(s.Browser(), c.AuthorizeURL(request)))
	if err != nil {
		s.tb.Fatalf("csoauthtest: %v", err)
	}
	return token
}

// decisionOn is what the newest request said, if it was for that path: an older one would mislead.
func (s *Server) decisionOn(path string) string {
	requests := s.emulator.Requests()
	if n := len(requests); n > 0 && requests[n-1].Path == path {
		return requests[n-1].Decision
	}
	return "it is not this Server's, or was not opened with a Browser of this Server"
}

// API adds an API that needs one of the Server's tokens. handler gets only requests with a valid
// bearer token. All others get a 401 like that of Contentstack's APIs. The pattern is one of
// [http.ServeMux], which panics if the pattern is not valid or in use.
//
// The Server has users, organizations, stacks, authorizations, scopes and introspection without
// this method. docs/emulator.md lists these APIs.
func (s *Server) API(pattern string, handler http.HandlerFunc) { s.emulator.API(pattern, handler) }

// Expire makes t's access token expire now at the Server, or every access token if t is nil. It
// does not change t.Expiry. If the client should know the expiry, set AccessTokenLifetime instead.
//
// A tokens.Manager recovers from one 401 a minute for a user. For a second Expire, use a new
// Manager with the same store. After a refresh, pass the Token that Manager.Token returns.
func (s *Server) Expire(t *csoauth.Token) {
	s.tb.Helper()
	if !onTokens(t, s.emulator.Expire) {
		s.tb.Errorf("csoauthtest: Expire: there is no such access token")
	}
}

// Revoke ends the authorization of t, or every authorization if t is nil, as a user does under
// Authorized Apps. From now on the Server refuses all tokens of this user for this app in this
// organization.
func (s *Server) Revoke(t *csoauth.Token) {
	s.tb.Helper()
	if !onTokens(t, s.emulator.Revoke) {
		s.tb.Errorf("csoauthtest: Revoke: there is no such access token")
	}
}

// onTokens does something to one access token, or to every one if t is nil. To the emulator, every
// one is the empty one, which a Token that was never filled in must not mean.
func onTokens(t *csoauth.Token, do func(access string) bool) bool {
	if t == nil {
		return do("")
	}
	return t.AccessToken != "" && do(t.AccessToken)
}
