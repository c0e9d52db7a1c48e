package landing

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"net/http"
	"strings"
)

// A Page tells how a log-in ended, and what to do next. All of it is escaped.
type Page struct {
	Name  string // what data-page says, for tests
	Good  bool   // it worked
	Title string
	Text  []string // paragraphs
	Link  string   // where LinkText leads: a path
	// LinkText is empty if there is no link.
	LinkText string
}

//go:embed page.css
var css string

//go:embed page.html
var html string

var page = template.Must(template.New("page").Parse(html))

// HTML returns the page.
func (p Page) HTML() string {
	var b strings.Builder
	_ = page.Execute(&b, struct { // cannot fail: the fields are there, and a Builder takes all
		Page
		CSS template.CSS
	}{p, template.CSS(css)})
	return b.String()
}

// Write answers with a page that HTML returned. A browser that is gone needs none, so there is no error.
func Write(w http.ResponseWriter, status int, html string) {
	set(w.Header(), "Content-Security-Policy", policy, "Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, html)
}

// policy lets a page use its own style, and nothing else.
var policy = func() string {
	sum := sha256.Sum256([]byte(css))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()
