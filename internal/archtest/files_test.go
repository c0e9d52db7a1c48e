package archtest_test

import (
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// filesOf lists the files of all modules with such endings, relative to the root module. It leaves
// out testdata and what npm installed.
func filesOf(t *testing.T, endings ...string) (names []string) {
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains([]string{".git", "node_modules", "testdata"}, entry.Name()) {
			return filepath.SkipDir
		}
		rel, err := filepath.Rel(root, file)
		if err == nil && !entry.IsDir() && slices.Contains(endings, path.Ext(file)) {
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	})
	require.NoError(t, err)
	require.NotEmpty(t, names)
	return names
}

// withoutFences returns a page with empty lines in place of its fenced code.
func withoutFences(text string) string {
	var out strings.Builder
	fence := ""
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		switch {
		case fence == "" && (strings.HasPrefix(trimmed, "```") || strings.HasPrefix(trimmed, "~~~")):
			fence = trimmed[:3]
			out.WriteString("\n")
		case fence != "":
			if strings.HasPrefix(trimmed, fence) {
				fence = ""
			}
			out.WriteString("\n")
		default:
			out.WriteString(line)
		}
	}
	return out.String()
}

// blank returns as many spaces as text has bytes, and its line ends.
func blank(text string) string {
	return regexp.MustCompile(`[^\n]`).ReplaceAllString(text, " ")
}
