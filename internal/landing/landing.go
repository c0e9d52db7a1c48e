// Package landing is what a browser gets that comes back from Contentstack, in a web server (httplogin) and at a program on the user's
// machine (loopback): the headers of the answer, the page, and the refusal of requests that nobody looks at.
package landing

import (
	"net/http"
	"strings"
)

// Protect sets the headers of every answer: the address may hold a code.
func Protect(h http.Header) {
	set(h, "Cache-Control", "no-store", "Referrer-Policy", "no-referrer", "X-Content-Type-Options", "nosniff",
		"Content-Security-Policy", "frame-ancestors 'none'")
}

// set sets headers with canonical names. Their values share one array, where Header.Set makes one for each.
func set(h http.Header, pairs ...string) {
	values := make([]string, len(pairs)/2)
	for i := range values {
		values[i] = pairs[2*i+1]
		h[pairs[2*i]] = values[i : i+1 : i+1]
	}
}

// Visited reports whether r is the visit of a person. If it is not, Visited has answered: GET is the one method, and a browser that
// fetches ahead, or for a preview or a frame, would use up an attempt that the person still needs.
func Visited(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	case prefetched(r.Header):
		http.Error(w, "this page is for visits", http.StatusForbidden)
	default:
		return true
	}
	return false
}

// prefetched reports whether a request says that nobody is looking.
func prefetched(h http.Header) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} { // canonical names, so no need of Values
		for _, said := range h[name] {
			said = strings.ToLower(said)
			if strings.Contains(said, "prefetch") || strings.Contains(said, "prerender") || strings.Contains(said, "preview") {
				return true
			}
		}
	}
	dest := h["Sec-Fetch-Dest"]
	return len(dest) > 0 && dest[0] != "document"
}

// Redirect sends the browser on, and no page along: it would hold the address.
func Redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}
