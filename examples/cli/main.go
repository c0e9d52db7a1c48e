// Cli is a terminal program whose user logs in to Contentstack once, in the browser. It prints who
// the user is. Later starts do not ask again until the login ends.
//
//	go run ./examples/cli -emulator   try it without a Contentstack account
//	go run ./examples/cli             use your app; settings.go lists the environment variables
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

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
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

// run does what main says. Its error includes the error of Close, which says that a new token could
// not be stored.
func run(ctx context.Context, s *settings, out io.Writer) (err error) {
	if s.emulator {
		return runEmulated(ctx, s, out)
	}
	p, err := newProgram(s, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.tokens.Close()) }()
	if s.logout {
		return p.logOut(ctx)
	}
	return p.greet(ctx)
}

// A program has one user. A Manager keeps the user's token.
type program struct {
	config  *csoauth.Config
	options *loopback.Options
	tokens  *tokens.Manager
	login   *tokens.Login // the user's, in tokens
	api     *csapi.Client // sends requests as the user
	out     io.Writer
}

// newProgram does not encrypt the token, because the key would be stored next to it. The token is
// protected by its directory: only this user can read it. Dir creates it that way, and on Windows
// it is in the user's profile. To encrypt the token, keep the key in the system's keyring.
func newProgram(s *settings, out io.Writer) (*program, error) {
	manager, err := tokens.New(s.config, tokens.Dir(s.dir), nil)
	if err != nil {
		return nil, err
	}
	key := s.config.Region.String() + "/" + s.config.ClientID // another app needs another token
	login := manager.For(key)
	return &program{
		config: s.config, options: &s.login, tokens: manager, login: login, api: csapi.New(s.config, login, nil), out: out,
	}, nil
}

// greet prints who the user is. The user has to log in if there is no login yet, or if it has ended
// because the user or an administrator revoked the access. No other error is a reason to ask again.
func (p *program) greet(ctx context.Context) error {
	user, organization, err := p.user(ctx)
	if errors.Is(err, csoauth.ErrLoginRequired) {
		token, loginErr := loopback.Login(ctx, p.config, p.options)
		if loginErr != nil {
			return loginErr
		}
		if err := p.login.Put(ctx, token); err != nil {
			return err
		}
		user, organization, err = p.user(ctx)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.out, "Hello, %s %s (%s). You are logged in for %s.\n",
		user.FirstName, user.LastName, user.Email, organization.Name)
	return err
}

// patience is how long the calls to Contentstack may take together. Without a deadline, they wait
// for as long as a busy service asks.
const patience = 30 * time.Second

// user returns the user, and the organization that the user chose at consent.
func (p *program) user(ctx context.Context) (user *csapi.User, organization *csapi.Organization, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if user, err = p.api.User(ctx); err == nil {
		organization, err = p.api.Organization(ctx)
	}
	return user, organization, err
}

// logOut ends what the user has allowed the app in the organization, and deletes the token. That
// logs out the user's other machines too. For a logout on this machine alone, only delete the token.
func (p *program) logOut(ctx context.Context) error {
	revoking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	revokeErr := p.api.Revoke(revoking)
	if err := p.login.Delete(ctx); err != nil {
		return errors.Join(revokeErr, err)
	}
	if revokeErr != nil {
		return fmt.Errorf("logged out on this machine, but Contentstack may still allow the app: remove it there, under Authorized Apps: %w", revokeErr)
	}
	_, err := fmt.Fprintln(p.out, "Logged out, on your other machines too. Contentstack no longer allows the app in this organization.")
	return err
}
