package archtest_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// documents lists the pages whose snippets and commands are checked. README.md must be there
// and show Go code.
func documents(t *testing.T, dir string) []document {
	names := []string{"README.md"}
	for _, pattern := range []string{"CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/*.md", guidePages, "examples/*.md", "examples/*/*.md", storeReadmes} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		require.NoError(t, err)
		for _, name := range found {
			rel, err := filepath.Rel(dir, name)
			require.NoError(t, err)
			names = append(names, filepath.ToSlash(rel))
		}
	}
	var docs []document
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		docs = append(docs, parseDocument(name, string(text)))
	}
	return docs
}

// storeReadmes show Go code for clients of databases, which the root module does not have.
// internal/integration compiles and runs it.
const storeReadmes = "tokens/*/README.md"

func TestSnippetsCompile(t *testing.T) {
	needs(t, "go")
	for i, doc := range documents(t, root) {
		if elsewhere, err := path.Match(storeReadmes, doc.name); err != nil || elsewhere {
			require.NoError(t, err)
			continue
		}
		assert.False(t, i == 0 && len(doc.fences("go")) == 0, "README.md shows no Go code")
		doc.blocks = slices.DeleteFunc(doc.blocks, func(b block) bool { return b.isFileIn(t, metricsModule) })
		assert.Empty(t, doc.brokenSnippets(t, root))
	}
}

// metricsModule has libraries that the root module does not have. Its own tests compile and run its
// files. A page shows them as they are.
const metricsModule = "internal/integration/metrics"

// isFileIn reports whether the block is a whole file of a folder.
func (b block) isFileIn(t *testing.T, folder string) bool {
	files, err := filepath.Glob(filepath.Join(root, folder, "*"))
	require.NoError(t, err)
	return slices.ContainsFunc(files, func(file string) bool {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		return string(text) == b.text
	})
}

// TestGuideShowsTheAlertsThatAreTested: the module of the metrics tests that file.
func TestGuideShowsTheAlertsThatAreTested(t *testing.T) {
	for _, doc := range documents(t, root) {
		for _, b := range doc.fences("yaml") {
			assert.True(t, b.isFileIn(t, metricsModule), "%s:%d: is not a file of %s", doc.name, b.line, metricsModule)
		}
	}
}

func TestDocumentedCommandsExist(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	require.NoError(t, err)
	for _, doc := range documents(t, root) {
		assert.Empty(t, doc.missingTargets(string(makefile)))
	}
}

func TestProblemsOfDocumentsAreFound(t *testing.T) {
	const fence = "```"
	t.Run("snippets", func(t *testing.T) {
		needs(t, "go")
		doc := parseDocument("A.md", strings.Join([]string{
			"# A", fence + "go", "package main", "", "func main() { println(1) }", fence,
			"text", fence + "go", "package main", "", "func main() { println(one) }", fence,
			fence + "go", "cfg := Config{}", fence,
			fence + "text", "cfg := Config{}", fence,
			"  " + fence + "go", "package a_test", "import \"testing\"", "func TestA(t *testing.T) { t.Fatalf(1) }", "  " + fence,
			fence + "go", "package a", "import _ \"" + module + "/internal/emulator\"", fence,
		}, "\n"))
		got := doc.brokenSnippets(t, root)
		require.Len(t, got, 4, "%q", got)
		assert.Contains(t, got[0], "A.md:11: undefined: one")
		assert.Contains(t, got[1], "A.md:14: a go block is a whole file and begins with package")
		assert.Contains(t, got[2], "A.md:22: cannot use 1")
		assert.Contains(t, got[3], "A.md:25: imports an internal package")
	})
	t.Run("commands", func(t *testing.T) {
		doc := parseDocument("A.md", "Please\nmake sure that `make test` and `make tost FUZZTIME=1s` work.\n"+
			fence+"sh\n$ make lint\nmake lant  # not there\n"+fence)
		assert.Equal(t, []string{"A.md: make lant is not in the Makefile", "A.md: make tost is not in the Makefile"},
			doc.missingTargets("test: a\nlint:\n"))
	})
}

