package archtest_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const troubleshooting = "docs/guides/troubleshooting.md"

// TestTroubleshootingQuotesTheCode: a text that has changed in the code is found by nobody who
// searches the page for it.
func TestTroubleshootingQuotesTheCode(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, troubleshooting))
	require.NoError(t, err)
	quoted := quotedTexts(string(page))
	require.Greater(t, len(quoted), 80, "the texts are in the first column of tables, under the heading Text")
	texts := textsOfCode(t)
	for _, text := range quoted {
		assert.True(t, isQuoteOf(text, texts), "%s: `%s` is in no string of the code", troubleshooting, text)
	}
}

func TestQuotesAreFound(t *testing.T) {
	const page = "| Text | Cause |\n|---|---|\n| `a …` | `b` |\n| `c`, `d` | |\n\n| Error | |\n|---|---|\n| `e` | |\n"
	assert.Equal(t, []string{"a …", "c", "d"}, quotedTexts(page))

	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.go"), []byte("package a\n\nvar e = fmt.Errorf(\"the %-5s of %[2]d%%, \"+\n\t\"which is %w\", x)\n"+
		"var f = \"in \" + place + ` a \"row\"`\n"), 0o644))
	texts := textsOfFile(t, filepath.Join(dir, "a.go"))
	for quote, want := range map[string]bool{
		"the … of …%, which is …": true,
		"of …%, which":            true,
		`in … a "row"`:            true,
		"the fifth of …%":         false,
		"the … of the":            false,
		"which is":                true,
		"which was":               false,
		"…":                       false, // it says nothing
		"of":                      false,
	} {
		assert.Equal(t, want, isQuoteOf(quote, texts), quote)
	}
}

// quotedTexts returns the code spans in the first column of the tables whose first heading is Text.
func quotedTexts(page string) (texts []string) {
	inTable := false
	for line := range strings.Lines(page) {
		cells := strings.SplitN(strings.TrimSpace(line), "|", 3)
		if len(cells) < 3 {
			inTable = false
			continue
		}
		first := strings.TrimSpace(cells[1])
		if first == "Text" {
			inTable = true
			continue
		}
		if inTable {
			for _, span := range codeSpan.FindAllString(first, -1) {
				texts = append(texts, strings.Trim(span, "`"))
			}
		}
	}
	return texts
}

// isQuoteOf reports whether a text of the code has this part. It must have some letters of its own.
func isQuoteOf(quote string, texts []string) bool {
	if len(strings.ReplaceAll(quote, "…", "")) < 4 {
		return false
	}
	for _, text := range texts {
		if strings.Contains(text, quote) {
			return true
		}
	}
	return false
}

// textsOfCode returns the strings of all Go files but tests, with … for what is filled in.
func textsOfCode(t *testing.T) (texts []string) {
	for _, name := range filesOf(t, ".go") {
		if !strings.HasSuffix(name, "_test.go") {
			texts = append(texts, textsOfFile(t, filepath.Join(root, name))...)
		}
	}
	return texts
}

func textsOfFile(t *testing.T, name string) (texts []string) {
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	require.NoError(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		expr, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		text, hasText := textOf(t, expr)
		if hasText {
			texts = append(texts, text)
		}
		return !hasText // the parts of a sum are not looked at again
	})
	return texts
}

// verb matches a verb of fmt.
var verb = regexp.MustCompile(`%[-+# 0]*(?:\[\d+\])?[\d.*]*[a-zA-Z]`)

// textOf returns the text of a string, or of strings that are added up.
func textOf(t *testing.T, expr ast.Expr) (text string, ok bool) {
	switch expr := expr.(type) {
	case *ast.BasicLit:
		if expr.Kind != token.STRING {
			return "", false
		}
		text, err := strconv.Unquote(expr.Value)
		require.NoError(t, err)
		return strings.ReplaceAll(verb.ReplaceAllString(text, "…"), "%%", "%"), true
	case *ast.BinaryExpr:
		left, isLeft := textOf(t, expr.X)
		right, isRight := textOf(t, expr.Y)
		if expr.Op != token.ADD || !isLeft && !isRight {
			return "", false
		}
		if !isLeft {
			left = "…"
		}
		if !isRight {
			right = "…"
		}
		return fmt.Sprint(left, right), true
	}
	return "", false
}
