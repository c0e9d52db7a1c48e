// Screens takes the screenshots of the documentation: of each page that a user sees, and of the
// command in a terminal. Each is taken in light and in dark.
//
//	make docs                                  all of them
//	go run ./screens -only emulator,landing    some parts
//	go run ./screens -out /some/folder         elsewhere
//
// Two runs with the same Chromium write the same bytes. The pages are real ones: of an emulator
// whose clock is fixed, and of the library's own packages. In a terminal, a few values differ from
// run to run. They are replaced: see standIns.
//
// It needs Linux, what setup.sh installs with the argument screens, and the ports 8484 and 8184.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// A part takes some of the screenshots.
type part struct {
	name  string
	shoot func(ctx context.Context, s *studio) error
}

var parts = []part{
	{"emulator", shootEmulator},
	{"landing", shootLanding},
	{"web", shootWeb},
	{"example", shootExample},
	{"command", shootCommand},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "screens:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("screens", flag.ContinueOnError)
	out := flags.String("out", "../../docs/figures/screens", "`folder` to write to")
	only := flags.String("only", "", "`parts` to take, with commas between them; empty: all")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	s, err := openStudio(*out)
	if err != nil {
		return err
	}
	defer s.end()
	for _, p := range parts {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), p.name) {
			continue
		}
		if err := p.shoot(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}
