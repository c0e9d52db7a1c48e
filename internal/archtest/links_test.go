package archtest_test

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLinksLeadSomewhere(t *testing.T) {
	pages := newPages(root)
	for _, name := range filesOf(t, ".md") {
		for _, problem := range pages.brokenLinks(t, name) {
			assert.Fail(t, problem)
		}
	}
}

// TestNamedPagesExist: comments and help texts name pages by their path in the repository.
func TestNamedPagesExist(t *testing.T) {
	pages := newPages(root)
	for _, name := range filesOf(t, ".go") {
		text, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		for _, problem := range pages.missingPages(t, name, string(text)) {
			assert.Fail(t, problem)
		}
	}
}

func TestBrokenLinksAreFound(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		file := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	write("docs/there.md", "# There\n\n## It's `code_challenge`, *the* [first](a.go): 1.5 & more ##\n\n### Twice\n\n# Twice\n\n"+
		"```md\n# In code\n```\n\n<a id=\"by-hand\"></a>Text\n")
	write("docs/a.go", "package a\n")
	for name, test := range map[string]struct{ text, found string }{
		"file":                 {"[a](there.md)", ""},
		"file with a title":    {`[a](there.md "There")`, ""},
		"picture":              {"![a](../docs/there.md)", ""},
		"folder":               {"[a](../docs)", ""},
		"no file":              {"\n[a](gone.md)", "docs/A.md:2: gone.md: there is no such file"},
		"no file for HTML":     {`<a href="gone.md">a</a>`, "docs/A.md:1: gone.md: there is no such file"},
		"no file of a picture": {"[![a](gone.png)](there.md)", "docs/A.md:1: gone.png: there is no such file"},
		"no dark picture":      {`<source srcset="gone.png">`, "docs/A.md:1: gone.png: there is no such file"},
		"outside":              {"[a](../../there.md)", "docs/A.md:1: ../../there.md: leads out of the repository"},
		"absolute":             {"[a](/docs/there.md)", "docs/A.md:1: /docs/there.md: write a path that is relative to this page"},

		"anchor":                {"[a](there.md#there)", ""},
		"anchor on this page":   {"# Here\n[a](#here)", ""},
		"anchor of markup":      {"[a](there.md#its-code_challenge-the-first-15--more)", ""},
		"anchor that is there":  {"[a](there.md#twice) [a](there.md#twice-1)", ""},
		"anchor by hand":        {"[a](there.md#by-hand)", ""},
		"no anchor":             {"[a](there.md#gone)", "docs/A.md:1: there.md#gone: there.md has no such heading"},
		"no anchor here":        {"# Here\n[a](#there)", "docs/A.md:2: #there: A.md has no such heading"},
		"a third of two":        {"[a](there.md#twice-2)", "docs/A.md:1: there.md#twice-2: there.md has no such heading"},
		"anchor is lower case":  {"[a](there.md#There)", "docs/A.md:1: there.md#There: there.md has no such heading"},
		"heading in code":       {"[a](there.md#in-code)", "docs/A.md:1: there.md#in-code: there.md has no such heading"},
		"anchor of a Go file":   {"[a](a.go#L1)", "docs/A.md:1: a.go#L1: only pages have anchors"},
		"anchor of a folder":    {"[a](../docs#there)", "docs/A.md:1: ../docs#there: only pages have anchors"},
		"reference":             {"[a][There] [b][]\n\n[there]: there.md\n[b]: there.md", ""},
		"no reference":          {"[a][there]", "docs/A.md:1: [there] is not defined"},
		"no short reference":    {"[a][]", "docs/A.md:1: [a] is not defined"},
		"reference leads away":  {"[a][b]\n\n[b]: gone.md", "docs/A.md:3: gone.md: there is no such file"},
		"site":                  {"[a](https://example.com/a?b=c#d), <https://example.com>", ""},
		"mail":                  {"[a](mailto:a@example.com)", ""},
		"site without a host":   {"[a](https:///a)", "docs/A.md:1: https:///a: has no host"},
		"site that is no URL":   {"[a](https://example.com/%zz)", `docs/A.md:1: https://example.com/%zz: invalid URL escape "%zz"`},
		"other scheme":          {"[a](file:///a)", "docs/A.md:1: file:///a: links are https, http or mailto"},
		"no link in code":       {"`[a](gone.md)`\n```text\n[b](gone.md)\n```", ""},
		"no link in two quotes": {"`` `[a](gone.md)` ``", ""},
		"code as the text":      {"[`a`](gone.md)", "docs/A.md:1: gone.md: there is no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			write("docs/A.md", test.text)
			var want []string
			if test.found != "" {
				want = []string{test.found}
			}
			assert.Equal(t, want, newPages(dir).brokenLinks(t, "docs/A.md"))
		})
	}
	t.Run("named in code", func(t *testing.T) {
		const text = "package a\n\n// See docs/there.md.\n// And docs/there.md#there, and\n// docs/gone.md.\n" +
			"var e = errors.New(`see docs/there.md#gone`)\n"
		assert.Equal(t, []string{
			"a.go:5: docs/gone.md: there is no such file",
			"a.go:6: docs/there.md#gone: docs/there.md has no such heading",
		}, newPages(dir).missingPages(t, "a.go", text))
	})
}

