package emulator

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// API serves an API behind the emulator's tokens: handler sees only requests whose bearer token is
// good, all others get the 401 of the Content Management API. pattern is that of a http.ServeMux,
// which panics if it is wrong or taken. It stands before the emulator's own APIs.
func (e *Emulator) API(pattern string, handler http.Handler) {
	e.added.Handle(pattern, e.behindToken(contentManagement, func(w http.ResponseWriter, r *http.Request, c *call) {
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		handler.ServeHTTP(seen, r)
		c.entry.end(seen.status, "let through to "+pattern)
	}))
}

// A call is a request to an API with a good access token.
type call struct {
	entry  *entry
	app    App
	user   User
	org    Organization
	scopes []string // of the access token
	query  url.Values
	errors errorShape
}

// An errorShape writes an error in the form of one of Contentstack's services.
type errorShape func(e *Emulator, w http.ResponseWriter, status, code int, message string)

// contentManagement is the form of the Content Management API.
func contentManagement(_ *Emulator, w http.ResponseWriter, status, code int, message string) {
	members := map[string]any{"error_message": message, "error_code": code, "errors": map[string]any{}}
	if code == 0 {
		delete(members, "error_code")
	}
	writeJSON(w, status, members)
}

// developerHub is the form of the Developer Hub API, as far as it is known.
func developerHub(e *Emulator, w http.ResponseWriter, status, code int, message string) {
	if e.o.Unknowns.HubErrorShape == "cma" {
		contentManagement(e, w, status, code, message)
		return
	}
	writeJSON(w, status, map[string]any{"statusCode": status, "message": message, "error": http.StatusText(status)})
}

// refuse ends a call with an error.
func (c *call) refuse(e *Emulator, w http.ResponseWriter, status, code int, message string) {
	c.entry.end(status, "refused: "+message)
	c.errors(e, w, status, code, message)
}

// may reports whether the access token has a scope. If not, the call is refused.
func (c *call) may(e *Emulator, w http.ResponseWriter, scope string) bool {
	if slices.Contains(c.scopes, scope) {
		return true
	}
	code, _ := strconv.Atoi(e.o.Unknowns.ScopeErrorCode) // "none" is 0
	c.entry.end(http.StatusForbidden, "refused: the token lacks "+scope)
	c.errors(e, w, http.StatusForbidden, code, "The provided access token has insufficient scopes")
	return false
}

// isElsewhere reports whether a call is about another organization than the token's. Then the call
// is refused.
func (c *call) isElsewhere(e *Emulator, w http.ResponseWriter, organizationUID string) bool {
	if organizationUID == c.org.UID {
		return false
	}
	c.entry.end(http.StatusForbidden, "refused: the token is of another organization")
	c.errors(e, w, http.StatusForbidden, 316, "You don't have the permission to do this operation.")
	return true
}

// The texts of the 401 of the Content Management API, which all have the code 105.
const (
	noToken        = "You're not allowed in here unless you're logged in."
	badToken       = "The provided access token is invalid or expired or revoked"
	badAuthtoken   = "authtoken is not valid"
	notLoggedInErr = 105
)

// behindToken serves do to requests with a good access token, and refuses all others.
func (e *Emulator) behindToken(errors errorShape, do func(w http.ResponseWriter, r *http.Request, c *call)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entry := e.log.begin(r)
		query := r.URL.Query()
		entry.see(query)
		refuse := func(decision, message string) {
			entry.end(http.StatusUnauthorized, "refused: "+decision)
			errors(e, w, http.StatusUnauthorized, notLoggedInErr, message)
		}
		headers := r.Header.Values("Authorization")
		scheme, access, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		bearer := strings.EqualFold(scheme, "Bearer")
		var token accessToken
		var good bool
		if bearer && len(headers) == 1 {
			token, good = e.bearer(access)
		}
		if good {
			entry.about(token.app, token.user)
		}
		_, authtoken := r.Header["Authtoken"]
		switch {
		case len(headers) > 1:
			entry.breaks(twoAuthorizationHeaders)
			refuse(fmt.Sprintf("there are %d Authorization headers", len(headers)), noToken)
		case authtoken && entry.breaks(authtokenHeader), authtoken && len(headers) == 0:
			refuse("there is an authtoken header", badAuthtoken)
		case breaksInAPIURL(query, entry):
			refuse("the URL holds a secret", noToken)
		case len(headers) == 0 || headers[0] == "" || bearer && access == "":
			refuse("no good bearer token", noToken)
		case !bearer:
			entry.breaks(noBearerScheme)
			refuse("no good bearer token", noToken)
		case !good:
			refuse("no good bearer token", badToken)
		default:
			do(w, r, &call{entry, token.app, token.user, token.org, token.scopes, query, errors})
		}
	})
}

// bearer returns a copy of the access token with that value, if it is good.
func (e *Emulator) bearer(access string) (accessToken, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t, ok := e.grants.bearer(access)
	if !ok {
		return accessToken{}, false
	}
	return *t, true
}

// serveAPI serves what has no handler of its own: the APIs that were added, and the emulator's.
func (e *Emulator) serveAPI(w http.ResponseWriter, r *http.Request) {
	for _, mux := range []*http.ServeMux{e.added, e.apis} {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
	}
	decision := "refused: nothing is served at this path"
	if strings.HasSuffix(r.URL.Path, "/token") {
		decision += "; the token endpoint is " + TokenPaths()[0]
	}
	e.log.begin(r).end(http.StatusNotFound, decision)
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		writePage(w, http.StatusNotFound, errorPage("There is no such page", "The emulator serves nothing at this path. Its endpoints are listed on its first page."))
		return
	}
	contentManagement(e, w, http.StatusNotFound, 141, "The emulator serves nothing at this path")
}

// A statusWriter remembers the status of a response. http.NewResponseController finds the rest of
// the ResponseWriter.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func writeJSON(w http.ResponseWriter, status int, members map[string]any) {
	contentType, body := jsonAnswer(members)
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(body) // to a client that left: nothing to do about it
}
