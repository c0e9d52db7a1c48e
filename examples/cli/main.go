// Cli is a terminal program whose user logs in to Contentstack once, in the browser. It says who that is, and each later
// start does so without asking.
//
//	go run ./examples/cli -emulator   see it work, without a Contentstack account
//	go run ./examples/cli             for the app that the environment configures: see settings.go
//	go run ./examples/cli -logout     forget the login
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

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/loopback"
	"github.com/contentstack/csoauth/tokens"
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

// run is main without the process. Its error has that of Close in it, which says that a new token is lost.
func run(ctx context.Context, s *settings, out io.Writer) (err error) {
	if s.emulator {
		return runEmulated(ctx, s, out)
	}
	p := newProgram(s, out)
	defer func() { err = errors.Join(err, p.tokens.Close()) }()
	if s.logout {
		return p.logOut(ctx)
	}
	return p.greet(ctx)
}

// A program has one user, whose token a Manager keeps.
type program struct {
	config *csoauth.Config
	login  *loopback.Options
	tokens *tokens.Manager
	key    string // of the one login that there is
	out    io.Writer
}

// newProgram does not seal the token: the key would have to lie beside it, unless the system's keyring had it. What protects
// the token is its directory, which Dir makes for this user alone; on Windows the user's profile is that already.
func newProgram(s *settings, out io.Writer) *program {
	return &program{
		config: s.config,
		login:  &s.login,
		tokens: tokens.New(s.config, tokens.Dir(s.dir), nil),
		key:    s.config.Region.String() + "/" + s.config.ClientID, // a token of one app is of no use to another
		out:    out,
	}
}

// greet says who the user is. It has the user log in if nobody has yet, or if that login is over: the user or an
// administrator took the access away. No other error is a reason to ask again.
func (p *program) greet(ctx context.Context) error {
	who, err := p.user(ctx)
	if errors.Is(err, csoauth.ErrLoginRequired) {
		token, loginErr := loopback.Login(ctx, p.config, p.login)
		if loginErr != nil {
			return loginErr
		}
		if err := p.tokens.Put(ctx, p.key, token); err != nil {
			return err
		}
		who, err = p.user(ctx)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.out, "Hello, %s (%s). You are logged in for %s.\n", who.Name, who.Email, who.Organization)
	return err
}

// logOut forgets the token. At Contentstack the app stays allowed until the user removes it there, under Authorized Apps.
func (p *program) logOut(ctx context.Context) error {
	if err := p.tokens.Delete(ctx, p.key); err != nil {
		return err
	}
	_, err := fmt.Fprintln(p.out, "Logged out on this machine. At Contentstack it ends under Authorized Apps.")
	return err
}
