package httplogin

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/landing"
	"github.com/contentstack/csoauth/internal/seal"
)

// Handlers log users in to a web server. Serve Start where users begin, and Callback at the path of
// the redirect URI:
//
//	mux.HandleFunc("/login", login.Start)
//	mux.HandleFunc("/callback", login.Callback)
//
// Any replica can serve any request. For a minute after a login the process remembers its outcome,
// in case the browser repeats the callback. Handlers are safe for concurrent use, and must not be
// changed or copied after the first request.
type Handlers struct {
	// Config is the app. Required. Its RedirectURI says where Callback is served, and whether the
	// site is https: neither is taken from a request's Host or X-Forwarded headers.
	Config *csoauth.Config
	// Keys seal the cookies. Required: 32 random bytes each, the same in all replicas. The first
	// seals, every one opens.
	Keys Keys
	// OnToken gets the token of a user who has logged in: start the user's session and store the
	// token, in package tokens for instance. If it returns nil, and not before, Callback sends the
	// browser on to return_to; so it may set headers and must not write a body. It is called again
	// with the same token if the browser repeats the callback. The token's UserUID is empty if
	// Contentstack's response did not name the user. OnToken's error goes to OnError. Required.
	OnToken func(w http.ResponseWriter, r *http.Request, t *csoauth.Token) error
	// OnError writes the response to a request that failed. See [Handlers.Callback] for the errors.
	// Nil: a plain page that offers another try. It names no cause that an attacker could use.
	OnError func(w http.ResponseWriter, r *http.Request, err error)
	// StartPath is where Start is served, such as "/login", for the link on the error page. Empty:
	// the link leads to "/".
	StartPath string
	// AuthOptions are those of each attempt. Nil is fine. Its RedirectURI and Lifetime must be
	// empty: an attempt has ten minutes.
	AuthOptions *csoauth.AuthOptions
	// Logger gets a line for each login that failed and each request that was refused. What a user
	// can repeat has the level INFO; what an operator should look at, ERROR. Nil: no log.
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
func (h *Handlers) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "httplogin.Handlers") }

// Validate returns why the Handlers cannot work, if they cannot. Call it when the server starts;
// Handlers that are not valid respond to each request with an error.
func (h *Handlers) Validate() error {
	h.setup.Do(func() {
		h.err = h.check()
	})
	return h.err
}

func (h *Handlers) check() error {
	switch {
	case h.Config == nil:
		return errors.New("httplogin: Config is missing")
	case h.OnToken == nil:
		return errors.New("httplogin: OnToken is missing: it gets the token")
	case h.AuthOptions != nil && h.AuthOptions.RedirectURI != "":
		return errors.New("httplogin: AuthOptions.RedirectURI is set: set the Config's")
	case h.AuthOptions != nil && h.AuthOptions.Lifetime != 0:
		return errors.New("httplogin: AuthOptions.Lifetime is set: an attempt has ten minutes")
	}
	if err := h.Config.Validate(); err != nil {
		return fmt.Errorf("httplogin: Config: %w", err)
	}
	if h.StartPath != "" {
		if _, err := checkReturnTo(h.StartPath); err != nil || strings.Contains(h.StartPath, "#") {
			return fmt.Errorf("httplogin: StartPath: %q is not a path of this site", h.StartPath)
		}
	}
	u, err := url.Parse(h.Config.RedirectURI)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("httplogin: Config.RedirectURI is not https or http, so no web server can serve it")
	}
	request, err := h.Config.NewAuthRequest(h.AuthOptions)
	if err != nil {
		return fmt.Errorf("httplogin: AuthOptions: %w", err)
	}
	if h.box, err = seal.New("csoauth httplogin", h.Keys); err != nil {
		return fmt.Errorf("httplogin: Keys: %w", err)
	}
	h.https = u.Scheme == "https"
	h.prefix = cookiePrefixOf(h.Config, h.https)
	h.app = sha256.Sum256([]byte(strings.Join([]string{request.ClientID, request.RedirectURI, request.OrganizationUID, strings.Join(request.Scopes, " ")}, "\x00")))
	h.pages = newPages(cmp.Or(h.StartPath, "/"), h.Config.AuthorizeRoute == csoauth.RouteHash)
	return nil
}

// Start sends the browser to Contentstack. The query may have return_to, a path of this site with
// or without a query, where the user goes after the login. Without it, and if it leads elsewhere,
// cannot be read or has more than 512 bytes, that is "/".
//
// With [csoauth.RouteHash], a user who has to log in at Contentstack first may end up at the stacks
// there, and no callback comes. Use [csoauth.RoutePath], or say near the link that a second click
// helps.
func (h *Handlers) Start(w http.ResponseWriter, r *http.Request) {
	if !h.admit(w, r) {
		return
	}
	if err := h.checkHost(r.Host); err != nil {
		h.fail(w, r, err)
		return
	}
	returnTo, err := returnTo(r.URL.RawQuery)
	if err != nil {
		h.log(r, slog.LevelInfo, err)
		returnTo = "/"
	}
	request, err := h.Config.NewAuthRequest(h.AuthOptions)
	if err != nil {
		h.fail(w, r, fmt.Errorf("httplogin: %w", err))
		return
	}
	h.makeRoom(w, r)
	http.SetCookie(w, h.seal(request, returnTo))
	landing.Redirect(w, h.Config.AuthorizeURL(request))
}

