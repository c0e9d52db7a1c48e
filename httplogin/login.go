package httplogin

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/landing"
	"github.com/contentstack/csoauth/internal/seal"
)

// A Login is the log-in of a web server. Serve Start where users begin, and Callback at the path of the redirect URI:
//
//	mux.HandleFunc("/login", login.Start)
//	mux.HandleFunc("/callback", login.Callback)
//
// It keeps nothing when requests have been answered, so any replica may answer any of them. It is safe for concurrent use, and must not
// be changed or copied after the first.
type Login struct {
	// Config is the app. Required. Its RedirectURI says where Callback is served, and whether the site is https: neither is
	// taken from a request's Host or X-Forwarded headers.
	Config *csoauth.Config
	// Keys seal the cookies. Required: 32 random bytes each, the same in all replicas. The first seals, every one opens.
	Keys Keys
	// OnToken gets the token of a user who has logged in: start the user's session and keep the token, in package tokens for
	// instance. If it returns nil, and not before, Callback sends the browser on to return_to; so it may set headers and
	// must not write a body. It may be called twice with one token, for a page that the user reloads. The token's UserUID is empty if Contentstack's answer did not name the user. OnToken's error goes
	// to OnError. Required.
	OnToken func(w http.ResponseWriter, r *http.Request, t *csoauth.Token) error
	// OnError answers a request that failed. See [Login.Callback] for the errors. Nil: a plain page that names no cause and
	// offers another try.
	OnError func(w http.ResponseWriter, r *http.Request, err error)
	// StartPath is where Start is served, such as "/login", for the link on the error page. Empty: the link leads to "/".
	StartPath string
	// AuthOptions are those of each attempt. Nil is fine. Its RedirectURI and Lifetime must be empty: an attempt has ten minutes.
	AuthOptions *csoauth.AuthOptions
	// Logger gets a line for each log-in that failed. Nil: no log.
	Logger *slog.Logger

	setup  sync.Once
	box    *seal.Box
	https  bool
	prefix string            // of this app's cookies, and of no other's on the same host
	app    [sha256.Size]byte // a hash of what attempts take from Config and AuthOptions
	pages  pages

	exchanges exchanges
	err       error
}

// Format keeps the Keys out of what fmt prints.
func (l *Login) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "httplogin.Login") }

// Validate returns why the Login cannot work, if it cannot. Call it when the server starts; a Login that is not valid
// answers each request with an error.
func (l *Login) Validate() error {
	l.setup.Do(func() {
		l.err = l.check()
	})
	return l.err
}

func (l *Login) check() error {
	switch {
	case l.Config == nil:
		return errors.New("httplogin: Config is missing")
	case l.OnToken == nil:
		return errors.New("httplogin: OnToken is missing: nobody would get the token")
	case l.AuthOptions != nil && l.AuthOptions.RedirectURI != "":
		return errors.New("httplogin: AuthOptions.RedirectURI is set: set the Config's")
	case l.AuthOptions != nil && l.AuthOptions.Lifetime != 0:
		return errors.New("httplogin: AuthOptions.Lifetime is set: an attempt has ten minutes")
	}
	if err := l.Config.Validate(); err != nil {
		return fmt.Errorf("httplogin: Config: %w", err)
	}
	if l.StartPath != "" {
		if _, err := checkReturnTo(l.StartPath); err != nil {
			return fmt.Errorf("httplogin: StartPath: %q is not a path of this site", l.StartPath)
		}
	}
	u, err := url.Parse(l.Config.RedirectURI)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("httplogin: Config.RedirectURI is not https or http: no web server answers there")
	}
	request, err := l.Config.NewAuthRequest(l.AuthOptions)
	if err != nil {
		return fmt.Errorf("httplogin: AuthOptions: %w", err)
	}
	if l.box, err = seal.New("csoauth httplogin", l.Keys); err != nil {
		return fmt.Errorf("httplogin: Keys: %w", err)
	}
	l.https = u.Scheme == "https"
	l.prefix = cookiePrefixOf(l.Config, l.https)
	l.app = sha256.Sum256([]byte(strings.Join([]string{request.ClientID, request.RedirectURI, request.OrganizationUID, strings.Join(request.Scopes, " ")}, "\x00")))
	l.pages = newPages(cmp.Or(l.StartPath, "/"))
	return nil
}

// Start sends the browser to Contentstack. The query may have return_to, a path of this site with or without a query, where
// the user goes after the log-in; without it that is "/". Any other return_to is an error.
//
// With [csoauth.RouteHash], a user who has to log in at Contentstack first may end up at the stacks there, and no callback comes. Say
// near the link that a second click helps, or use [csoauth.RoutePath].
func (l *Login) Start(w http.ResponseWriter, r *http.Request) {
	if !l.admit(w, r) {
		return
	}
	returnTo, err := returnTo(r.URL.RawQuery)
	if err != nil {
		l.fail(w, r, err)
		return
	}
	request, err := l.Config.NewAuthRequest(l.AuthOptions)
	if err != nil {
		l.fail(w, r, fmt.Errorf("httplogin: %w", err))
		return
	}
	l.makeRoom(w, r)
	http.SetCookie(w, l.seal(request, returnTo))
	landing.Redirect(w, l.Config.AuthorizeURL(request))
}

// ErrNoCookie: a callback came to a browser that has no attempt to log in. Cookies are blocked, the attempt is too old, or it was
// begun in another browser. Offer another try.
var ErrNoCookie = errors.New("no attempt to log in")

// Callback ends a log-in: it checks the callback, trades its code for the token, hands that to OnToken, and sends the browser
// on to return_to. Whatever comes of it, the attempt is over, unless the callback is not of any attempt of this browser's. A callback
// that is loaded again while its code is traded waits for that, and OnToken gets the token for each of the two answers.
//
// OnError gets, to be told apart by errors.Is and errors.As: [csoauth.ErrDenied], the user said no; [csoauth.ErrAttemptExpired];
// [ErrNoCookie]; [csoauth.ErrState], a callback that is forged or was answered before; a [*csoauth.Error], which is what Contentstack
// said; OnToken's own; and others, if Contentstack cannot be reached or the Login is not valid.
func (l *Login) Callback(w http.ResponseWriter, r *http.Request) {
	if !l.admit(w, r) {
		return
	}
	query, err := csoauth.ParseCallback(r.URL.RawQuery)
	if err != nil {
		l.fail(w, r, fmt.Errorf("httplogin: %w", err))
		return
	}
	cookies, err := l.cookiesOf(r, query["state"])
	if err != nil {
		l.fail(w, r, err)
		return
	}
	http.SetCookie(w, l.expired(cookies[0].Name))
	request, returnTo, err := l.openOne(cookies, query.Get("state"))
	if err != nil {
		l.fail(w, r, err)
		return
	}
	r = returningTo(r, returnTo)
	token, err := l.exchange(r.Context(), request, query)
	if err != nil {
		l.fail(w, r, fmt.Errorf("httplogin: %w: %w", errExchange, err))
		return
	}
	if err := l.OnToken(w, r, token); err != nil {
		l.fail(w, r, err)
		return
	}
	landing.Redirect(w, returnTo)
}

// admit says how the answer is to be treated, and refuses what is no visit by a person: it would use up an attempt, or push
// one out. A prefetcher that is refused leaves the visit itself to come.
func (l *Login) admit(w http.ResponseWriter, r *http.Request) bool {
	landing.Protect(w.Header())
	if !landing.Visited(w, r) {
		return false
	}
	if err := l.Validate(); err != nil {
		l.fail(w, r, err)
		return false
	}
	return true
}
