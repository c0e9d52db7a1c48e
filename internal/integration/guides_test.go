package integration_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// guideTests name the tests of the guides whose programs stand in the page itself. What a page
// shows of a file is compared with it by internal/archtest, and the file has tests of its own.
var guideTests = map[string]string{
	"README.md":     "",
	"terminal.md":   "TestTerminalGuide",
	"web.md":        "", // of examples/hello and examples/frame
	"many-users.md": "", // of examples/natsstore
	"testing.md":    "", // of examples/hello

	"operations.md":      "TestGuideOperationsReseal",
	"migrating.md":       "TestGuideMigrating",
	"other-sdk.md":       "TestGuideOtherSDK",
	"set-up.md":          "no test: it is a Config, which archtest compiles",
	"troubleshooting.md": "",
}

// TestEveryGuideHasATest: a program that no test runs would be wrong one day.
func TestEveryGuideHasATest(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(guides, "*.md"))
	require.NoError(t, err)
	require.Len(t, pages, len(guideTests))
	for _, page := range pages {
		name := filepath.Base(page)
		test, known := guideTests[name]
		require.True(t, known, "%s: name its test here", name)
		assert.Equal(t, test == "", len(readGuide(t, name).blocks["go"]) == 0, name)
	}
}

var guides = filepath.Join("..", "..", "docs", "guides")

// A guide is a page of docs/guides.
type guide struct {
	name   string
	blocks map[string][]string // by their language, without those that are a part of a file
}

func readGuide(t *testing.T, name string) guide {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(guides, name))
	require.NoError(t, err)
	g := guide{name: name, blocks: map[string][]string{}}
	for _, block := range anyBlock.FindAllStringSubmatch(string(text), -1) {
		if block[1] == "" {
			g.blocks[block[2]] = append(g.blocks[block[2]], block[3])
		}
	}
	return g
}

// program returns the one program of a guide.
func (g guide) program(t *testing.T) string {
	t.Helper()
	var programs []string
	for _, block := range g.blocks["go"] {
		if strings.HasPrefix(block, "package main\n") {
			programs = append(programs, block)
		}
	}
	require.Len(t, programs, 1, "%s: want one complete program", g.name)
	return programs[0]
}

// anyBlock matches a fenced block: the comment that it is a part of a file, if there is one, its
// language, and its text.
var anyBlock = regexp.MustCompile("(?ms)(^<!-- from \\S+ -->\n)?^```(\\w*)\n(.*?)^```$")
