package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// root is the folder of the root module, seen from this package.
const root = "../.."

func TestEachLawHasATestAndAFile(t *testing.T) {
	var out strings.Builder
	failed, err := printTable(root, strings.Fields(lawsOfTheDesign), "", &out)
	require.NoError(t, err)
	assert.Zero(t, failed, out.String())
	assert.Regexp(t, `(?m)^P2   \. +TestChallengeOfRFC7636  broken by P2-plain-by-default$`, out.String())
}

// TestDesignHasTheseLaws compares the list here with the bold titles in the design.
func TestDesignHasTheseLaws(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "design.md"))
	require.NoError(t, err)
	var laws []string
	for _, title := range regexp.MustCompile(`(?m)^\*\*([A-Z]\d+)\. `).FindAllStringSubmatch(string(text), -1) {
		laws = append(laws, title[1])
	}
	assert.Equal(t, strings.Fields(lawsOfTheDesign), laws)
}

// newTests makes a folder with test files and without laws.
func newTests(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("package door_test\n\n"+text), 0o644))
	}
	return dir
}

func TestProofsAreFound(t *testing.T) {
	dir := newTests(t, map[string]string{
		"a_test.go":          "// Law: P1, P2\nfunc TestShut() {}\n\n// It is long.\n//\n// Law: P2\nfunc FuzzLong() {}\n\nfunc TestOther() {}\n",
		"a.go":               "// Law: P1\nfunc TestNotInATestFile() {}\n",
		"sub/one/b_test.go":  "//go:build windows\n\n// Law: P1\nfunc ExampleShut() {}\n",
		"testdata/c_test.go": "// Law: P1\nfunc TestOfATest() {}\n",
		".git/d_test.go":     "// Law: P1\nfunc TestHidden() {}\n",
	})
	proofs, err := readProofs(dir, []string{"P1", "P2"})
	require.NoError(t, err)
	assert.Equal(t, []proof{
		{"P1", ".", "TestShut"}, {"P2", ".", "TestShut"}, {"P2", ".", "FuzzLong"}, {"P1", "./sub/one", "ExampleShut"},
	}, proofs)
}

func TestProofThatNobodyWouldFindIsAnError(t *testing.T) {
	for name, test := range map[string]struct{ text, rule string }{
		"unknown law":      {"// Law: P3\nfunc TestX() {}\n", `law "P3" is not one of P1 P2`},
		"no comma":         {"// Law: P1 P2\nfunc TestX() {}\n", `law "P1 P2" is not one of P1 P2`},
		"not the last":     {"// Law: P1\n// It is shut.\nfunc TestX() {}\n", "a_test.go:3:1: "},
		"a blank line":     {"// Law: P1\n\nfunc TestX() {}\n", "is not the last line of a test's comment"},
		"no test":          {"// Law: P1\nfunc help() {}\n", "is not the last line of a test's comment"},
		"a method":         {"// Law: P1\nfunc (t T) TestX() {}\n", "is not the last line of a test's comment"},
		"inside of a test": {"func TestX() {\n\t// Law: P1\n}\n", "is not the last line of a test's comment"},
		"not Go":           {"func", "expected"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readProofs(newTests(t, map[string]string{"a_test.go": test.text}), []string{"P1", "P2"})
			assert.ErrorContains(t, err, test.rule)
		})
	}
}

func TestTable(t *testing.T) {
	dir := newTests(t, map[string]string{
		"a_test.go":   "// Law: P1\nfunc TestShut() {}\n\n// Law: P2\nfunc TestLong() {}\n",
		"b/b_test.go": "// Law: P1\nfunc TestA() {}\n",
	})
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "testdata", "laws"), 0o755))
	for name, test := range map[string]string{"P1-open": ". TestShut", "P1-ajar": ". TestShut", "P3-gone": "./b/ TestGone"} {
		text := "Law: " + name[:2] + "\nTest: " + test + "\nWhy: it is " + name[3:] + "\n-- find in a.go --\na\n-- put --\nb\n"
		require.NoError(t, os.WriteFile(filepath.Join(dir, "testdata", "laws", name+".law"), []byte(text), 0o644))
	}
	want := []string{
		"P1   .                       TestShut  broken by P1-ajar, P1-open",
		"P1   ./b                     TestA",
		"P2   .                       TestLong",
		"P3   ./b                     TestGone  broken by P3-gone",
		`P2   has no file  FAILED: add one to testdata/laws`,
		`P3   has no test  FAILED: end the comment of a test with "// Law: P3"`,
	}
	var out strings.Builder
	failed, err := printTable(dir, []string{"P1", "P2", "P3"}, "", &out)
	require.NoError(t, err)
	assert.Equal(t, 2, failed)
	assert.Equal(t, strings.Join(want, "\n")+"\n", out.String())

	out.Reset()
	_, err = printTable(dir, []string{"P1", "P2", "P3"}, "P1.*Shut", &out)
	require.NoError(t, err)
	assert.Equal(t, strings.Join(slices.Concat(want[:1], want[4:]), "\n")+"\n", out.String(), "what is missing is always said")

	_, err = printTable(dir, []string{"P1"}, "", &out)
	assert.ErrorContains(t, err, "is not one of P1")
	_, err = printTable(dir, nil, "(", &out)
	assert.ErrorContains(t, err, "missing closing )")
}
