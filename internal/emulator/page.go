package emulator

import (
	"embed"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

//go:embed pages
var pageFiles embed.FS

//go:embed scopes.tsv
var scopeFile string

const (
	pageHeader      = "Emulator-Page" // tells a program which page it got, so that it need not read HTML
	consentPageName = "consent"
	askHeader       = "Emulator-Ask" // of a request: ask for consent even if it was given before
)

// A scopeInWords is a scope on the consent page. Words describes it to people. It is empty for a
// scope without a line in scopes.tsv.
type scopeInWords struct{ Name, Words string }

var scopeWords = sync.OnceValue(func() map[string]string {
	words := map[string]string{}
	for line := range strings.Lines(scopeFile) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), "\t")
		words[name] = text
	}
	return words
})

func inWords(scopes []string) (all []scopeInWords) {
	for _, name := range scopes {
		all = append(all, scopeInWords{name, scopeWords()[name]})
	}
	return all
}

// serveIndex is where the hash route arrives: a browser sends nothing of what stands behind #, so
// the page's script has to look.
func (e *Emulator) serveIndex(w http.ResponseWriter, r *http.Request) {
	apps := e.Apps()
	for i := range apps {
		apps[i].ClientSecret = "" // it is for the person who started the emulator
	}
	data := indexData{
		Base: "http://" + r.Host, Apps: apps, Users: e.o.Users,
		Lost: r.URL.Query().Has("lost"), Endpoints: endpointGroups(), activity: e.activity(0),
	}
	data.User, _ = e.session(r) // no session, no user
	writePage(w, http.StatusOK, indexPage(data))
}

// serveRequests is the log for tests in any language: {"next": n, "requests": [...],
// "findings": [...]} with the requests that came since the n of the response before, and all
// findings. With as=html it is the same as the index shows it, for pages/log.js.
func (e *Emulator) serveRequests(w http.ResponseWriter, r *http.Request) {
	since, err := strconv.Atoi(r.URL.Query().Get("since"))
	if err != nil {
		since = 0 // all
	}
	if r.URL.Query().Get("as") == "html" {
		writePage(w, http.StatusOK, activityPage(e.activity(since)))
		return
	}
	requests, next := e.log.since(since)
	writeJSON(w, http.StatusOK, map[string]any{"next": next, "requests": requests, "findings": e.Findings()})
}

func writePage(w http.ResponseWriter, status int, p page) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	// Chromium holds form-action against the redirect that follows a form, too, and consent ends at
	// the app.
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
		"connect-src 'self'; form-action *; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(p.document()) // an error means that the browser has left
}

// servePageFile serves the pages' scripts and their style.
func servePageFile(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	if !strings.HasSuffix(name, ".js") && !strings.HasSuffix(name, ".css") {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeFileFS(w, r, pageFiles, "pages/"+name)
}
