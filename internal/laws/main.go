// Laws proves that the tests behind the laws of docs/design.md can fail.
//
// Each file testdata/laws/*.patch breaks one law and says, above its diff, which test notices:
//
//	Law: P2
//	Test: ./csoauthtest TestOmittedMethodMeansPlain
//	Why: leaves the method out although the challenge is S256
//
// A package path is relative to the folder of testdata/laws; a test that needs the race detector has -race after its name.
// Laws works in copies of the tree, one for each of -j workers. It first sees every named test pass. Then each worker applies
// one patch at a time, and the test must fail. A patch that no longer applies or compiles, a test that is gone and a law
// without a patch are failures too.
//
//	go run ./internal/laws [-run regexp] [-j workers] [dir]
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// lawsOfTheDesign lists the laws that must have a patch, in the order of the design.
const lawsOfTheDesign = "P1 P2 P3 P4 P5 P6 P7 P8 P9 M1 M2 M3 M4 M5 M6 M7 M8 M9 M10 M11 L1 L2 L3 L4 L5 L6"

const (
	// patchedTimeout is short because a patched test may hang: that is one of the ways in which it notices.
	patchedTimeout = time.Minute
	// asIsTimeout is for all named tests of a package together, on a busy machine.
	asIsTimeout = 10 * time.Minute
)

func main() {
	filter := flag.String("run", "", "only patches whose law and name match this `regexp`")
	workers := flag.Int("j", min(runtime.NumCPU(), 4), "how many patches are tried at a time")
	flag.Parse()
	dir := cmp.Or(flag.Arg(0), ".")

	passed, failed, err := run(dir, strings.Fields(lawsOfTheDesign), *filter, *workers, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "laws:", err)
		os.Exit(1)
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}

// run tries the patches of dir in copies of it and prints a line for each. An error means that it could not try them.
func run(dir string, laws []string, filter string, workers int, out io.Writer) (passed, failed int, err error) {
	only, err := regexp.Compile(filter)
	if err != nil {
		return 0, 0, err
	}
	patches, err := readPatches(dir, laws)
	if err != nil {
		return 0, 0, err
	}
	report := func(law, name, what string, problem error) {
		verdict := "ok"
		if passed++; problem != nil {
			verdict = "FAILED: " + problem.Error()
			passed, failed = passed-1, failed+1
		}
		fmt.Fprintf(out, "%-3s  %-36s  %s  %s\n", law, name, what, verdict)
	}
	if filter == "" {
		for _, law := range laws {
			if !slices.ContainsFunc(patches, func(p patch) bool { return p.law == law }) {
				report(law, "-", "has no patch", errors.New("add one to testdata/laws"))
			}
		}
	}
	patches = slices.DeleteFunc(patches, func(p patch) bool { return !only.MatchString(p.law + " " + p.name) })
	if len(patches) == 0 && failed == 0 {
		return 0, 0, fmt.Errorf("no patch in %s/testdata/laws matches %q", dir, filter)
	}

	trees, remove, err := copyTrees(dir, workers)
	defer remove()
	if err != nil {
		return 0, 0, err
	}
	asIs := testAsIs(trees, patches)
	problems := make([]chan error, len(patches))
	for i := range problems {
		problems[i] = make(chan error, 1)
	}
	go inTrees(trees, len(patches), func(tree string, i int) {
		problem := asIs[patches[i].target]
		if problem == nil {
			problem = patches[i].try(tree)
		}
		problems[i] <- problem
	})
	for i, p := range patches {
		report(p.law, p.name, p.test+" fails without it", <-problems[i])
	}
	return passed, failed, nil
}

// inTrees does n jobs, in order, each in a tree that no other job uses meanwhile. It returns when all are done.
func inTrees(trees []string, n int, do func(tree string, job int)) {
	jobs := make(chan int)
	var workers sync.WaitGroup
	for _, tree := range trees {
		workers.Go(func() {
			for job := range jobs {
				do(tree, job)
			}
		})
	}
	for job := range n {
		jobs <- job
	}
	close(jobs)
	workers.Wait()
}

// A patch is one way to break a law.
type patch struct {
	name, law, why string
	target
	file string // absolute: git runs elsewhere
}

// A target is the test that notices.
type target struct {
	binary
	test string
}

// A binary is what compiling the tests of one package gives.
type binary struct {
	pkg  string
	race bool
}

var testLine = regexp.MustCompile(`^(\S+) ((?:Test|Fuzz|Example)\w*)( -race)?$`)

func readPatches(dir string, laws []string) ([]patch, error) {
	files, err := filepath.Glob(filepath.Join(dir, "testdata", "laws", "*.patch"))
	if err != nil {
		return nil, err
	}
	var patches []patch
	for _, file := range files {
		p, err := readPatch(file, laws)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		patches = append(patches, p)
	}
	slices.SortStableFunc(patches, func(a, b patch) int {
		return slices.Index(laws, a.law) - slices.Index(laws, b.law)
	})
	return patches, nil
}

