package main

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"os"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/emulator"
)

// This file is only for -emulator. Leave it out of your program.

// emulatedStarts are three starts of the program. They share nothing but the directory with the
// login, and the keyring.
var emulatedStarts = []struct {
	command               string
	expire, login, logout bool
}{
	{command: "cli -login", login: true},
	{command: "cli", expire: true},
	{command: "cli -logout", logout: true},
}

// runEmulated starts the program three times with an emulated Contentstack, and prints the requests
// that it received.
func runEmulated(ctx context.Context, s *settings, out io.Writer) error {
	e, err := emulator.New(emulator.Options{})
	if err != nil {
		return err
	}
	app := e.Apps()[0]
	if err := e.Register(app.UID, s.config.RedirectURI); err != nil {
		return err
	}
	contentstack := httptest.NewServer(e)
	defer contentstack.Close()
	dir, err := os.MkdirTemp("", "cli-login-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	config := *s.config
	config.AppUID, config.ClientID = app.UID, app.ClientID
	config.Endpoints = map[csoauth.Region]csoauth.Endpoints{csoauth.NA: csoauth.OneHost(contentstack.URL)}
	fmt.Fprintf(out, "An emulated Contentstack runs at %s. Log in there as any user.\n", contentstack.URL)
	for _, start := range emulatedStarts {
		if start.expire {
			e.Expire("")
			fmt.Fprint(out, "\n(An hour passes. The access token has expired.)")
		}
		fmt.Fprintf(out, "\n$ %s\n", start.command)
		seen := len(e.Requests())
		next := &settings{config: &config, options: s.options, login: start.login, logout: start.logout}
		next.options.Dir, next.options.NoLogin = dir, true
		if err := run(ctx, next, out); err != nil {
			return err
		}
		for _, r := range e.Requests()[seen:] {
			fmt.Fprintf(out, "  (Contentstack: %s %s, %d)\n", r.Method, r.Path, r.Status)
		}
	}
	return nil
}
