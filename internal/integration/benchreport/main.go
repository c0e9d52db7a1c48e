// Benchreport measures csoauth beside golang.org/x/oauth2 and the true limit, and writes
// docs/figures/benchmarks.json, from which make figures makes docs/benchmarks.md and its plots.
//
//	make bench-report                 everything, which takes about half an hour
//	make bench-report ROWS=Exchange   the rows whose name this regular expression matches, printed
//
// It compiles the benchmarks of this repository and runs each implementation as a process of its
// own. The implementations of a row take turns: a round runs each of them once, so that a machine
// that becomes slower slows all of them. What counts is CPU time, not the time on the clock. The
// report has the median of all rounds, and the quartiles.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"

	"github.com/contentstack/csoauth/internal/integration/measured"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "benchreport:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("benchreport", flag.ContinueOnError)
	root := flags.String("root", "../..", "the folder of the repository")
	rounds := flags.Int("rounds", 33, "run each implementation so often, at least 9; slow ones a third as often")
	rows := flags.String("rows", "", "measure only the rows that this regular expression matches, and write no file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *rounds < 9 {
		return fmt.Errorf("-rounds %d: quartiles need at least 9", *rounds)
	}
	chosen, err := choose(*rows)
	if err != nil {
		return err
	}
	bench, err := compile(ctx, *root)
	if err != nil {
		return err
	}
	defer bench.remove()
	var results []result
	for _, b := range chosen {
		r, err := bench.measure(ctx, b, *rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		fmt.Fprintln(os.Stderr, r)
		results = append(results, r)
	}
	if *rows != "" {
		return nil
	}
	machine := fmt.Sprintf("%s, %d rounds (slow rows %d)", measured.ThisMachine(), *rounds, slowRounds(*rounds))
	report := measured.Report{Machine: machine, Tables: tables(results), Charts: charts(results)}
	return report.Write(*root + "/docs/figures/benchmarks.json")
}

// choose returns the benchmarks whose names pattern matches.
func choose(pattern string) (chosen []benchmark, err error) {
	match, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("-rows: %w", err)
	}
	for _, b := range benchmarks {
		if match.MatchString(b.name) {
			chosen = append(chosen, b)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("-rows: %q matches no benchmark", pattern)
	}
	return chosen, nil
}
