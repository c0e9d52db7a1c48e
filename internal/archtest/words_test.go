package archtest_test

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// private lists what a file must not say, because it is true on one machine only. The classes of
// one letter keep this file from finding itself.
var private = []struct {
	files string // a pattern for the last part of a path
	words *regexp.Regexp
	why   string
}{
	{"*", regexp.MustCompile(`(?m)(?:^|[^\w./-])/(?:[w]ork/|[r]oot/|home/[a-z]|Users/[A-Za-z]|tmp/bash[_]jobs)`), "a path of someone's machine"},
	{"*", regexp.MustCompile(`GOPROXY=["']?http`), "a module proxy of someone's network"},
	{"package-lock.json", regexp.MustCompile(`"resolved":`), "a registry's host; make the file with npm install --omit-lockfile-registry-resolved"},
	{".npmrc", regexp.MustCompile(`registry *= *["']?http`), "a registry's host"},
}

func TestNoFileNamesAMachine(t *testing.T) {
	needs(t, "git")
	git := exec.Command("git", "ls-files", "-coz", "--exclude-standard")
	git.Dir = root
	list, err := git.Output()
	if err != nil {
		require.NotEqual(t, "true", os.Getenv("CI"), "not a git work tree: %v", err)
		t.Skip("not a git work tree, so nothing that could be committed")
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // deleted, and git has not been told yet
		}
		require.NoError(t, err)
		for _, found := range privateWords(name, string(text)) {
			assert.Fail(t, name+": "+found)
		}
	}
}

func TestPrivateWordsAreFound(t *testing.T) {
	const lock = "web/package-lock.json"
	tests := []struct {
		name, text string
		found      bool
	}{
		{"a.md", "see /" + "work/notes", true},
		{"a.go", `"/` + `home/jo/x"`, true},
		{"a.sh", "cd /" + "Users/Jo", true},
		{"a.sh", "/" + "root/go/pkg", true},
		{"a.md", "https://example.com/" + "work/1", false},
		{"a.go", "rework/" + "root/x", false},
		{"a.go", "`/home`, /homepage", false},
		{lock, `"resolved": "https://example.com/x.tgz"`, true},
		{"a.json", `"resolved": true`, false},
		{".npmrc", "registry=https://example.com", true},
		{"ci.yml", "GOPROXY=" + "https://example.com", true},
		{"ci.yml", "GOPROXY=off", false},
	}
	for _, test := range tests {
		assert.Equal(t, test.found, privateWords(test.name, test.text) != nil, "%s: %s", test.name, test.text)
	}
}

func privateWords(name, text string) (found []string) {
	for _, p := range private {
		ok, _ := path.Match(p.files, path.Base(name)) // the patterns above are well formed
		if words := p.words.FindString(text); ok && words != "" {
			found = append(found, strings.TrimSpace(words)+" is "+p.why)
		}
	}
	return found
}
