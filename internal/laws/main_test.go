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

// Law: P1
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

// lawFile puts another line where the door says true.
func lawFile(test, line string) string {
	return "Law: P1\nTest: . " + test + "\nWhy: the door is open\n-- find in door.go --\n\treturn true\n-- put --\n\t" + line + "\n"
}

// newModule makes a module with law files in a git repository without a commit. On a Windows
// without go or git, such as Wine, it skips the test.
func newModule(t *testing.T, laws map[string]string) string {
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
	for name, text := range laws {
		files["testdata/laws/"+name+".law"] = text
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
		law     string
		problem string // empty: ok
	}{
		{"a change that its test notices", lawFile("TestLocked", open), ""},
		{"a change that makes its test hang", lawFile("TestHangs", open), ""},
		{"a change that its test does not notice", lawFile("TestWeak", open), "the test passes all the same"},
		{"text that is not there", strings.Replace(lawFile("TestLocked", open), "\treturn true", "\treturn 1 == 1", 1), "the text to find stands 0 times in door.go"},
		{"a part of a line", strings.Replace(lawFile("TestLocked", open), "\treturn true", "return true", 1), "the text to find stands 0 times in door.go"},
		{"text that is there twice", strings.Replace(strings.Replace(lawFile("TestLocked", open), "\treturn true", "import (", 1), "door.go", "door_test.go", 1) + "-- find in door_test.go --\n}\n-- put --\n}\n", "stands 3 times in door_test.go"},
		{"a missing file", strings.Replace(lawFile("TestLocked", open), "door.go", "gone.go", 1), "gone.go"},
		{"two changes", lawFile("TestLocked", open) + "-- find in door.go --\npackage door\n-- put --\npackage door\n\n// it is open\n", ""},
		{"a change that does not compile", lawFile("TestLocked", "return 1"), "the change does not compile"},
		{"a change that ends the program", lawFile("TestDies", open), "the test ended without a verdict"},
		{"a missing test", lawFile("TestGone", open), "does not pass or is not there"},
		{"a name that is only part of a test's", lawFile("TestLock", open), "does not pass or is not there"},
		{"a skipped test", lawFile("TestSkips", open), "does not pass or is not there"},
		{"a missing package", strings.Replace(lawFile("TestLocked", open), "Test: .", "Test: ./gone", 1), "does not pass or is not there"},
	}
	laws := map[string]string{}
	for i, test := range tests {
		laws[fmt.Sprintf("law%02d", i)] = test.law
	}
	var out strings.Builder
	passed, failed, err := run(newModule(t, laws), []string{"P1"}, "", 2, &out)
	require.NoError(t, err)
	assert.Equal(t, []int{3, len(tests) - 3}, []int{passed, failed}, out.String())
	lines := strings.Split(out.String(), "\nP1 ")
	require.Len(t, lines, len(tests), out.String())
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.Contains(t, lines[i], fmt.Sprintf("  law%02d  ", i), "in their order")
			if test.problem == "" {
				assert.Contains(t, lines[i], "fails without it  ok")
			} else {
				assert.Contains(t, lines[i], "FAILED: ")
				assert.Contains(t, lines[i], test.problem)
			}
		})
	}
}

func TestChangesAreTakenBack(t *testing.T) {
	dir := newModule(t, map[string]string{
		"a": lawFile("TestLocked", "return false"),
		"b": lawFile("TestLocked", "return 1 > 2"), // is found only where a is gone
	})
	var out strings.Builder
	passed, failed, err := run(dir, []string{"P1"}, "", 1, &out)
	require.NoError(t, err)
	assert.Equal(t, []int{2, 0}, []int{passed, failed}, out.String())
	text, err := os.ReadFile(filepath.Join(dir, "door.go"))
	require.NoError(t, err)
	assert.Equal(t, door, string(text), "the tree itself is not touched")
}

func TestLawWithoutAFileOrATestFails(t *testing.T) {
	dir := newModule(t, map[string]string{"open-door": lawFile("TestLocked", "return false")})
	var out strings.Builder
	passed, failed, err := run(dir, []string{"P1", "P2"}, "", 2, &out)
	require.NoError(t, err)
	assert.Equal(t, []int{1, 2}, []int{passed, failed}, out.String())
	assert.Regexp(t, `(?m)^P2 .* has no file  FAILED: `, out.String())
	assert.Regexp(t, `(?m)^P2 .* has no test  FAILED: `, out.String())

	out.Reset()
	passed, failed, err = run(dir, []string{"P1", "P2"}, "P1 open", 2, &out)
	require.NoError(t, err)
	assert.Equal(t, []int{1, 0}, []int{passed, failed}, "with -run the other laws are not asked for: %s", out.String())
}

func TestWhatCannotBeTriedIsAnError(t *testing.T) {
	good := lawFile("TestLocked", "return false")
	tests := []struct{ name, law, filter, rule string }{
		{"unknown law", strings.Replace(good, "Law: P1", "Law: P12", 1), "", `law "P12" is not one of P1`},
		{"no test", strings.Replace(good, "Test: . TestLocked\n", "", 1), "", `test "" is not a package and the name of a test`},
		{"a pattern for a test", lawFile("Test.*", "return false"), "", `test ". Test.*" is not a package and the name of a test`},
		{"no reason", strings.Replace(good, "Why: the door is open\n", "", 1), "", "no line Why"},
		{"no change", good[:strings.Index(good, "-- find")], "", "there is no section -- find in FILE --"},
		{"nothing to put", good[:strings.Index(good, "-- put")], "", "want -- find in FILE -- and then -- put --"},
		{"the wrong way round", strings.Replace(good, "-- find in door.go --", "-- put --", 1), "", "want -- find in FILE -- and then -- put --"},
		{"nothing to find", strings.Replace(good, "\treturn true\n", "", 1), "", "is empty"},
		{"a filter that matches nothing", good, "window", `matches "window"`},
		{"a filter that is no regexp", good, "(", "missing closing )"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			_, _, err := run(newModule(t, map[string]string{"open-door": test.law}), []string{"P1"}, test.filter, 2, &out)
			assert.ErrorContains(t, err, test.rule)
		})
	}
}
