// Cli is a terminal program whose user logs in to Contentstack once, in the browser. It prints who
// the user is. Later starts do not ask again until the login ends.
//
//	go run ./examples/cli -emulator   try it without a Contentstack account
//	go run ./examples/cli             use your app; settings.go lists the environment variables
//	go run ./examples/cli -login      log in anew, also where no terminal is
//	go run ./examples/cli -logout     log out, on the user's other machines too
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/contentstack/csoauth/clilogin"
	"github.com/contentstack/csoauth/csapi"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := readSettings(os.Args[1:], os.Getenv)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = run(ctx, s, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cli:", err)
		os.Exit(1)
	}
}

// run does what main says. Its error includes the error of Close, which says that a new token could
// not be stored.
func run(ctx context.Context, s *settings, out io.Writer) (err error) {
	if s.emulator {
		return runEmulated(ctx, s, out)
	}
	session, err := clilogin.Open(ctx, s.config, &s.options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	if s.logout {
		return logOut(ctx, session, out)
	}
	if s.login {
		if err := session.Login(ctx, nil); err != nil {
			return err
		}
	}
	return greet(ctx, session.API(), out)
}

// patience is how long the calls to Contentstack may take together.
const patience = 30 * time.Second

// greet prints who the user is, and the organization that the user chose at consent.
func greet(ctx context.Context, api *csapi.Client, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	user, err := api.User(ctx)
	if err != nil {
		return err
	}
	organization, err := api.Organization(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "Hello, %s %s (%s). You are logged in for %s.\n",
		user.FirstName, user.LastName, user.Email, organization.Name)
	return err
}

// logOut ends what the user has allowed the app in the organization. That logs out the user's other
// machines too. For a logout on this machine alone, call Forget.
func logOut(ctx context.Context, session *clilogin.Session, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := session.Logout(ctx); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, "Logged out, on your other machines too. Contentstack no longer allows the app in this organization.")
	return err
}
