// Csoauth shows and serves Contentstack logins without a Contentstack.
//
//	csoauth demo      runs whole logins against an emulated Contentstack and tells what is sent
//	csoauth emulate   serves an emulated Contentstack to programs in any language
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
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
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(demoCommand(), emulateCommand())
	return root
}
