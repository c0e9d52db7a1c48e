package archtest_test

import (
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	root   = "../.." // the folder of the root module, seen from this package
	module = "github.com/contentstack/csoauth"
	oauth2 = "golang.org/x/oauth2"
	// fileLocks is cmd/go's own code for file locks and for renames on Windows, published as
	// packages.
	fileLocks = "github.com/rogpeppe/go-internal"
	anything  = "*"
)

// floors says what the non-test code of each package may import besides the standard library:
// folders of this repository ("." is the root package), and paths of other modules. A package
// stands on the floor above all that it imports.
//
// The same table is in docs/design.md. An arrow that is not here changes both, with its reason.
var floors = []floor{
	{"internal/untrusted", nil, "what others say must not carry a secret or act on a terminal"},
	{"internal/useragent", nil, "the name of this module in a request"},
	{".", []string{"internal/untrusted", "internal/useragent", oauth2}, "a program that imports the protocol gets the protocol, and x/oauth2's types to hand on"},
	{"internal/emulator/markup", nil, "HTML without html/template, which makes every program larger and later"},
	{"internal/observed", nil, "a file that one program writes and others read"},
	{"internal/emulator", []string{"internal/emulator/markup", "internal/observed"}, "it must not agree with us by sharing our code; how a page is written, and what a probe saw, are none of that"},
	{"internal/atomicfile", []string{fileLocks + "/robustio"}, "a rename on Windows needs the patience that cmd/go has with it"},
	{"internal/seal", nil, "only the standard library does cryptography here"},
	{"internal/bearer", nil, "it decides where a token goes, and should be easy to look over"},
	{"internal/browser", nil, "it starts a program of the user's, and should be easy to look over"},
	{"internal/landing", nil, "headers and a page"},
	{"internal/turn", []string{"github.com/gofrs/flock", "golang.org/x/sys/unix", "golang.org/x/sys/windows"}, "locks that can be tried, and who has a terminal, are the system's to tell"},
	{"internal/laws", []string{fileLocks + "/txtar"}, "a tool that reads files of several texts"},
	{"internal/windows", nil, "a tool that needs nothing but Wine"},
	{"internal/offline", nil, "tests import it for its effect on them"},
	{"internal/archtest", nil, "only tests"},
	{"csapi", []string{".", "internal/bearer", "internal/untrusted", "internal/useragent"}, "requests with a token; who keeps the token is not its business"},
	{"httplogin", []string{".", "internal/landing", "internal/seal"}, "it hands over a token, and knows nothing of stores"},
	{"loopback", []string{".", "internal/browser", "internal/landing", "internal/turn"}, "it hands over a token, and knows nothing of stores"},
	{"internal/probe", []string{".", "internal/observed", "internal/useragent"}, "it makes its requests itself, so that nothing of ours decides what a response means"},
	{"csoauthtest", []string{".", "internal/emulator", "internal/observed"}, "the emulator, started and configured for a test"},
	{"tokens", []string{".", "internal/atomicfile", "internal/bearer", "internal/seal", oauth2, fileLocks + "/lockedfile", fileLocks + "/robustio"},
		"file locks and Windows renames that cmd/go itself relies on"},
	{"tokens/pgstore", []string{"tokens"}, "it takes the caller's *sql.DB, whatever the driver"},
	{"tokens/redisstore", []string{"tokens"}, "it takes the Do of the caller's client"},
	{"tokens/storetest", []string{"tokens"}, "a test of a store that imports it gets package testing, and no assertions of ours"},
	{"tokens/keyring", []string{"internal/turn", "github.com/zalando/go-keyring"}, "a thin layer over the keyrings of all systems"},
	{"clilogin", []string{".", "csapi", "internal/turn", "internal/untrusted", "loopback", "tokens", "tokens/keyring", oauth2}, "puts the packages below together for a program with one user"},
	{"cmd/csoauth", []string{".", "clilogin", "csapi", "internal/atomicfile", "internal/browser", "internal/emulator", "internal/landing", "internal/observed", "internal/probe", "internal/turn", "loopback", "tokens/keyring", "github.com/spf13/cobra", "golang.org/x/sys/unix"},
		"puts the packages below together for a terminal"},
	{"examples/...", []string{anything}, "to be read and copied; only what a reader leaves out is not in reach of theirs"},
	{"internal/integration/...", []string{anything}, "never tagged and imported by nobody, so it may use anything"},
}

