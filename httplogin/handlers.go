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
// Any replica can serve any request. For a minute after a login, the process remembers the outcome,
// in case the browser repeats the callback. Handlers are safe for concurrent use, and must not be
// changed or copied after the first request.
type Handlers struct {
	// Config is the app. It is required. Its RedirectURI says where Callback is served, and whether
	// the site uses https. The handlers never take these from a request's Host or X-Forwarded
	// headers.
	Config *csoauth.Config
	// Keys seal the cookies. At least one is required. Each has 32 random bytes, and all replicas
	// have the same keys. The first key seals, and every key opens.
	Keys Keys
	// OnToken gets the token of a user who has logged in. It is required. It starts the user's
	// session and stores the token, for example in package tokens. Callback sends the browser on to
	// return_to only after OnToken returns nil. So OnToken may set headers, but must not write a
	// body. If it returns an error, OnError gets that error.
	//
	// If the browser repeats the callback, OnToken is called again with the same token. The token's
	// UserUID is empty if Contentstack's response does not name the user.
	OnToken func(w http.ResponseWriter, r *http.Request, t *csoauth.Token) error
	// OnError writes the response to a request that failed. See [Handlers.Callback] for the errors.
	// Nil: a plain page that offers another try. The page does not tell an attacker the cause.
	OnError func(w http.ResponseWriter, r *http.Request, err error)
	// StartPath is where Start is served, such as "/login", for the link on the error page. Empty:
	// the link leads to "/".
	StartPath string
	// AuthOptions are the options of each attempt. Nil: all defaults. Its RedirectURI and Lifetime
	// must be empty. An attempt lasts ten minutes.
	AuthOptions *csoauth.AuthOptions
	// Logger gets a line for each failed login and each refused request. The level is INFO if the
	// user can try again, and ERROR if an operator should look at it. Nil: no log.
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

// Format prints the Handlers under every verb, without the Keys.
func (h *Handlers) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "httplogin.Handlers") }

// Validate returns an error if the Handlers cannot work, and nil otherwise. Call it when the server
// starts. Handlers that are not valid respond to each request with an error.
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

// Start sends the browser to Contentstack. The query may have return_to: a path of this site, with
// or without a query, to which the user goes after the login. The user goes to "/" if there is no
// return_to, or if it leads to another site, does not parse or has more than 512 bytes.
//
// With [csoauth.RouteHash], a user who is not logged in to Contentstack yet may end at the list of
// stacks there, and no callback comes. Use [csoauth.RoutePath], or say near the link that a second
// click helps.
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

// ErrNoCookie: the browser that brings the callback has no attempt to log in. Either its cookies
// are blocked, the attempt is too old, or the login began in another browser or at another host.
// Offer another try.
var ErrNoCookie = errors.New("no attempt to log in")

// Callback ends a login. It checks the callback, trades its code for the token, passes the token to
// OnToken, and sends the browser on to return_to. The attempt is then over, whether or not it
// succeeded. There are two exceptions: the callback belongs to no attempt of this browser, or 64
// exchanges are already running.
//
// If the same callback comes again within a minute and in the same process, it has the same
// outcome. OnToken gets the same token again, and Callback does not send the code again. Another
// replica does not know the outcome. If a proxy repeats a callback at another replica while the
// first one still works on it, the code is sent twice. A strict server then revokes the token of
// that code.
//
// OnError gets one of these errors. Test for them with errors.Is and errors.As:
//   - [csoauth.ErrDenied]: the user denied access.
//   - [csoauth.ErrState]: the callback is forged, does not parse, or belongs to no attempt of this
//     browser.
//   - [ErrNoCookie]: this browser has no attempt at all.
//   - [csoauth.ErrAttemptExpired]: the attempt is too old, or over.
//   - [ErrBusy]: the attempt is not over; the response has a Retry-After.
//   - [csoauth.ErrConfig]: the app is set up wrongly.
//   - a [*csoauth.Error]: Contentstack reported an error. With the Verdict
//     [csoauth.VerdictLoginOver], Contentstack refused the code: let the user start over.
//   - the error that OnToken returned, or another error if Contentstack cannot be reached or the
//     Handlers are not valid.
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
