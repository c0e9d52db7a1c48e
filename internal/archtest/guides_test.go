package archtest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	guidesFolder = "docs/guides"
	guidePages   = guidesFolder + "/*.md"
	// maxPageWidth is that of a line of a guide, without tables and code.
	maxPageWidth = 120
)

// TestExcerptsAreCopies: what a page shows of a file stands in that file.
func TestExcerptsAreCopies(t *testing.T) {
	for _, doc := range documents(t, root) {
		for _, b := range doc.blocks {
			if b.source == "" {
				continue
			}
			file, err := os.ReadFile(filepath.Join(root, b.source))
			require.NoError(t, err, "%s:%d", doc.name, b.line)
			assert.Empty(t, b.missingFrom(string(file)), "%s:%d", doc.name, b.line)
		}
	}
}

// TestGuidesQuoteMessages: the messages that a guide explains are those of the code.
func TestGuidesQuoteMessages(t *testing.T) {
	code := stringsOfCode(t)
	for _, doc := range guides(t) {
		for _, message := range quotedMessages(doc.prose) {
			assert.Empty(t, partsMissing(message, code), "%s: no code has this part of the message %q", doc.name, message)
		}
	}
}

// TestGuidesAreListed: the first page of the guides leads to each of them.
func TestGuidesAreListed(t *testing.T) {
	list, err := os.ReadFile(filepath.Join(root, guidesFolder, "README.md"))
	require.NoError(t, err)
	for _, doc := range guides(t) {
		assert.Empty(t, tooWide(doc), doc.name)
		if name := filepath.Base(doc.name); name != "README.md" {
			assert.Contains(t, string(list), "("+name+")", "the list of guides has no link to it")
		}
	}
}

func TestProblemsOfGuidesAreFound(t *testing.T) {
	const fence = "```"
	const file = "package a\n\nfunc a() {\n\tb()\n\tc()\n}\n\nfunc d() {}\n"
	for text, want := range map[string]string{
		"func a() {\n\tb()\n":                 "",
		"func a() {\n\t// …\n}\n":             "",
		"func a() {\n// …\nfunc d() {}\n":     "",
		"func d() {}\n// …\nfunc a() {\n":     "func a() {\n",
		"func a() {\n\tc()\n":                 "func a() {\n\tc()\n",
		"\tb() // what the file does not say": "\tb() // what the file does not say",
	} {
		doc := parseDocument("A.md", "<!-- from a.go -->\n"+fence+"go\n"+strings.TrimSuffix(text, "\n")+"\n"+fence+"\n")
		require.Len(t, doc.blocks, 1)
		assert.Equal(t, "a.go", doc.blocks[0].source)
		assert.Equal(t, strings.TrimSuffix(want, "\n"), strings.TrimSuffix(doc.blocks[0].missingFrom(file), "\n"), text)
	}
	assert.Empty(t, parseDocument("A.md", "<!-- from a.go -->\nText\n"+fence+"\na\n"+fence).blocks[0].source, "another paragraph")

	page := "| it says | do |\n|---|---|\n| `the … is wrong` | wait |\n| `another` | `run it` |\n\n| more | do |\n|---|---|\n| `no message` | |\n"
	assert.Equal(t, []string{"the … is wrong", "another"}, quotedMessages(page))
	assert.Empty(t, partsMissing("the … is \"wrong\"", `e := "the %d is \"wrong\""`))
	assert.Equal(t, []string{"right"}, partsMissing("the … right", `e := "the %d is wrong"`))

	assert.Empty(t, tooWide(document{prose: strings.Repeat("ä", maxPageWidth) + "\n| " + strings.Repeat("a", maxPageWidth)}))
	assert.NotEmpty(t, tooWide(document{prose: strings.Repeat("ä", maxPageWidth+1)}))
}

func guides(t *testing.T) (found []document) {
	for _, doc := range documents(t, root) {
		if strings.HasPrefix(doc.name, guidesFolder+"/") {
			found = append(found, doc)
		}
	}
	require.NotEmpty(t, found)
	return found
}

// missingFrom returns the first part of an excerpt that its file does not have. The parts stand in
// the file in this order; between them is a comment that is an ellipsis and nothing else.
func (b block) missingFrom(file string) string {
	for _, part := range leftOut.Split(b.text, -1) {
		_, after, found := strings.Cut("\n"+file, "\n"+strings.TrimSuffix(part, "\n")+"\n")
		if !found {
			return part
		}
		file = after
	}
	return ""
}

var leftOut = regexp.MustCompile(`(?m)^\s*(?://|#) …\n`)

// messageTable is the head of a table of messages.
const messageTable = "| it says |"

// quotedMessages returns the code in the first column of each table of messages.
func quotedMessages(prose string) (messages []string) {
	inTable := false
	for line := range strings.Lines(prose) {
		inTable = strings.HasPrefix(line, messageTable) || inTable && strings.HasPrefix(line, "|")
		cells := strings.Split(line, "|")
		if code := codeInCell.FindStringSubmatch(cells[min(1, len(cells)-1)]); inTable && code != nil {
			messages = append(messages, code[1])
		}
	}
	return messages
}

var codeInCell = regexp.MustCompile("`([^`]+)`")

// partsMissing returns the parts of a message that the code does not have. An ellipsis stands for
// what differs from one time to another.
func partsMissing(message, code string) (missing []string) {
	code = strings.ReplaceAll(code, `\"`, `"`)
	for part := range strings.SplitSeq(message, "…") {
		if part = strings.TrimSpace(part); !strings.Contains(code, part) {
			missing = append(missing, part)
		}
	}
	return missing
}

// stringsOfCode returns the text of all Go files but tests.
func stringsOfCode(t *testing.T) string {
	var all strings.Builder
	for _, name := range filesOf(t, ".go") {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		all.Write(text)
	}
	return all.String()
}

func tooWide(doc document) (problems []string) {
	for line := range strings.Lines(doc.prose) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, "|") && utf8.RuneCountInString(line) > maxPageWidth {
			problems = append(problems, fmt.Sprintf("more than %d columns: %s", maxPageWidth, line))
		}
	}
	return problems
}