// forbidden says what must not be imported by non-test code, however well it would fit into the
// floors: with a path, all below it.
var forbidden = []struct {
	path   string
	why    string
	except []string // packages and files
}{
	{"testing", "it adds its flags to every program that links it; use csoauthtest from tests", []string{"csoauthtest", "tokens/storetest"}},
	// How long to wait before a request is sent again is no secret.
	{"math/rand", "whatever is random here is a secret or near one: use crypto/rand", []string{"tokenrequest.go", "csapi/pace.go", "tokens/clock.go", "tokens/pgstore/pgstore.go"}},
	{"github.com/stretchr/testify", "assertions are for tests", nil},
}

// forTests lists the modules that every test may import; other code needs a row in floors. Each one
// is in go.mod, where readers judge us by it.
var forTests = []string{
	"github.com/stretchr/testify",
	"github.com/jarcoal/httpmock",
	fileLocks, // testscript; and tokens and internal/atomicfile have rows for file locks and Windows renames
	"go.uber.org/goleak",
	"github.com/zalando/go-keyring", // its mock, so that no test asks the keyring of its machine
}

func TestFloors(t *testing.T) {
	imports, err := readImports(root)
	require.NoError(t, err)
	assert.Empty(t, wrongImports(imports))
	for _, row := range floors {
		used := false
		for pkg := range imports {
			used = used || row.covers(pkg)
		}
		assert.True(t, used, "the floors table has a row for %s, where there is no Go file", row.pkg)
	}
}

// TestTestsStayOnTheirMachine: internal/integration is left out, because its browsers and
// databases need other means.
func TestTestsStayOnTheirMachine(t *testing.T) {
	packages, err := readImports(root)
	require.NoError(t, err)
	for pkg, imports := range packages {
		has := func(path string) bool {
			return slices.ContainsFunc(imports, func(imp imported) bool { return imp.path == path })
		}
		if has("net/http") && !within(pkg, "internal/integration") {
			assert.True(t, has(module+"/internal/offline"), "a test of %s must import internal/offline", pkg)
		}
	}
}

// TestWhatUsersLink looks at everything that an import brings along, not only at what our own files
// say.
func TestWhatUsersLink(t *testing.T) {
	needs(t, "go")
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Standard", ".")
	cmd.Dir = root
	out, err := cmd.Output()
	require.NoError(t, err)
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var pkg struct {
			ImportPath string
			Standard   bool
		}
		require.NoError(t, d.Decode(&pkg))
		assert.True(t, pkg.Standard || within(pkg.ImportPath, module) || within(pkg.ImportPath, oauth2),
			"the root package must bring along nothing but x/oauth2, and brings %s", pkg.ImportPath)
	}
	for _, pkg := range []string{".", "./tokens", "./internal/emulator", "./cmd/csoauth"} {
		cmd := exec.Command("go", "list", "-deps", pkg)
		cmd.Dir = root
		out, err := cmd.Output()
		require.NoError(t, err)
		assert.NotContains(t, strings.Fields(string(out)), "testing", "%s links package testing", pkg)
	}
}

func TestWrongImportsAreFound(t *testing.T) {
	tests := []struct {
		pkg, imp string
		test     bool
		problem  string // empty: allowed
	}{
		{".", "net/http", false, ""},
		{".", oauth2 + "/clientcredentials", false, ""},
		{".", oauth2 + "x", false, "the floors table does not allow it"},
		{".", module + "/internal/emulator", false, "the floors table does not allow it"},
		{".", module + "/csoauthtest", true, ""},
		{".", "github.com/jarcoal/httpmock", true, ""},
		{".", "github.com/onsi/gomega", true, "not in the list of modules for tests"},
		{"internal/emulator", module, false, "the floors table does not allow it"},
		{"internal/emulator", "testing/fstest", false, "adds its flags"},
		{"csoauthtest", "testing", false, ""},
		{"internal/seal", "golang.org/x/crypto/hkdf", false, "the floors table does not allow it"},
		{"internal/atomicfile", fileLocks + "/robustio", false, ""},
		{"internal/atomicfile", fileLocks + "/testscript", false, "the floors table does not allow it"},
		{"tokens", fileLocks + "/lockedfile", false, ""},
		{"tokens", module, false, ""},
		{"tokens", "testing", false, "adds its flags"},
		{"tokens", module + "/internal/emulator", false, "the floors table does not allow it"},
		{"tokens/storetest", "testing", false, ""},
		{"tokens/storetest", "github.com/stretchr/testify/require", false, "assertions are for tests"},
		{"tokens/storetest", module, false, "the floors table does not allow it"},
		{"csoauthtest", "math/rand/v2", false, "use crypto/rand"},
		{"cmd/csoauth", "github.com/stretchr/testify/assert", false, "assertions are for tests"},
		{"internal/integration/servers/fosite", "github.com/ory/fosite", false, ""},
		{"internal/integration/peers", "github.com/onsi/gomega", true, ""},
		{"util", "fmt", false, "has no row in the floors table"},
	}
	for _, test := range tests {
		got := wrongImports(map[string][]imported{test.pkg: {{path: test.imp, inTest: test.test}}})
		if test.problem == "" {
			assert.Empty(t, got)
		} else {
			assert.Contains(t, strings.Join(got, "\n"), test.problem, "%s imports %s", test.pkg, test.imp)
		}
	}
}

