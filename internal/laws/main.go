// Laws proves that the tests behind the laws of docs/design.md can fail.
//
// Each file testdata/laws/*.law breaks one law. It says which test notices, and what to change:
// whole lines to find in a file, where they must stand once, and what to put in their place.
//
//	Law: P2
//	Test: ./csoauthtest TestOmittedMethodMeansPlain
//	Why: leaves the method out although the challenge is S256
//	-- find in authorize.go --
//		if !r.OmitMethod {
//	-- put --
//		if false {
//
// A package path is relative to the folder of testdata/laws; a test that needs the race detector
// has -race after its name. Laws works in copies of the tree, one for each of -j workers. It first
// sees every named test pass. Then each worker breaks one law at a time, and the test must fail.
// Text that is not found, a change that does not compile, a test that is gone and a law without a
// file are failures too.
//
// A test that proves a law says so in the last line of its doc comment: "Law: P4, P8" after the
// slashes. A law that no test names is a failure. With -table, Laws only prints which tests prove
// which law, and which files break it.
//
//	go run ./internal/laws [-run regexp] [-j workers] [-table] [dir]
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

	"github.com/rogpeppe/go-internal/txtar"
)

// lawsOfTheDesign lists the laws, in the order of the design. Each must have a file and a test.
const lawsOfTheDesign = "P1 P2 P3 P4 P5 P6 P7 P8 P9 P10 M1 M2 M3 M4 M5 M6 M7 M8 M9 M10 M11 L1 L2 L3 L4 L5 L6 R1 R2 R3 R4 R5 A1 A2 A3 A4"

const (
	// brokenTimeout is short because a test may hang: that is one of the ways in which it notices.
	brokenTimeout = time.Minute
	// asIsTimeout is for all named tests of a package together, on a busy machine.
	asIsTimeout = 10 * time.Minute
)

func main() {
	filter := flag.String("run", "", "only files, or with -table only lines, whose law and name match this `regexp`")
	workers := flag.Int("j", min(runtime.NumCPU(), 4), "how many are tried at a time")
	table := flag.Bool("table", false, "only print the tests and the files of each law")
	flag.Parse()
	dir := cmp.Or(flag.Arg(0), ".")

	if *table {
		failed, err := printTable(dir, strings.Fields(lawsOfTheDesign), *filter, os.Stdout)
		if err != nil {
			fmt.Fprintln(os.Stderr, "laws:", err)
		}
		if err != nil || failed > 0 {
			os.Exit(1)
		}
		return
	}
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

// run tries the law files of dir in copies of it and prints a line for each. An error means that it
// could not try them.
func run(dir string, laws []string, filter string, workers int, out io.Writer) (passed, failed int, err error) {
	only, err := regexp.Compile(filter)
	if err != nil {
		return 0, 0, err
	}
	breaches, err := readBreaches(dir, laws)
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
		proofs, err := readProofs(dir, laws)
		if err != nil {
			return 0, 0, err
		}
		for _, g := range gaps(laws, proofs, breaches) {
			report(g.law, "-", g.what, g.err)
		}
	}
	breaches = slices.DeleteFunc(breaches, func(b breach) bool { return !only.MatchString(b.law + " " + b.name) })
	if len(breaches) == 0 && failed == 0 {
		return 0, 0, fmt.Errorf("no file in %s/testdata/laws matches %q", dir, filter)
	}

	trees, remove, err := copyTrees(dir, workers)
	defer remove()
	if err != nil {
		return 0, 0, err
	}
	asIs := testAsIs(trees, breaches)
	problems := make([]chan error, len(breaches))
	for i := range problems {
		problems[i] = make(chan error, 1)
	}
	go inTrees(trees, len(breaches), func(tree string, i int) {
		problem := asIs[breaches[i].target]
		if problem == nil {
			problem = breaches[i].try(tree)
		}
		problems[i] <- problem
	})
	for i, b := range breaches {
		report(b.law, b.name, b.test+" fails without it", <-problems[i])
	}
	return passed, failed, nil
}

// inTrees does n jobs, in order, each in a tree that no other job uses meanwhile. It returns when
// all are done.
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

// A breach is one way to break a law.
type breach struct {
	name, law, why string
	target
	changes []change
}

// A change is whole lines in place of others.
type change struct{ file, find, put string }

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

func readBreaches(dir string, laws []string) ([]breach, error) {
	files, err := filepath.Glob(filepath.Join(dir, "testdata", "laws", "*.law"))
	if err != nil {
		return nil, err
	}
	var breaches []breach
	for _, file := range files {
		b, err := readBreach(file, laws)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		breaches = append(breaches, b)
	}
	slices.SortStableFunc(breaches, func(a, b breach) int {
		return slices.Index(laws, a.law) - slices.Index(laws, b.law)
	})
	return breaches, nil
}

