package main

import (
	"bytes"
	_ "embed"
	"html/template"
	"log/slog"
	"net/http"
)

//go:embed page.html
var pageText string

//go:embed style.css
var style string

var page = template.Must(template.New("page").Parse(pageText))

// pageData is what the page shows. User is nil if nobody is logged in, or if nobody can tell at the moment; LoggedIn is for the latter.
type pageData struct {
	User     *user
	LoggedIn bool
	Notice   string
}

type user struct {
	Name, Email, Organization string
	Stacks                    []stack
}

type stack struct {
	Name        string
	Description string
	APIKey      string `json:"api_key"`
}

// writePage answers with the page. No cache keeps it, no script runs in it, and no other site frames it.
func writePage(w http.ResponseWriter, status int, data pageData) {
	var text bytes.Buffer
	if err := page.Execute(&text, data); err != nil {
		slog.Error("the page", "err", err)
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
	w.Write(text.Bytes()) // to a browser that left: nothing to do about it
}

func serveStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Write([]byte(style)) // as above
}
