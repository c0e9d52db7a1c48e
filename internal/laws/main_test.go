package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The law of the throw-away module: a door is locked.
const (
	door = `package door

func Locked() bool {
	return true
}
`
	doorTest = `package door

import (
	"fmt"
	"os"
	"testing"
)

func TestLocked(t *testing.T) {
	if !Locked() {
		t.Fatal("open")
	}
}

func TestHangs(t *testing.T) {
	if !Locked() {
		fmt.Println("panic: test timed out after 1m0s") // what package testing says then, without the wait
		os.Exit(2)
	}
}

func TestDies(t *testing.T) {
	if !Locked() {
		os.Exit(3)
	}
}

func TestWeak(t *testing.T) { Locked() }

func TestSkips(t *testing.T) { t.Skip("not today") }
`
)

// change is a patch that puts another line where the door says true.
func change(test, line string) string {
	return "Law: P1\nTest: . " + test + "\nWhy: the door is open\n\n" +
		"--- a/door.go\n+++ b/door.go\n@@ -1,5 +1,5 @@\n package door\n \n func Locked() bool {\n-\treturn true\n+\t" + line + "\n }\n"
}

// newModule makes a module with the patches of laws in a git repository without a commit. On a Windows without go or git, such
// as Wine, it skips the test.
func newModule(t *testing.T, patches map[string]string) string {
	t.Helper()
	for _, program := range []string{"go", "git"} {
		if _, err := exec.LookPath(program); err != nil && runtime.GOOS == "windows" && os.Getenv("CI") != "true" {
			t.Skip(err)
		}
	}
	dir := t.TempDir()
	files := map[string]string{
		"go.mod":       "module example.com/door\n\ngo 1.24\n",
		"door.go":      door,
		"door_test.go": doorTest,
		".gitignore":   "broken.go\n",
		"broken.go":    "this is not copied, or nothing would compile",
	}
	for name, text := range patches {
		files["testdata/laws/"+name+".patch"] = text
	}
	for name, text := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	out, err := exec.Command("git", "init", "-q", dir).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return dir
}

func TestVerdicts(t *testing.T) {
	open := "return false"
	tests := []struct {
		name    string
		patch   string
		problem string // empty: ok
	}{
		{"a patch that its test notices", change("TestLocked", open), ""},
		{"a patch that makes its test hang", change("TestHangs", open), ""},
		{"a patch that its test does not notice", change("TestWeak", open), "the test passes with the patch too"},
		{"a patch that does not apply", strings.Replace(change("TestLocked", open), "-\treturn true", "-\treturn 1 == 1", 1), "the patch does not apply"},
		{"a patch that does not compile", change("TestLocked", "return 1"), "the patch does not compile"},
		{"a patch that ends the program", change("TestDies", open), "the test ended without a verdict"},
		{"a missing test", change("TestGone", open), "does not pass or is not there"},
		{"a name that is only part of a test's", change("TestLock", open), "does not pass or is not there"},
		{"a skipped test", change("TestSkips", open), "does not pass or is not there"},
		{"a missing package", strings.Replace(change("TestLocked", open), "Test: .", "Test: ./gone", 1), "does not pass or is not there"},
	}
	patches := map[string]string{}
	for i, test := range tests {
		patches[fmt.Sprint("patch", i)] = test.patch
	}
	var out strings.Builder
	passed, failed, err := run(newModule(t, patches), []string{"P1"}, "", 2, &out)
	require.NoError(t, err)
	assert.Equal(t, []int{2, len(tests) - 2}, []int{passed, failed}, out.String())
	lines := strings.Split(out.String(), "\nP1 ")
	require.Len(t, lines, len(tests), out.String())
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.Contains(t, lines[i], fmt.Sprintf("  patch%d  ", i), "in their order")
			if test.problem == "" {
				assert.Contains(t, lines[i], "fails without it  ok")
			} else {
				assert.Contains(t, lines[i], "FAILED: ")
				assert.Contains(t, lines[i], test.problem)
			}
		})
	}
}

func TestPatchesAreTakenBack(t *testing.T) {
	dir := newModule(t, map[string]string{
		"a": change("TestLocked", "return false"),
		"b": change("TestLocked", "return 1 > 2"), // applies only where a is gone
	})
	var out strings.Builder
	passed, failed, err := run(dir, []string{"P1"}, "", 1, &out)
	require.NoError(t, err)
	assert.Equal(t, []int{2, 0}, []int{passed, failed}, out.String())
	text, err := os.ReadFile(filepath.Join(dir, "door.go"))
	require.NoError(t, err)
	assert.Equal(t, door, string(text), "the tree itself is not touched")
}

func TestLawWithoutPatchFails(t *testing.T) {
	dir := newModule(t, map[string]string{"open-door": change("TestLocked", "return false")})
	var out strings.Builder
	passed, failed, err := run(dir, []string{"P1", "P2"}, "", 2, &out)
	require.NoError(t, err)
	assert.Equal(t, []int{1, 1}, []int{passed, failed}, out.String())
	assert.Regexp(t, `(?m)^P2 .* has no patch  FAILED: `, out.String())

	out.Reset()
	passed, failed, err = run(dir, []string{"P1", "P2"}, "P1 open", 2, &out)
	require.NoError(t, err)
	assert.Equal(t, []int{1, 0}, []int{passed, failed}, "with -run the other laws are not asked for: %s", out.String())
}

func TestWhatCannotBeTriedIsAnError(t *testing.T) {
	good := change("TestLocked", "return false")
	tests := []struct{ name, patch, filter, rule string }{
		{"unknown law", strings.Replace(good, "Law: P1", "Law: P12", 1), "", `law "P12" is none of P1`},
		{"no test", strings.Replace(good, "Test: . TestLocked\n", "", 1), "", `test "" is not a package and the name of a test`},
		{"a pattern for a test", change("Test.*", "return false"), "", `test ". Test.*" is not a package and the name of a test`},
		{"no reason", strings.Replace(good, "Why: the door is open\n", "", 1), "", "no line Why"},
		{"a filter that matches nothing", good, "window", `matches "window"`},
		{"a filter that is no regexp", good, "(", "missing closing )"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			_, _, err := run(newModule(t, map[string]string{"open-door": test.patch}), []string{"P1"}, test.filter, 2, &out)
			assert.ErrorContains(t, err, test.rule)
		})
	}
}
