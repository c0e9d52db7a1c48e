package main

import (
	"bytes"
	_ "embed"
	"html/template"
	"log/slog"
	"net/http"

	"github.com/contentstack/csoauth/csapi"
)

//go:embed page.html
var pageText string

//go:embed style.css
var style string

var page = template.Must(template.New("page").Parse(pageText))

// pageData is what the page shows.
type pageData struct {
	User     *user  // nil: not logged in, or not known at the moment
	LoggedIn bool   // there is a session, although User is nil
	Notice   string // a message above the page, or empty
}

type user struct {
	Name, Email, Organization string
	Stacks                    []csapi.Stack
}

// writePage writes the page. Its headers forbid caching, scripts, and frames on other sites.
func writePage(w http.ResponseWriter, status int, data pageData) {
	var text bytes.Buffer
	if err := page.Execute(&text, data); err != nil {
		slog.Error("cannot render the page", "err", err)
		http.Error(w, "internal server error", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(text.Bytes()) // an error means that the browser has left
}

func serveStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Write([]byte(style)) // as above
}