func readPatch(file string, laws []string) (p patch, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return p, err
	}
	p.name = strings.TrimSuffix(filepath.Base(file), ".patch")
	if p.file, err = filepath.Abs(file); err != nil {
		return p, err
	}
	var test string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "diff ") || strings.HasPrefix(line, "--- ") {
			break
		}
		switch key, value, _ := strings.Cut(strings.TrimSpace(line), ": "); key {
		case "Law":
			p.law = value
		case "Test":
			test = value
		case "Why":
			p.why = value
		}
	}
	m := testLine.FindStringSubmatch(test)
	switch {
	case !slices.Contains(laws, p.law):
		return p, fmt.Errorf("law %q is none of %s", p.law, strings.Join(laws, " "))
	case m == nil:
		return p, fmt.Errorf("test %q is not a package and the name of a test, like ./csoauthtest TestLogin", test)
	case p.why == "":
		return p, errors.New("no line Why: says what the patch breaks")
	}
	p.target = target{binary{pkg: m[1], race: m[3] != ""}, m[2]}
	return p, nil
}

// copyTrees makes n copies. remove removes those that were made, also after an error.
func copyTrees(dir string, n int) (trees []string, remove func(), err error) {
	remove = func() {
		for _, tree := range trees {
			os.RemoveAll(tree)
		}
	}
	for range n {
		tree, err := copyTree(dir)
		if err != nil {
			return trees, remove, err
		}
		trees = append(trees, tree)
	}
	return trees, remove, nil
}

// copyTree copies what git knows or would add, and so no build output, to a new temporary folder.
func copyTree(dir string) (string, error) {
	git := exec.Command("git", "ls-files", "-coz", "--exclude-standard")
	git.Dir = dir
	list, err := git.Output()
	if err != nil {
		return "", fmt.Errorf("git ls-files in %s: %w", dir, err)
	}
	to, err := os.MkdirTemp("", "laws-")
	if err != nil {
		return "", err
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, os.ErrNotExist) {
			continue // deleted, and git has not been told yet
		}
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), text, 0o644)
		}
		if err != nil {
			return "", errors.Join(err, os.RemoveAll(to))
		}
	}
	return to, nil
}

// testAsIs runs the tests of all patches in the tree as it is, each package once, and says what is wrong with those that
// do not pass. A test that fails already, or is gone, would make any patch look noticed.
func testAsIs(trees []string, patches []patch) map[target]error {
	names := map[binary][]string{}
	for _, p := range patches {
		if !slices.Contains(names[p.binary], p.test) {
			names[p.binary] = append(names[p.binary], p.test)
		}
	}
	var mu sync.Mutex
	problems := map[target]error{}
	binaries := slices.Collect(maps.Keys(names))
	inTrees(trees, len(binaries), func(tree string, i int) {
		bin, tests := binaries[i], names[binaries[i]]
		out, err := bin.run(tree, asIsTimeout, tests...)
		for _, test := range tests {
			if !strings.Contains(out, "--- PASS: "+test+" (") {
				problem := fmt.Errorf("without the patch the test does not pass or is not there: %w%s", cmp.Or(err, errNotRun), tail(out))
				mu.Lock()
				problems[target{bin, test}] = problem
				mu.Unlock()
			}
		}
	})
	return problems
}

var errNotRun = errors.New("no test of that name ran and passed")

// try applies p to the tree, runs its test and takes p back. It returns nil if the test failed.
func (p patch) try(tree string) (problem error) {
	if out, err := gitApply(tree, p.file); err != nil {
		return fmt.Errorf("the patch does not apply%s", tail(out))
	}
	defer func() {
		if out, err := gitApply(tree, "-R", p.file); err != nil {
			panic("laws: cannot take back " + p.file + ": " + out) // the tree is no good for the patches after it
		}
	}()
	out, err := p.run(tree, patchedTimeout, p.test)
	switch {
	case errors.Is(err, errCompile):
		return fmt.Errorf("the patch does not compile%s", tail(out))
	case err == nil:
		return errors.New("the test passes with the patch too")
	case strings.Contains(out, "--- FAIL: "+p.test+" ("), strings.Contains(out, "panic: test timed out"):
		return nil
	}
	return fmt.Errorf("the test ended without a verdict: %w%s", err, tail(out))
}

var errCompile = errors.New("the package does not compile")

// run compiles the tests of b without vet, whose opinion of a patch does not matter, and runs those named.
func (b binary) run(tree string, timeout time.Duration, tests ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout+5*time.Minute)
	defer cancel()
	bin := filepath.Join(tree, ".laws.test.exe") // Windows wants the .exe; nobody else minds
	dir := filepath.Join(tree, filepath.FromSlash(b.pkg))
	build := exec.CommandContext(ctx, "go", "test", "-c", fmt.Sprintf("-race=%t", b.race), "-ldflags=-s -w", "-o", bin, ".")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		return string(out), errCompile
	}
	defer os.Remove(bin) // a package without tests leaves none: the old one must not run in its place
	cmd := exec.CommandContext(ctx, bin, "-test.v", "-test.timeout="+timeout.String(),
		"-test.run=^("+strings.Join(tests, "|")+")$")
	cmd.Dir = dir
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func gitApply(tree string, args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{"apply"}, args...)...)
	cmd.Dir = tree
	// In the work tree of another repository git apply would skip our files without a word.
	cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(tree))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// tail is the end of a command's output, indented, to print under a verdict.
func tail(out string) string {
	const most = 15
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return "\n\t" + strings.Join(lines[max(0, len(lines)-most):], "\n\t")
}
