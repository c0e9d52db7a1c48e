package emulator

import (
	"embed"
	"html/template"
	"net/http"
)

//go:embed pages
var pageFiles embed.FS

var pages = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

// pageHeader tells a program which page it got, so that it need not read HTML.
const (
	pageHeader  = "Emulator-Page"
	consentPage = "consent"
)

type consentData struct {
	App    App
	Scopes []string
	Users  []User
}

func writePage(w http.ResponseWriter, status int, name string, data any) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	pages.ExecuteTemplate(w, name+".html", data) // to a browser that left: nothing to do about it
}

// serveIndex is where the hash route arrives: a browser sends nothing of what stands behind #, so the page's script
// has to look.
func (e *Emulator) serveIndex(w http.ResponseWriter, r *http.Request) {
	writePage(w, http.StatusOK, "index", e.Apps())
}

func serveRouteScript(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	http.ServeFileFS(w, r, pageFiles, "pages/route.js")
}
