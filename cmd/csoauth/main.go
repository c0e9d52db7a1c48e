// Csoauth logs its user in to Contentstack, and makes requests and gets tokens with that login. It
// also shows logins, and emulates Contentstack.
//
//	csoauth login      logs in, in the browser; later commands go on with that login
//	csoauth status     says who is logged in, and whether the login works
//	csoauth api        makes a request to one of Contentstack's APIs
//	csoauth token      prints the access token, refreshed if that is due
//	csoauth run        runs a command with the access token in its environment
//	csoauth logout     ends the login
//	csoauth profiles   lists the logins side by side
//	csoauth probe      asks Contentstack what no document says, and writes a report
//	csoauth demo       runs complete logins against an emulated Contentstack, and explains them
//	csoauth emulate    serves an emulated Contentstack to programs in any language
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/contentstack/csoauth"
)

func main() { os.Exit(run(os.Args[1:])) }

// run is main with an exit code, and the reason on standard error.
func run(args []string) int {
	ctx, watch := withSignals(context.Background(), exitLate)
	if len(args) == 0 || args[0] != "token" { // which watches when it sends something
		watch()
	}
	root := rootCommand(args)
	err := root.ExecuteContext(ctx)
	code := exitCode(ctx, err)
	if text := oneLine(err); text != "" && code < exitInterrupted {
		fmt.Fprintln(os.Stderr, "csoauth:", text)
	}
	return code
}

// Exit codes of every command. A command that "csoauth run" runs has its own.
const (
	exitFailed        = 1 // refused, failed, or not known
	exitUsage         = 2
	exitLoginRequired = 4
	exitInterrupted   = 128 // and the signal's number
)

// An exitError is an error with an exit code of its own. Without a cause nothing is printed.
type exitError struct {
	code  int
	cause error
}

func (e *exitError) Error() string {
	if e.cause == nil {
		return ""
	}
	return e.cause.Error()
}

func (e *exitError) Unwrap() error { return e.cause }

// usage makes err a mistake in what was typed.
func usage(err error) error { return &exitError{exitUsage, err} }

func exitCode(ctx context.Context, err error) int {
	exit, isExit := errors.AsType[*exitError](err)
	stopped, isStopped := errors.AsType[interrupted](context.Cause(ctx))
	switch {
	case err == nil:
		return 0
	case isStopped && (errors.Is(err, stopped) || errors.Is(err, context.Canceled)):
		return stopped.exitCode()
	case isExit:
		return exit.code
	case errors.Is(err, csoauth.ErrLoginRequired):
		return exitLoginRequired
	}
	return exitFailed
}

// oneLine returns the text of an error on one line, without the names of the packages that it came
// through.
func oneLine(err error) string {
	if err == nil {
		return ""
	}
	text := ": " + strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
	for _, name := range []string{"clilogin", "csapi", "tokens", "loopback", "csoauth", "emulate"} {
		text = strings.ReplaceAll(text, ": "+name+": ", ": ")
	}
	return strings.TrimPrefix(text, ": ")
}

// withAdvice says what to do if the network is the trouble.
func withAdvice(err error) error {
	connection, isConnection := errors.AsType[*net.OpError](err)
	_, isName := errors.AsType[*net.DNSError](err)
	if isConnection {
		if to, ok := connection.Addr.(*net.TCPAddr); ok && to.IP.IsLoopback() {
			return fmt.Errorf("%w: does a server run there?", err)
		}
	}
	if isConnection || isName {
		return fmt.Errorf("%w: check the network, or HTTPS_PROXY", err)
	}
	return err
}

// commands are in the order of the README.
var commands = []struct {
	name, group string
	make        func() *cobra.Command
}{
	{"login", groupAccount, loginCommand},
	{"status", groupAccount, statusCommand},
	{"api", groupAccount, apiCommand},
	{"token", groupAccount, tokenCommand},
	{"run", groupAccount, runCommand},
	{"logout", groupAccount, logoutCommand},
	{"profiles", groupAccount, profilesCommand},
	{"probe", groupAccount, probeCommand},
	{"demo", groupPlay, demoCommand},
	{"emulate", groupPlay, emulateCommand},
}

// rootCommand returns the command with what args need of it: if they begin with the name of a
// command, that one alone, because a script may start it a hundred times.
func rootCommand(args []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "csoauth",
		Short: "Contentstack logins with OAuth 2.0 and PKCE",
		Long: `Log in to Contentstack once, and use its APIs from the terminal, from scripts,
and from programs in any language.

Without an account, "csoauth emulate" serves an emulated Contentstack, and
"csoauth demo" explains logins with one.

Exit codes: 0; 1 refused, failed or not known; 2 wrong usage; 4 a login is
required; 130 interrupted.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return hint(cmd, err) })
	root.SetArgs(args)
	for _, c := range commands {
		if len(args) > 0 && args[0] == c.name {
			root.AddCommand(c.make())
			root.CompletionOptions.DisableDefaultCmd = true
			return root
		}
	}
	root.Version = version()
	root.AddGroup(&cobra.Group{ID: groupAccount, Title: "Your account:"}, &cobra.Group{ID: groupPlay, Title: "Without an account:"})
	for _, c := range commands {
		cmd := c.make()
		cmd.GroupID = c.group
		root.AddCommand(cmd)
	}
	return root
}

const (
	groupAccount = "account"
	groupPlay    = "play"
)

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
	return usage(fmt.Errorf("%w; see %s --help", err, cmd.CommandPath()))
}

// version is that of the module as it was built.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}
