package landing

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"unicode"
)

// A Page says how a login ended and what to do next. HTML escapes every field.
type Page struct {
	Name  string // the value of data-page, for tests
	Good  bool   // it worked
	Title string
	Text  []string // paragraphs
	// Link is where LinkText leads: a path of this site, or an http or https URL. Another Link is
	// left out, and LinkText is then plain text.
	Link string
	// LinkText is empty if there is no link.
	LinkText string
}

//go:embed page.css
var css string

// HTML returns the page. It is not an html/template, because that package adds 3.4 MB to every
// program.
func (p Page) HTML() string {
	title, class := html.EscapeString(p.Title), "bad"
	if p.Good {
		class = "good"
	}
	var b strings.Builder
	b.WriteString(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>` + title + `</title>
<link rel="icon" href="data:,">
<style>` + css + `</style>
</head>
<body data-page="` + html.EscapeString(p.Name) + `">
<main class="card ` + class + `">
<h1>` + title + `</h1>
`)
	for _, text := range p.Text {
		b.WriteString("<p>" + html.EscapeString(text) + "</p>\n")
	}
	if p.LinkText != "" {
		b.WriteString("<p>" + p.link() + "</p>\n")
	}
	b.WriteString("</main>\n</body>\n</html>\n")
	return b.String()
}

// link returns LinkText in HTML, as a link if Link may be one.
func (p Page) link() string {
	text := html.EscapeString(p.LinkText)
	if !canBeLink(p.Link) {
		return text
	}
	return `<a class="button primary" href="` + html.EscapeString(p.Link) + `">` + text + `</a>`
}

// canBeLink reports whether address is a path of this site, or an http or https URL with a host.
// It refuses backslashes, which browsers read as slashes, and control characters, some of which
// they skip.
func canBeLink(address string) bool {
	if strings.Contains(address, `\`) || strings.ContainsFunc(address, unicode.IsControl) {
		return false
	}
	if strings.HasPrefix(address, "/") {
		return !strings.HasPrefix(address, "//") // which begins with another host
	}
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

// Write responds with a page that HTML returned. It reports no error: a browser that has left
// needs no page.
func Write(w http.ResponseWriter, status int, html string) {
	set(w.Header(), "Content-Security-Policy", policy(), "Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, html)
}

// policy lets a page use its own style, and nothing else.
var policy = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte(css))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
})
