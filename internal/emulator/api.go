package emulator

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// API serves an API behind the emulator's tokens: handler sees only requests whose bearer token is
// good, all others get the 401 of the Content Management API. pattern is that of a http.ServeMux,
// which panics if it is wrong or taken.
func (e *Emulator) API(pattern string, handler http.Handler) {
	e.apis.Handle(pattern, handler)
}

// serveAPI serves what has no handler of its own: the APIs that were added, and the one that is
// always there.
func (e *Emulator) serveAPI(w http.ResponseWriter, r *http.Request) {
	_, pattern := e.apis.Handler(r)
	user := r.Method == http.MethodGet && r.URL.Path == "/v3/user"
	if pattern == "" && !user {
		writeCMAError(w, http.StatusNotFound, 141, "The emulator serves nothing at this path")
		return
	}
	entry := e.log.begin(r, e.o.Now())
	granted, ok := e.authorized(r)
	headers := len(r.Header.Values("Authorization"))
	switch {
	case headers > 1:
		entry.end(http.StatusUnauthorized, fmt.Sprintf("refused: there are %d Authorization headers", headers))
		writeNotLoggedIn(w)
	case !ok:
		entry.end(http.StatusUnauthorized, "refused: no good bearer token")
		writeNotLoggedIn(w)
	case pattern != "":
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		e.apis.ServeHTTP(seen, r)
		entry.end(seen.status, "let through to "+pattern)
	case !slices.Contains(granted.scopes, "user:read"):
		entry.end(http.StatusForbidden, "refused: the token lacks user:read")
		writeCMAError(w, http.StatusForbidden, 316, "Provided access token has insufficient scopes")
	default:
		entry.end(http.StatusOK, "told who "+granted.user.Name()+" is")
		writeJSON(w, http.StatusOK, map[string]any{"user": granted.user.profile()})
	}
}

// A statusWriter remembers the status of an answer. http.NewResponseController finds the rest of
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

// authorized returns the grant of a request's bearer token.
func (e *Emulator) authorized(r *http.Request) (*grant, bool) {
	scheme, access, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.grants.bearer(access)
}

// profile is the user as the Content Management API tells it.
func (u User) profile() map[string]any {
	organizations := []map[string]any{}
	for _, o := range u.Organizations {
		organizations = append(organizations, map[string]any{"uid": o.UID, "name": o.Name})
	}
	return map[string]any{
		"uid": u.UID, "email": u.Email, "username": u.Email,
		"first_name": u.FirstName, "last_name": u.LastName,
		"organizations": organizations,
	}
}

// writeNotLoggedIn writes the response of the Content Management API to a request without a good
// token.
func writeNotLoggedIn(w http.ResponseWriter) {
	writeCMAError(w, http.StatusUnauthorized, 105, "You're not allowed in here unless you're logged in.")
}

func writeCMAError(w http.ResponseWriter, status, code int, message string) {
	writeJSON(w, status, map[string]any{"error_message": message, "error_code": code, "errors": map[string]any{}})
}

func writeJSON(w http.ResponseWriter, status int, members map[string]any) {
	contentType, body := jsonAnswer(members)
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(body) // to a client that left: nothing to do about it
}