// needs skips a test that runs go or git on a Windows that has neither, such as Wine. Elsewhere
// the test fails without them.
func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil && runtime.GOOS == "windows" && os.Getenv("CI") != "true" {
		t.Skipf("%v", err)
	}
}

type floor struct {
	pkg string // a folder; with /... those below it as well
	may []string
	why string
}

func (f floor) covers(pkg string) bool {
	above, tree := strings.CutSuffix(f.pkg, "/...")
	return pkg == above || tree && within(pkg, above)
}

// wrongImports returns a sentence for each import that breaks a rule of the tables.
func wrongImports(packages map[string][]imported) (problems []string) {
	for pkg, imports := range packages {
		may, ok := allowed(pkg)
		if !ok {
			problems = append(problems, pkg+" has no row in the floors table of internal/archtest/floors_test.go")
			continue
		}
		for _, imp := range imports {
			if problem := wrong(pkg, may, imp); problem != "" {
				problems = append(problems, fmt.Sprintf("%s imports %s: %s", pkg, imp.path, problem))
			}
		}
	}
	slices.Sort(problems)
	return problems
}

func wrong(pkg string, may []string, imp imported) string {
	free := slices.Contains(may, anything)
	ours, isOurs := strings.CutPrefix(imp.path, module)
	ours = path.Join(".", strings.TrimPrefix(ours, "/"))
	standard := !strings.Contains(strings.Split(imp.path, "/")[0], ".")
	inRow := func(allowed string) bool { return allowed == ours && isOurs || within(imp.path, allowed) }

	if imp.inTest {
		if free || standard || isOurs || slices.ContainsFunc(may, inRow) ||
			slices.ContainsFunc(forTests, func(m string) bool { return within(imp.path, m) }) {
			return ""
		}
		return "it is not in the list of modules for tests"
	}
	for _, f := range forbidden {
		if within(imp.path, f.path) && !slices.Contains(f.except, pkg) && !slices.Contains(f.except, imp.file) && !free {
			return f.why
		}
	}
	if free || standard || slices.ContainsFunc(may, inRow) {
		return ""
	}
	return "the floors table does not allow it; a new arrow changes the table here and in docs/design.md"
}

// allowed finds the row of a package.
func allowed(pkg string) (may []string, ok bool) {
	for _, row := range floors {
		if row.covers(pkg) {
			return row.may, true
		}
	}
	return nil, false
}

// within reports whether an import path is that of, or below, another one.
func within(p, above string) bool { return p == above || strings.HasPrefix(p, above+"/") }

type imported struct {
	path, file string // file is that of the import, seen from the root
	inTest     bool
}

// readImports reads the imports of every package in the repository, keyed by its folder. It reads
// the files and does not ask go list, so that it sees nested modules without their dependencies,
// and files for other operating systems.
func readImports(repo string) (map[string][]imported, error) {
	packages := map[string][]imported{}
	err := filepath.WalkDir(repo, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			if name != repo && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || base == "node_modules") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(repo, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		dir := path.Dir(rel)
		imports := packages[dir]
		for _, spec := range file.Imports {
			p, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			imports = append(imports, imported{path: p, file: rel, inTest: strings.HasSuffix(base, "_test.go")})
		}
		packages[dir] = imports // without imports, too: it is a package that wants its row
		return nil
	})
	return packages, err
}
