package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// An event is a line of go test -json. See go doc test2json, and go help buildjson for the lines
// without a package.
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

// A test is what became of one test, or, under the empty name, of the whole package.
type test struct {
	result string // pass, fail or skip; empty: it began, and did not end
	output strings.Builder
}

// A results has the tests of one package by name.
type results map[string]*test

func (r results) test(name string) *test {
	if r[name] == nil {
		r[name] = &test{}
	}
	return r[name]
}

// A verdict reads the events of all packages and prints each package when it ends.
type verdict struct {
	out     io.Writer
	running map[string]results
	passed  int
	failed  []string // packages
}

func newVerdict(out io.Writer) *verdict {
	return &verdict{out: out, running: map[string]results{}}
}

// read prints lines that are no events as they are: they are from the go command itself.
func (v *verdict) read(events io.Reader) error {
	for lines := bufio.NewReader(events); ; {
		line, err := lines.ReadBytes('\n')
		var e event
		switch {
		case len(line) == 0:
		case json.Unmarshal(line, &e) != nil:
			fmt.Fprintf(v.out, "%s", line)
		default:
			v.take(e)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (v *verdict) take(e event) {
	if e.Package == "" { // the compiler's
		fmt.Fprint(v.out, e.Output)
		return
	}
	if v.running[e.Package] == nil {
		v.running[e.Package] = results{}
	}
	t := v.running[e.Package].test(e.Test)
	t.output.WriteString(e.Output)
	switch e.Action {
	case "pass", "fail", "skip":
		if t.result != "fail" { // with -count a test has several results
			t.result = e.Action
		}
		if e.Test == "" {
			v.endPackage(e.Package, e.Elapsed)
		}
	}
}

// endPackage prints the package, and what it and its tests said if they failed.
func (v *verdict) endPackage(name string, seconds float64) {
	tests := v.running[name]
	delete(v.running, name)
	var passed, skipped int
	var failed []string
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		switch result := tests[name].result; {
		case name == "":
		case result == "pass":
			passed++
		case result == "skip":
			skipped++
		default:
			failed = append(failed, name)
		}
	}
	counts := fmt.Sprintf("%d passed, %d failed, %d skipped", passed, len(failed), skipped)
	if tests[""].result == "fail" {
		failed = append(failed, "") // it says why, if it was no test
	}
	word := "ok  "
	if len(failed) > 0 {
		word = "FAIL"
		v.failed = append(v.failed, name)
	}
	fmt.Fprintf(v.out, "%s  %-50s  %6.1f s  %s\n", word, name, seconds, counts)
	for _, name := range failed {
		if name != "" && tests[name].result == "" {
			fmt.Fprintf(v.out, "%s did not end:\n", name)
		}
		fmt.Fprintln(v.out, strings.TrimSuffix(tests[name].output.String(), "\n"))
	}
	v.passed += passed
}

// end returns why the run is not a success. goTest is how the go command ended.
func (v *verdict) end(goTest error) error {
	switch {
	case len(v.failed) > 0:
		return fmt.Errorf("failed: %s", strings.Join(v.failed, " "))
	case len(v.running) > 0:
		return fmt.Errorf("did not end: %s", strings.Join(slices.Sorted(maps.Keys(v.running)), " "))
	case v.passed == 0:
		return errors.Join(errors.New("no test ran"), goTest)
	}
	return goTest
}