func readBreach(file string, laws []string) (b breach, err error) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		return b, err
	}
	b.name = strings.TrimSuffix(filepath.Base(file), ".law")
	var test string
	for line := range strings.Lines(string(archive.Comment)) {
		switch key, value, _ := strings.Cut(strings.TrimSpace(line), ": "); key {
		case "Law":
			b.law = value
		case "Test":
			test = value
		case "Why":
			b.why = value
		}
	}
	m := testLine.FindStringSubmatch(test)
	switch {
	case !slices.Contains(laws, b.law):
		return b, fmt.Errorf("law %q is not one of %s", b.law, strings.Join(laws, " "))
	case m == nil:
		return b, fmt.Errorf("test %q is not a package and the name of a test, like ./csoauthtest TestLogin", test)
	case b.why == "":
		return b, errors.New("no line Why: says what is broken")
	}
	b.target = target{binary{pkg: m[1], race: m[3] != ""}, m[2]}
	b.changes, err = readChanges(archive.Files)
	return b, err
}

// readChanges takes the sections of a file two by two.
func readChanges(sections []txtar.File) (changes []change, err error) {
	for pair := range slices.Chunk(sections, 2) {
		file, isFind := strings.CutPrefix(pair[0].Name, "find in ")
		if !isFind || len(pair) < 2 || pair[1].Name != "put" {
			return nil, fmt.Errorf("section %q: want -- find in FILE -- and then -- put --", pair[0].Name)
		}
		if len(pair[0].Data) == 0 {
			return nil, fmt.Errorf("section %q is empty", pair[0].Name)
		}
		changes = append(changes, change{file, string(pair[0].Data), string(pair[1].Data)})
	}
	if len(changes) == 0 {
		return nil, errors.New("there is no section -- find in FILE --")
	}
	return changes, nil
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

// testAsIs runs all named tests in the tree as it is, each package once, and says what is wrong
// with those that do not pass. A test that fails already, or is gone, would make any change look
// noticed.
func testAsIs(trees []string, breaches []breach) map[target]error {
	names := map[binary][]string{}
	for _, b := range breaches {
		if !slices.Contains(names[b.binary], b.test) {
			names[b.binary] = append(names[b.binary], b.test)
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
				problem := fmt.Errorf("without the change the test does not pass or is not there: %w%s", cmp.Or(err, errNotRun), tail(out))
				mu.Lock()
				problems[target{bin, test}] = problem
				mu.Unlock()
			}
		}
	})
	return problems
}

var errNotRun = errors.New("no test of that name ran and passed")

// try breaks the law in the tree, runs its test and takes the changes back. It returns nil if the
// test failed.
func (b breach) try(tree string) (problem error) {
	for _, c := range b.changes {
		restore, err := c.apply(tree)
		if err != nil {
			return err
		}
		defer restore()
	}
	out, err := b.run(tree, brokenTimeout, b.test)
	switch {
	case errors.Is(err, errCompile):
		return fmt.Errorf("the change does not compile%s", tail(out))
	case err == nil:
		return errors.New("the test passes all the same")
	case strings.Contains(out, "--- FAIL: "+b.test+" ("), strings.Contains(out, "panic: test timed out"):
		return nil
	}
	return fmt.Errorf("the test ended without a verdict: %w%s", err, tail(out))
}

// apply changes the file in the tree. restore puts it back as it was.
func (c change) apply(tree string) (restore func(), err error) {
	name := filepath.Join(tree, filepath.FromSlash(c.file))
	before, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	text := "\n" + string(before)
	if n := strings.Count(text, "\n"+c.find); n != 1 {
		return nil, fmt.Errorf("the text to find stands %d times in %s, want once", n, c.file)
	}
	after := strings.Replace(text, "\n"+c.find, "\n"+c.put, 1)[1:]
	if err := os.WriteFile(name, []byte(after), 0o644); err != nil {
		return nil, err
	}
	return func() {
		if err := os.WriteFile(name, before, 0o644); err != nil {
			panic("laws: cannot take the change back: " + err.Error()) // the tree is no good for the others
		}
	}, nil
}

var errCompile = errors.New("the package does not compile")

// run compiles the tests of b, without optimization and without vet, whose opinion of a change does
// not matter, and runs those named.
func (b binary) run(tree string, timeout time.Duration, tests ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout+5*time.Minute)
	defer cancel()
	bin := filepath.Join(tree, ".laws.test.exe") // Windows wants the .exe; nobody else minds
	dir := filepath.Join(tree, filepath.FromSlash(b.pkg))
	build := exec.CommandContext(ctx, "go", "test", "-c", fmt.Sprintf("-race=%t", b.race), "-gcflags=-N -l", "-ldflags=-s -w", "-o", bin, ".")
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

// tail is the end of a command's output, indented, to print under a verdict.
func tail(out string) string {
	const most = 15
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return "\n\t" + strings.Join(lines[max(0, len(lines)-most):], "\n\t")
}