// A document is a page of Markdown, its fenced blocks taken apart from the prose.
type document struct {
	name   string
	prose  string
	blocks []block
}

type block struct {
	language, text string
	line           int    // of its first line of text
	source         string // the file that it is a part of; empty: it stands for itself
}

// fromFile says, in the line before a block, of which file it is a part. A page does not show it.
var fromFile = regexp.MustCompile(`^<!-- from (\S+) -->$`)

func parseDocument(name, text string) document {
	doc := document{name: name}
	var prose strings.Builder
	var open *block
	n, source := 0, ""
	for line := range strings.Lines(text) {
		n++
		language, fenced := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case fenced && open == nil:
			open = &block{language: strings.TrimSpace(language), line: n + 1, source: source}
		case fenced:
			doc.blocks = append(doc.blocks, *open)
			open = nil
		case open != nil:
			open.text += line
		default:
			prose.WriteString(line)
			source = ""
			if from := fromFile.FindStringSubmatch(strings.TrimSpace(line)); from != nil {
				source = from[1]
			}
		}
	}
	doc.prose = prose.String()
	return doc
}

func (d document) fences(languages ...string) (found []block) {
	for _, b := range d.blocks {
		for _, language := range languages {
			if b.language == language {
				found = append(found, b)
			}
		}
	}
	return found
}

// brokenSnippets compiles each Go block as a package of its own, in a folder that exists only for
// the go command.
func (d document) brokenSnippets(t *testing.T, moduleDir string) (problems []string) {
	for _, b := range d.fences("go") {
		at := fmt.Sprintf("%s:%d", d.name, b.line)
		if b.source != "" {
			continue // TestExcerptsAreCopies compares it with its file, which has tests of its own
		}
		if !strings.HasPrefix(b.text, "package ") {
			problems = append(problems, at+": a go block is a whole file and begins with package; fence anything else as text")
			continue
		}
		if strings.Contains(b.text, `"`+module+`/internal/`) {
			problems = append(problems, at+": imports an internal package, which a reader cannot")
			continue
		}
		if out := compile(t, moduleDir, at, b.text); out != "" {
			problems = append(problems, out)
		}
	}
	return problems
}

// compile returns what the compiler says against the text of a Go file, with at as the place of its
// first line.
func compile(t *testing.T, moduleDir, at, text string) string {
	dir, err := filepath.Abs(moduleDir)
	require.NoError(t, err)
	temp := t.TempDir()
	snippet := filepath.Join(temp, "snippet.go")
	require.NoError(t, os.WriteFile(snippet, []byte("//line "+at+"\n"+text), 0o644))
	overlay, err := json.Marshal(map[string]any{
		"Replace": map[string]string{filepath.Join(dir, "zz_snippet", "snippet.go"): snippet},
	})
	require.NoError(t, err)
	list := filepath.Join(temp, "overlay.json")
	require.NoError(t, os.WriteFile(list, overlay, 0o644))
	cmd := exec.Command("go", "build", "-overlay", list, "-o", os.DevNull, "./zz_snippet")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err == nil {
		return ""
	}
	var failed *exec.ExitError
	require.ErrorAs(t, err, &failed, "the go command did not run")
	return strings.TrimSpace(string(out))
}

var (
	makeLine = regexp.MustCompile(`(?m)^(?:\$ )?make ([a-z][\w-]*)`)
	makeWord = regexp.MustCompile("`make ([a-z][\\w-]*)")
)

func (d document) missingTargets(makefile string) (problems []string) {
	var used [][]string
	for _, b := range d.fences("", "sh", "bash", "console", "text") {
		used = append(used, makeLine.FindAllStringSubmatch(b.text, -1)...)
	}
	used = append(used, makeWord.FindAllStringSubmatch(d.prose, -1)...)
	targets := "\n" + makefile
	for _, m := range used {
		if !strings.Contains(targets, "\n"+m[1]+":") {
			problems = append(problems, d.name+": make "+m[1]+" is not in the Makefile")
		}
	}
	return problems
}
