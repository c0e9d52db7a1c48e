// Package csoauthtest is an emulated Contentstack for Go tests. It needs no account and no network,
// and it fails on demand.
//
//	server := csoauthtest.NewServer(t, nil)
//	config := server.Config("http://localhost:8184/callback")
//	resp, err := server.Browser().Get(myApp.URL + "/login") // logs in, and ends at my handler
//
// The server is stricter than Contentstack is documented to be: a refresh token works once, and its
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

// Options are what a Server emulates. Nil and the zero Options give it one app and two users, and
// are strict: the Server refuses everything that an RFC or Contentstack's documents forbid.
// [Realistic] returns Options that are not.
type Options struct {
	Apps []App // empty: one app with PKCE on and an optional secret
	// Users, when empty, are Ada Lovelace (blt00000000000ada01, in blt1a2b3c4d5e6f7081 and
	// blt2b3c4d5e6f708192) and Alan Turing (blt0000000000alan02, in the first of the two).
	Users               []User
	Region              csoauth.Region // the region that the Server is; zero: NA
	AccessTokenLifetime time.Duration  // zero: 60 minutes; of 10 seconds or less, Token.Valid is never true
	CodeLifetime        time.Duration  // zero: 60 seconds

	RefreshTokenLifetime time.Duration // zero: for ever; Contentstack documents none
	Unknowns             Unknowns

	// Observed is the observed.json of "csoauth probe": the Server behaves as the probe saw the
	// service. What it saw replaces the AccessTokenLifetime, the Unknowns, and whether a refresh
	// without redirect_uri and Authorization: Basic are tolerated. The rest stays. Empty: nothing
	// is replaced.
	Observed string

	// Tolerate are IDs of findings for which the Server does not refuse the request. Which ones can
	// be tolerated is in docs/emulator.md.
	Tolerate []string
	// Allow are IDs of findings that do not fail the test, because it plays a faulty client.
	Allow []string

	// AllowHosts are names and IP addresses, without a port, by which requests may reach the
	// Server, such as host.docker.internal for a program in a container. Loopback names and
	// addresses always may. Empty: no others.
	AllowHosts []string
}

// Realistic returns Options with which a Server does what is known of Contentstack, or evident from
// the clients that work with it. The caller may change them.
func Realistic() *Options {
	o := emulator.Realistic()
	return &Options{Unknowns: unknownsOf(o.Unknowns), Tolerate: o.Tolerate}
}

// An App is registered in the emulated Developer Hub.
type App struct {
	UID          string // required
	ClientID     string // required
	ClientSecret string // required without AllowPKCE
	Name         string
	RedirectURIs []string // matched exactly; Config adds its own
	AllowPKCE    bool     // off: every token request needs the client secret
	Scopes       []string // configured user scopes, the most that may be asked for
}

// A User can log in and consent.
type User struct {
	UID           string // required
	Email         string
	FirstName     string
	LastName      string
	Organizations []Organization // at least one
}

// An Organization is what a user chooses at consent.
type Organization struct {
	UID   string
	Name  string
	Owner bool // the user owns it, and sees who else has authorized apps in it
}

// A Visitor is who sits at a browser, and what they decide.
type Visitor struct {
	UserUID         string // empty: the first user
	OrganizationUID string // empty: the one of the consent before, or else the user's first
	Deny            bool   // the user denies in the consent form, even if consent was given before
}

// A Server is an emulated Contentstack on a free port of 127.0.0.1. It is safe for concurrent use.
type Server struct {
	URL string // base URL of everything it emulates, without a trailing slash

	tb       testing.TB
	region   csoauth.Region
	emulator *emulator.Emulator
	client   *http.Client
}

// NewServer starts a Server that is closed when the test ends. The test fails then if a client
// broke a rule that o.Allow does not name; see [Server.Findings]. Options that cannot work end the
// test.
func NewServer(tb testing.TB, o *Options) *Server {
	tb.Helper()
	if o == nil {
		o = &Options{}
	}
	if locations[o.Region] == "" {
		tb.Fatalf("csoauthtest: %v is no region", o.Region)
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
// redirectURI for the app. The caller may change it. Config ends the test if no app can have that
// redirect URI: it must be absolute, without a fragment, and not of a scheme such as javascript or
// data.
func (s *Server) Config(redirectURI string) *csoauth.Config {
	s.tb.Helper()
	return s.ConfigOf(s.emulator.Apps()[0].UID, redirectURI)
}

// ConfigOf is Config for the app with that UID. It ends the test if there is no such app.
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

// Browser returns a browser before which sits a user who allows everything: it keeps cookies,
// follows redirects, reads the hash route and answers the consent form. Let it open your own
// application's login page, or an authorize URL.
func (s *Server) Browser() *http.Client { return s.BrowserOf(Visitor{}) }

// BrowserOf returns a browser before which v sits, logged in to the emulated Contentstack. A user
// who has allowed an app these scopes before is sent back at once, as at Contentstack.
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

// Callback opens an authorize URL in browser, or a page of your application that redirects there,
// and returns the parameters with which the user is sent back to the redirect URI, which is not
// requested. It ends the test if the user is not sent back.
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

// Login does a whole login of the first user with c and returns the Token. It ends the test if that
// fails. For another user, make a request with c.NewAuthRequest and call
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

// API serves an API behind the Server's tokens: handler sees only requests whose bearer token is
// good. All others get a 401 like that of Contentstack's APIs. Users, organizations, stacks,
// authorizations, scopes and introspection are there without it; docs/emulator.md lists them. The
// pattern is that of an [http.ServeMux], which panics if it is wrong or taken.
func (s *Server) API(pattern string, handler http.HandlerFunc) { s.emulator.API(pattern, handler) }

// Expire lets t's access token expire now at the Server, or every one if t is nil. The Token's own
// Expiry stays as it is; for a token that knows of its end set AccessTokenLifetime. A
// tokens.Manager recovers from one 401 a minute for a user: for a second Expire, use a new Manager
// over the same store. After a refresh, t is what Manager.Token returns.
func (s *Server) Expire(t *csoauth.Token) {
	s.tb.Helper()
	if !onTokens(t, s.emulator.Expire) {
		s.tb.Errorf("csoauthtest: Expire: there is no such access token")
	}
}

// Revoke ends the authorization of t, or every one if t is nil, as a user does under Authorized
// Apps: all tokens of this user for this app in this organization are refused from now on.
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