// pages are those of the tree below dir. They are read once.
type pages struct {
	dir     string
	anchors map[string][]string
}

func newPages(dir string) *pages { return &pages{dir, map[string][]string{}} }

var (
	inlineLink     = regexp.MustCompile(`\]\(\s*<?([^)\s>]*)>?(?:\s+"[^"]*")?\s*\)`)
	htmlLink       = regexp.MustCompile(`\b(?:href|src|srcset)="([^"]*)"`)
	autoLink       = regexp.MustCompile(`<(https?:[^>\s]*)>`)
	definition     = regexp.MustCompile(`(?m)^ {0,3}\[([^\]\n]+)\]:[ \t]+<?([^\s>]+)`)
	reference      = regexp.MustCompile(`\[([^\[\]]*)\]\[([^\[\]]*)\]`)
	codeSpan       = regexp.MustCompile("``[^\n]*?[^`]``|`[^`\n]+`")
	headingLine    = regexp.MustCompile(`(?m)^ {0,3}#{1,6}[ \t]+(.+?)(?:[ \t]+#+)?[ \t]*$`)
	anchorByHand   = regexp.MustCompile(`<a\s[^>]*\b(?:id|name)="([^"]+)"`)
	linkInHeading  = regexp.MustCompile(`!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])`)
	emphasisAround = regexp.MustCompile(`(^|[^\pL\pN])_+([^_]+)_+($|[^\pL\pN])`)
	pageInText     = regexp.MustCompile(`\bdocs/[\w./-]+\.md(?:#[\w-]+)?`)
)

// brokenLinks returns the links of a page that lead nowhere, a line for each. Addresses of other
// sites are only parsed.
func (p *pages) brokenLinks(t *testing.T, name string) (problems []string) {
	text, err := os.ReadFile(filepath.Join(p.dir, name))
	require.NoError(t, err)
	prose := codeSpan.ReplaceAllStringFunc(withoutFences(string(text)), blank)

	type problem struct {
		at   int
		text string
	}
	var found []problem
	for _, links := range []struct {
		form  *regexp.Regexp
		group int
	}{{inlineLink, 1}, {htmlLink, 1}, {autoLink, 1}, {definition, 2}} {
		for _, m := range links.form.FindAllStringSubmatchIndex(prose, -1) {
			target := prose[m[2*links.group]:m[2*links.group+1]]
			if why := p.wrongWith(t, path.Dir(name), path.Base(name), target); why != "" {
				found = append(found, problem{m[0], target + ": " + why})
			}
		}
	}
	defined := map[string]bool{}
	for _, m := range definition.FindAllStringSubmatch(prose, -1) {
		defined[strings.ToLower(m[1])] = true
	}
	for _, m := range reference.FindAllStringSubmatchIndex(prose, -1) {
		label := prose[m[4]:m[5]]
		if label == "" {
			label = prose[m[2]:m[3]]
		}
		if !defined[strings.ToLower(label)] {
			found = append(found, problem{m[0], "[" + label + "] is not defined"})
		}
	}
	slices.SortStableFunc(found, func(a, b problem) int { return a.at - b.at })
	for _, f := range found {
		problems = append(problems, fmt.Sprintf("%s:%d: %s", name, 1+strings.Count(prose[:f.at], "\n"), f.text))
	}
	return problems
}

