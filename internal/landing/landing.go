// Package landing responds to the browser that comes back from Contentstack, to a web server
// (httplogin) or to a program on the user's machine (loopback). It has the headers of the response,
// the page, and the refusal of requests that no person made.
package landing

import (
	"net/http"
	"strings"
)

// Protect sets the headers of every response: the address may hold a code.
func Protect(h http.Header) {
	set(h, "Cache-Control", "no-store", "Referrer-Policy", "no-referrer", "X-Content-Type-Options", "nosniff",
		"Content-Security-Policy", "frame-ancestors 'none'")
}

// set sets headers with canonical names. Their values share one array, where Header.Set makes one
// for each.
func set(h http.Header, pairs ...string) {
	values := make([]string, len(pairs)/2)
	for i := range values {
		values[i] = pairs[2*i+1]
		h[pairs[2*i]] = values[i : i+1 : i+1]
	}
}

// Visited reports whether r is a visit by a person. If it is not, Visited has written the response:
// see [Refuse].
func Visited(w http.ResponseWriter, r *http.Request) bool {
	status, why := Refuse(r)
	if why == "" {
		return true
	}
	if status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodGet)
	}
	http.Error(w, why, status)
	return false
}

// Refuse returns why r is not a visit by a person, and the status that says so, or "" if it is one.
// GET is the only method. A browser that fetches ahead, or for a preview or a frame, would use up
// an attempt that the person still needs. A navigation that went through a service worker is a
// visit.
func Refuse(r *http.Request) (status int, why string) {
	switch {
	case r.Method != http.MethodGet:
		return http.StatusMethodNotAllowed, "the method is not GET"
	case isPrefetch(r.Header):
		return http.StatusForbidden, "the request was made ahead of a visit, or for a preview"
	case !isNavigation(r.Header):
		return http.StatusForbidden, "the request is not a visit: this page cannot be shown in a frame, and no script can fetch it"
	}
	return 0, ""
}

// isPrefetch reports whether a request says that no person is looking.
func isPrefetch(h http.Header) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} { // canonical names, so no need of Values
		for _, said := range h[name] {
			said = strings.ToLower(said)
			if strings.Contains(said, "prefetch") || strings.Contains(said, "prerender") || strings.Contains(said, "preview") {
				return true
			}
		}
	}
	return false
}

// isNavigation reports whether a request is, or may be, for a page that a browser shows in a window
// of its own. With fetch(event.request), a service worker repeats such a request with the
// destination "empty" and the mode "navigate", which no other script can set.
func isNavigation(h http.Header) bool {
	mode := h["Sec-Fetch-Mode"]
	for _, dest := range h["Sec-Fetch-Dest"] {
		if dest != "document" && !(dest == "empty" && len(mode) == 1 && mode[0] == "navigate") {
			return false
		}
	}
	return true
}

// Redirect sends the browser on, and no page along: it would hold the address.
func Redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}
