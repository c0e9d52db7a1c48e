// Csoauth shows Contentstack logins, and emulates Contentstack.
//
//	csoauth demo      runs complete logins against an emulated Contentstack and explains each step
//	csoauth emulate   serves an emulated Contentstack to programs in any language
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run()) }

// run is main with an exit code: 0, or 1 with the reason on standard error.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := rootCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "csoauth:", err)
		return 1
	}
	return 0
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "csoauth",
		Short:         "Contentstack logins with OAuth 2.0 and PKCE",
		Long:          "Contentstack logins with OAuth 2.0 and PKCE.\n\nIt emulates Contentstack on this machine and never contacts the real one.",
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return hint(cmd, err) })
	root.AddCommand(demoCommand(), emulateCommand())
	return root
}

// noArgs refuses what stands behind a command.
func noArgs(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case cmd.HasSubCommands():
		return hint(cmd, fmt.Errorf("there is no command %q", args[0]))
	}
	return hint(cmd, fmt.Errorf("%s takes no arguments, got %q", cmd.Name(), args[0]))
}

// hint adds where to look.
func hint(cmd *cobra.Command, err error) error {
	return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
}

// version is that of the module as it was built.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}