// missingPages returns the pages that the comments and texts of a Go file name, and that are not
// there.
func (p *pages) missingPages(t *testing.T, name, text string) (problems []string) {
	for _, passage := range passages(t, name, text) {
		for _, at := range pageInText.FindAllStringIndex(passage.text, -1) {
			target := passage.text[at[0]:at[1]]
			if why := p.wrongWith(t, ".", "", target); why != "" {
				line := passage.line + strings.Count(passage.text[:at[0]], "\n")
				problems = append(problems, fmt.Sprintf("%s:%d: %s: %s", name, line, target, why))
			}
		}
	}
	return problems
}

// wrongWith returns why a link on the page base in the folder dir leads nowhere, or nothing.
func (p *pages) wrongWith(t *testing.T, dir, base, target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return err.(*url.Error).Err.Error()
	}
	switch {
	case u.Scheme == "mailto":
		return ""
	case u.Scheme == "http" || u.Scheme == "https":
		if u.Host == "" {
			return "has no host"
		}
		return ""
	case u.Scheme != "" || u.Host != "":
		return "links are https, http or mailto"
	case strings.HasPrefix(u.Path, "/"):
		return "write a path that is relative to this page"
	}
	to := path.Join(dir, base)
	if u.Path != "" {
		to = path.Join(dir, u.Path)
	}
	if to == ".." || strings.HasPrefix(to, "../") {
		return "leads out of the repository"
	}
	if _, err := os.Stat(filepath.Join(p.dir, to)); err != nil {
		return "there is no such file"
	}
	if u.Fragment == "" {
		return ""
	}
	if path.Ext(to) != ".md" {
		return "only pages have anchors"
	}
	if !slices.Contains(p.anchorsOf(t, to), u.Fragment) {
		shown := u.Path
		if shown == "" {
			shown = base
		}
		return shown + " has no such heading"
	}
	return ""
}

// anchorsOf returns the anchors of a page: those that GitHub makes of its headings, and those in
// its HTML.
func (p *pages) anchorsOf(t *testing.T, name string) []string {
	if found, ok := p.anchors[name]; ok {
		return found
	}
	text, err := os.ReadFile(filepath.Join(p.dir, name))
	require.NoError(t, err)
	prose := withoutFences(string(text))
	found := []string{}
	times := map[string]int{}
	for _, m := range headingLine.FindAllStringSubmatch(prose, -1) {
		anchor := anchorOf(m[1])
		if n := times[anchor]; n > 0 {
			found = append(found, fmt.Sprintf("%s-%d", anchor, n))
		} else {
			found = append(found, anchor)
		}
		times[anchor]++
	}
	for _, m := range anchorByHand.FindAllStringSubmatch(prose, -1) {
		found = append(found, m[1])
	}
	p.anchors[name] = found
	return found
}

// anchorOf returns the anchor that GitHub gives a heading: its text in lower case, without
// punctuation, with a hyphen for each space.
func anchorOf(heading string) string {
	text := linkInHeading.ReplaceAllString(heading, "$1")
	if !strings.Contains(text, "`") {
		text = emphasisAround.ReplaceAllString(text, "$1$2$3")
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		default:
			return -1
		}
	}, text)
}

// testLink matches a link whose text is the name of a test, to the file that has the test.
var testLink = regexp.MustCompile(`\[(Test\w+|Fuzz\w+)\]\(([^)]+_test\.go)\)`)

// TestNamedTestsExist: a page that names a test leads to the file with that test.
func TestNamedTestsExist(t *testing.T) {
	found := 0
	for _, name := range filesOf(t, ".md") {
		page, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		for _, link := range testLink.FindAllStringSubmatch(string(page), -1) {
			text, err := os.ReadFile(filepath.Join(root, filepath.Dir(name), link[2]))
			require.NoError(t, err)
			assert.Contains(t, string(text), "\nfunc "+link[1]+"(", "%s: %s does not have %s", name, link[2], link[1])
			found++
		}
	}
	assert.Positive(t, found)
}
