package landing_test

import (
	"crypto/sha256"
	"encoding/base64"
	"go/parser"
	"go/token"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/landing"
)

// wholePage has something in every field.
var wholePage = landing.Page{
	Name: "login-failed", Title: "The login did not work", Text: []string{"It took too long.", "Start again."},
	Link: "/login?a=b&return_to=%2F", LinkText: "Try again",
}

func TestPageIsTheGoldenOne(t *testing.T) {
	golden, err := os.ReadFile("testdata/page.html")
	require.NoError(t, err)
	assert.Equal(t, string(golden), wholePage.HTML())
}

func TestStyleIsForBothThemes(t *testing.T) {
	style := styleOf(t, landing.Page{}.HTML())
	assert.Contains(t, style, "color-scheme: light dark;")
	assert.Contains(t, style, "@media (prefers-color-scheme: dark)")
	for _, colour := range []string{"--ground", "--card", "--text", "--line", "--accent", "--on-accent", "--bad"} {
		assert.Equal(t, 2, strings.Count(style, colour+": #"), "%s is set once for each theme", colour)
	}
}

func TestPageSaysHowItWent(t *testing.T) {
	assert.Contains(t, markup(landing.Page{Good: true}), `<main class="card good">`)
	assert.Contains(t, markup(landing.Page{}), `<main class="card bad">`)
}

func TestEveryFieldIsEscaped(t *testing.T) {
	const hostile = `</title></style><script>alert("1")</script>&'`
	for name, row := range map[string]struct {
		page  landing.Page
		times int
	}{
		"Name":      {landing.Page{Name: hostile}, 1},
		"Title":     {landing.Page{Title: hostile}, 2},
		"Text":      {landing.Page{Text: []string{hostile, hostile}}, 2},
		"LinkText":  {landing.Page{Link: "/", LinkText: hostile}, 1},
		"text only": {landing.Page{LinkText: hostile}, 1},
		"path":      {landing.Page{Link: "/" + hostile, LinkText: "l"}, 1},
		"URL":       {landing.Page{Link: "https://example.com/?" + hostile, LinkText: "l"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			got := markup(row.page)
			assert.Equal(t, row.times, strings.Count(got, html.EscapeString(hostile)))
			assert.NotContains(t, got, `<script`)
			assert.NotContains(t, got, `"1"`)
		})
	}
}

func TestLinkLeadsToAPathOrAWebAddress(t *testing.T) {
	for link, good := range map[string]bool{
		"/":                                    true,
		"/login?return_to=%2Fa":                true,
		"/login?to=https://a.example":          true,
		"/javascript:alert(1)":                 true,
		"/%5Cevil.example":                     true,
		"http://127.0.0.1:8184/":               true,
		"https://example.com":                  true,
		"HTTPS://example.com/a?b#c":            true,
		"":                                     false,
		"login":                                false,
		"?a=b":                                 false,
		"#a":                                   false,
		"javascript:alert(1)":                  false,
		"JavaScript:alert(1)":                  false,
		"\x01javascript:alert(1)":              false,
		"java\nscript:alert(1)":                false,
		" javascript:alert(1)":                 false,
		"javascript://example.com/%0aalert(1)": false,
		"vbscript:msgbox(1)":                   false,
		"data:text/html,x":                     false,
		"blob:https://example.com/1":           false,
		"file:///etc/passwd":                   false,
		"mailto:a@example.com":                 false,
		"//evil.example":                       false,
		"///evil.example":                      false,
		`/\evil.example`:                       false,
		`\\evil.example`:                       false,
		`/a\b`:                                 false,
		"/\t/evil.example":                     false,
		"/\n/evil.example":                     false,
		"/\r/evil.example":                     false,
		"/\x00":                                false,
		"/\x7f":                                false,
		"/\u0085":                              false,
		" //evil.example":                      false,
		"https:evil.example":                   false,
		"https:/evil.example":                  false,
		"https:///evil.example":                false,
		"https://":                             false,
		"https://:443/":                        false,
		`https://example.com\@evil.example/`:   false,
		"https://exa\tmple.com":                false,
		"https://%zz/":                         false,
	} {
		page := markup(landing.Page{Link: link, LinkText: "Try again"})
		if good {
			assert.Contains(t, page, `<p><a class="button primary" href="`+html.EscapeString(link)+`">Try again</a></p>`, "%q", link)
		} else {
			assert.NotContains(t, page, "<a ", "%q", link)
			assert.Contains(t, page, "<p>Try again</p>", "%q: the text stays", link)
		}
		assert.NotContains(t, markup(landing.Page{Link: link}), "<a ", "%q: nothing to click", link)
	}
}

// TestPolicyAllowsThePagesStyleAlone computes the hash as a browser does, from the page that it
// got.
func TestPolicyAllowsThePagesStyleAlone(t *testing.T) {
	w := httptest.NewRecorder()
	landing.Protect(w.Header())
	landing.Write(w, http.StatusBadGateway, landing.Page{Title: "t"}.HTML())
	assert.Equal(t, http.StatusBadGateway, w.Code)
	assert.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
	hash := sha256.Sum256([]byte(styleOf(t, w.Body.String())))
	assert.Equal(t, []string{
		"default-src 'none'", "style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'",
		"img-src data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
	}, strings.Split(strings.Join(w.Header().Values("Content-Security-Policy"), ", "), "; "))
}

// TestTemplatesAreNotLinked: they would add 3.4 MB to every program that logs a user in.
func TestTemplatesAreNotLinked(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, spec := range file.Imports {
			assert.NotContains(t, spec.Path.Value, "template", name)
		}
	}
}

// markup returns the HTML of a page without its style, which is long in the report of a failure.
func markup(page landing.Page) string {
	before, rest, _ := strings.Cut(page.HTML(), "<style>")
	_, after, _ := strings.Cut(rest, "</style>")
	return before + after
}

// styleOf returns what stands between the style tags of a page.
func styleOf(t *testing.T, page string) string {
	_, style, _ := strings.Cut(page, "<style>")
	style, _, found := strings.Cut(style, "</style>")
	require.True(t, found)
	require.NotEmpty(t, style)
	return style
}
