// Figures draws the pictures of the documentation, and copies measured tables into its pages. From
// this text it makes every SVG file in docs/figures:
//
//   - docs/figures/NAME.dot, a diagram in the language of Graphviz
//   - the time lines in tokenhour.go and lease.go
//   - docs/figures/benchmarks.json and scale.json, which hold what was measured
//
// To use it, type in the root of the repository:
//
//	make figures          draws what is not up to date
//	make figures-check    writes nothing, and fails if something is not up to date
//
// The same text makes the same bytes on every machine. Graphviz runs as WebAssembly, and text is
// measured with fonts that are part of a module. docs/figures/style.css has all colours.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("figures", flag.ContinueOnError)
	check := flags.Bool("check", false, "write nothing, and fail if a file is not up to date")
	docs := flags.String("docs", "../../docs", "the folder of the pages, with the folder figures in it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	made := files{}
	if err := errors.Join(made.addPictures(ctx, *docs), made.addPages(*docs)); err != nil {
		return err
	}
	stale, err := made.stale()
	if err != nil {
		return err
	}
	if *check {
		return problems(stale, made.unknown(*docs))
	}
	for _, name := range stale {
		if err := os.WriteFile(name, made[name], 0o644); err != nil {
			return err
		}
		fmt.Fprintln(out, "wrote", name)
	}
	return problems(nil, made.unknown(*docs))
}

// files are the contents that files should have, by their names.
type files map[string][]byte

// stale returns the names of the files that are missing or have other contents.
func (f files) stale() (names []string, err error) {
	for _, name := range slices.Sorted(maps.Keys(f)) {
		now, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		if err != nil || !bytes.Equal(now, f[name]) {
			names = append(names, name)
		}
	}
	return names, nil
}

// unknown returns the names of pictures that nothing makes any more.
func (f files) unknown(docs string) (names []string) {
	all, _ := filepath.Glob(filepath.Join(docs, "figures", "*.svg")) // it fails on bad patterns alone
	return slices.DeleteFunc(all, func(name string) bool { return f[name] != nil })
}

// problems returns an error with a line for each file that needs attention, or nil.
func problems(stale, unknown []string) error {
	var all []error
	for _, name := range stale {
		all = append(all, fmt.Errorf("%s is not up to date: run make figures", name))
	}
	for _, name := range unknown {
		all = append(all, fmt.Errorf("%s: nothing makes this picture: delete it", name))
	}
	return errors.Join(all...)
}
