package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// binaries are the compiled tests, by package.
type binaries struct {
	dir  string
	root string
}

func (b *binaries) remove() { os.RemoveAll(b.dir) }

func (b *binaries) of(pkg string) string {
	return filepath.Join(b.dir, strings.ReplaceAll(pkg, "/", "-")+".test")
}

// compile builds the tests of each package that the benchmarks need.
func compile(ctx context.Context, root string) (*binaries, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "csoauth-bench-")
	if err != nil {
		return nil, err
	}
	b := &binaries{dir: dir, root: root}
	done := map[string]bool{}
	for _, one := range benchmarks {
		if done[one.pkg] {
			continue
		}
		done[one.pkg] = true
		build := exec.CommandContext(ctx, "go", "test", "-c", "-o", b.of(one.pkg), ".")
		build.Dir = filepath.Join(root, one.pkg)
		if out, err := build.CombinedOutput(); err != nil {
			b.remove()
			return nil, fmt.Errorf("compile %s: %w\n%s", one.pkg, err, out)
		}
	}
	return b, nil
}

// A run is short, so that a machine that becomes slower does so between two rounds and seldom
// within one.
const (
	perRun      = 150 * time.Millisecond
	perSlowRun  = 1500 * time.Millisecond
	herdsPerRun = 2
)

// measure runs the implementations of a benchmark in turns.
func (b *binaries) measure(ctx context.Context, row benchmark, rounds int) (result, error) {
	r := result{benchmark: row, costs: map[string][]float64{}}
	times := map[string]int{}
	for _, impl := range row.impls {
		n, err := b.calibrate(ctx, row, impl)
		if err != nil {
			return r, err
		}
		times[impl] = n
	}
	if row.slow || row.herd {
		rounds = slowRounds(rounds)
	}
	for round := range rounds {
		for i := range row.impls {
			impl := row.impls[(i+round)%len(row.impls)] // so that each of them is the first in turn
			cost, err := b.cost(ctx, row, impl, times[impl])
			if err != nil {
				return r, err
			}
			r.costs[impl] = append(r.costs[impl], cost)
		}
	}
	return r, nil
}

// slowRounds returns how many rounds a slow row has if others have so many.
func slowRounds(rounds int) int { return (rounds + 2) / 3 }

// calibrate returns how many operations a run does.
func (b *binaries) calibrate(ctx context.Context, row benchmark, impl string) (int, error) {
	if row.herd {
		return herdsPerRun, nil
	}
	length := perRun
	if row.slow {
		length = perSlowRun
	}
	out, _, err := b.run(ctx, row, impl, length.String())
	if err != nil {
		return 0, err
	}
	n, err := number(out, iterations)
	return max(int(n), 10), err // a tenth of it is run, too
}

// cost returns the CPU time of one operation, in nanoseconds. It is that of n operations less that
// of a tenth of them, which start and preparation are the same for.
func (b *binaries) cost(ctx context.Context, row benchmark, impl string, n int) (float64, error) {
	out, whole, err := b.run(ctx, row, impl, strconv.Itoa(n)+"x")
	switch {
	case err != nil:
		return 0, err
	case row.herd:
		micros, err := number(out, cpuOfRefresh)
		return micros * 1000, err
	}
	_, start, err := b.run(ctx, row, impl, strconv.Itoa(n/10)+"x")
	return float64(whole-start) / float64(n-n/10), err
}

// run runs an implementation for so long, or so many times, and returns what it printed and the CPU
// time of the process and of those that it waited for. One processor does the work, so that no
// other one's idle search for work counts; herds have all processors.
func (b *binaries) run(ctx context.Context, row benchmark, impl, benchtime string) (out string, cpu time.Duration, err error) {
	pattern := "^Benchmark" + strings.ReplaceAll(row.path, "/", "$/^") + "$/^impl=" + impl + "$"
	cmd := exec.CommandContext(ctx, b.of(row.pkg), "-test.run=^$", "-test.bench="+pattern, "-test.benchtime="+benchtime, "-test.timeout=10m")
	cmd.Dir = filepath.Join(b.root, row.pkg)
	if !row.herd {
		cmd.Args = append(cmd.Args, "-test.cpu=1")
	}
	text, err := cmd.CombinedOutput()
	if err != nil {
		return "", 0, fmt.Errorf("%s: %w\n%s", impl, err, text)
	}
	return string(text), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

// What a benchmark prints.
var (
	iterations   = regexp.MustCompile(`(?m)^Benchmark\S+\s+(\d+)\s`)
	cpuOfRefresh = regexp.MustCompile(`([0-9.]+) cpu-µs/refresh`)
)

func number(out string, pattern *regexp.Regexp) (float64, error) {
	found := pattern.FindStringSubmatch(out)
	if found == nil {
		return 0, errors.New("the benchmark did not run: it printed\n" + out)
	}
	return strconv.ParseFloat(found[1], 64)
}
