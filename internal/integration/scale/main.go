// Scale measures the Manager of package tokens at scale, and compares it with a bare limit: the
// same necessary work by the standard library or the bare driver, and nothing else, in the same
// run. It counts what users cost in an hour, and reckons from that what many users cost. It prints
// one table in Markdown, and writes docs/figures/scale.json, from which make figures makes the
// tables and plots of docs/scale.md.
//
//	make scale               all parts, which take about 15 minutes
//	make scale PART=cold     one part, which is printed and not written
//	go run ./scale -list     what the parts are
//
// It starts Redis and PostgreSQL servers of its own, and ends them. It is no test: a row that says
// "missed" is a result. The exit code is 1 if a part could not be measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/contentstack/csoauth/internal/integration/measured"
)

// A part measures one thing. It returns the rows that it has, even with an error.
type part struct {
	name, what string
	measure    func(ctx context.Context, s *sizes, f *found) ([]row, error)
	table      func(f *found) measured.Table // of what it has found besides rows; nil: nothing
}

var parts = []part{
	{"users", "heap of idle users, and what a hit costs", measureUsers, nil},
	{"cold", "the first token of a user who is in the store alone", measureCold, nil},
	{"crowd", "many cold users who all ask at once", measureCrowd, nil},
	{"ended", "many users whose access tokens have ended", measureEnded, nil},
	{"hours", "what the store and Contentstack are asked in a user's hour, in fake time", measureHours, hoursTable},
	{"costs", "CPU time of looks, refreshes and token requests, and bytes in the store", measureCosts, costsTable},
	{"hang", "the users of a region, or of a part of the store, beside one that hangs", measureHang, nil},
	{"refused", "heap after many refresh tokens were refused", measureRefused, nil},
}

// sizes are how much the parts do.
type sizes struct {
	root    string
	users   string
	crowd   int
	ended   int
	refused int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var s sizes
	flags := flag.NewFlagSet("scale", flag.ContinueOnError)
	name := flags.String("part", "", "measure this part alone")
	profile := flags.String("cpuprofile", "", "write a CPU profile to this file, for go tool pprof")
	list := flags.Bool("list", false, "list the parts")
	flags.StringVar(&s.users, "users", "1000,10000,100000,1000000", "part users: so many users, in ascending order")
	flags.IntVar(&s.crowd, "crowd", 120_000, "part crowd: so many users")
	flags.IntVar(&s.ended, "ended", 10_000, "part ended: so many users")
	flags.IntVar(&s.refused, "refused", 1_000_000, "part refused: so many users")
	flags.StringVar(&s.root, "root", "../..", "the folder of the repository")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if min(s.crowd, s.ended, s.refused) < 1 {
		return errors.New("a number is too small")
	}
	if *list {
		for _, p := range parts {
			fmt.Fprintf(out, "%-8s %s\n", p.name, p.what)
		}
		return nil
	}
	chosen := parts
	if *name != "" {
		at := slices.IndexFunc(parts, func(p part) bool { return p.name == *name })
		if at < 0 {
			return fmt.Errorf("there is no part %q: -list lists them", *name)
		}
		chosen = parts[at : at+1]
	}
	if *profile != "" {
		file, err := os.Create(*profile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	fmt.Fprintf(out, "%s.\n\n", measured.ThisMachine())
	fmt.Fprintf(out, "| what | csoauth | bare limit | ratio | to reach |\n|---|---|---|---|---|\n")
	var missing []string
	var all []row
	f := new(found)
	for _, p := range chosen {
		began := time.Now()
		fmt.Fprintf(os.Stderr, "%s: %s\n", p.name, p.what)
		rows, err := p.measure(ctx, &s, f)
		for _, r := range rows {
			fmt.Fprintln(out, r)
		}
		all = append(all, rows...)
		if *name != "" && p.table != nil {
			fmt.Fprintln(out, "\n"+p.table(f).Markdown())
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", p.name, err)
			missing = append(missing, p.name)
			continue
		}
		fmt.Fprintf(os.Stderr, "%s: took %v\n", p.name, time.Since(began).Round(time.Second))
	}
	if len(missing) > 0 {
		return fmt.Errorf("not measured, or not all of it: %s", strings.Join(missing, ", "))
	}
	if *name != "" {
		return nil
	}
	return report(f, all).Write(filepath.Join(s.root, "docs/figures/scale.json"))
}