// checkHost says so if a login begins at one name of this machine and is to end at another: a
// browser keeps their cookies apart. Behind a proxy the Host may be the upstream's, so no other
// difference is a mistake.
func (h *Handlers) checkHost(host string) error {
	u, err := url.Parse(h.Config.RedirectURI)
	if err != nil {
		return nil // Validate has parsed it
	}
	here := (&url.URL{Host: host}).Hostname()
	if strings.EqualFold(here, u.Hostname()) || !isThisMachine(here) || !isThisMachine(u.Hostname()) {
		return nil
	}
	return &otherHostError{here: here, there: u.Scheme + "://" + u.Host}
}

// An otherHostError is for a login that begins at a host where it cannot end.
type otherHostError struct{ here, there string }

func (e *otherHostError) Error() string {
	return fmt.Sprintf("httplogin: the login begins at %q and its redirect URI is at %s: browsers keep their cookies apart, so begin it there", e.here, e.there)
}

// isThisMachine reports whether host is a name or an address of the machine itself.
func isThisMachine(host string) bool {
	host = strings.ToLower(host)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}

// ErrNoCookie: a callback came to a browser that has no attempt to log in. Cookies are blocked, the
// attempt is too old, or it was begun in another browser or at another host. Offer another try.
var ErrNoCookie = errors.New("no attempt to log in")

// Callback ends a login: it checks the callback, trades its code for the token, gives that to
// OnToken, and sends the browser on to return_to. Whatever comes of it, the attempt is over, unless
// the callback does not belong to an attempt of this browser, or 64 exchanges are under way.
//
// The same callback again, within a minute and in the same process, has the same outcome: OnToken
// gets the same token once more, and the code is not sent again. Across replicas that is not known.
// If a proxy repeats a callback at another replica while the first still works on it, the code is
// sent twice, and a strict server revokes the token that came of it.
//
// OnError gets, to be told apart by errors.Is and errors.As:
//   - [csoauth.ErrDenied]: the user said no.
//   - [csoauth.ErrState]: the callback is forged, does not parse, or belongs to no attempt of this
//     browser.
//   - [ErrNoCookie]: this browser has no attempt at all.
//   - [csoauth.ErrAttemptExpired]: the attempt is too old, or over.
//   - [ErrBusy]: the attempt is not over; the response has a Retry-After.
//   - [csoauth.ErrConfig]: the app is set up wrongly.
//   - a [*csoauth.Error]: what Contentstack said. A Verdict of [csoauth.VerdictLoginOver] is a code
//     that was refused: let the user start over.
//   - OnToken's own error, and others if Contentstack cannot be reached or the Handlers are not
//     valid.
func (h *Handlers) Callback(w http.ResponseWriter, r *http.Request) {
	if !h.admit(w, r) {
		return
	}
	query, err := csoauth.ParseCallback(r.URL.RawQuery)
	if err != nil {
		h.fail(w, r, fmt.Errorf("httplogin: %w", err))
		return
	}
	cookies, err := h.cookiesOf(r, query["state"])
	if err != nil {
		h.fail(w, r, err)
		return
	}
	request, returnTo, err := h.openOne(cookies, query.Get("state"))
	if err != nil {
		http.SetCookie(w, h.expired(cookies[0].Name))
		h.fail(w, r, err)
		return
	}
	r = returningTo(r, returnTo)
	token, err := h.exchange(r.Context(), request, query)
	if errors.Is(err, ErrBusy) {
		w.Header().Set("Retry-After", "2")
		h.fail(w, r, fmt.Errorf("httplogin: %w", err))
		return
	}
	http.SetCookie(w, h.expired(cookies[0].Name))
	if err != nil {
		h.fail(w, r, fmt.Errorf("httplogin: %w: %w", errExchange, err))
		return
	}
	if err := h.OnToken(w, r, token); err != nil {
		h.fail(w, r, err)
		return
	}
	landing.Redirect(w, returnTo)
}

// admit prepares the response, and refuses what is not a visit by a person: it would use up an
// attempt, or push one out. A prefetcher that is refused leaves the visit itself to come.
func (h *Handlers) admit(w http.ResponseWriter, r *http.Request) bool {
	landing.Protect(w.Header())
	if err := h.Validate(); err != nil {
		h.fail(w, r, err)
		return false
	}
	if status, why := landing.Refuse(r); why != "" {
		if status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", http.MethodGet)
		}
		h.fail(w, r, visitError{status, why})
		return false
	}
	return true
}

// A visitError is for a request that is not a visit by a person.
type visitError struct {
	status int
	why    string
}

func (e visitError) Error() string { return "httplogin: " + e.why }
