package main

import (
	"cmp"
	"flag"
	"fmt"
	"path/filepath"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/clilogin"
	"github.com/contentstack/csoauth/loopback"
)

// settings come from the flags and from these environment variables:
//
//	CONTENTSTACK_APP_UID       Developer Hub, your app, Basic Information
//	CONTENTSTACK_CLIENT_ID     Developer Hub, your app, OAuth
//	CONTENTSTACK_REDIRECT_URI  exactly as registered for the app;
//	                           the default is http://localhost:8184/callback
//	CONTENTSTACK_REGION        na, eu, …; the default is na
//
// There is no client secret, because everyone who has the program could read it. Allow PKCE must be
// on for the app.
type settings struct {
	config  *csoauth.Config
	options clilogin.Options

	login, logout, emulator bool
}

func readSettings(args []string, getenv func(string) string) (*settings, error) {
	s := &settings{options: clilogin.Options{Program: "csoauth-cli", Loopback: &loopback.Options{}}}
	flags := flag.NewFlagSet("cli", flag.ContinueOnError)
	flags.StringVar(&s.options.Dir, "dir", "", "`directory` to keep the login in, instead of one in your configuration directory")
	flags.BoolVar(&s.options.Loopback.Manual, "manual", false, "log in with a browser on another machine: paste the address that it ends at")
	flags.BoolVar(&s.login, "login", false, "log in anew, for example as another user")
	flags.BoolVar(&s.logout, "logout", false, "log out, on your other machines too: revoke the access, and forget the login")
	flags.BoolVar(&s.emulator, "emulator", false, "run with an emulated Contentstack, without any configuration")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	s.options.NoLogin = s.login || s.logout
	s.options.Switch = s.login
	if s.options.Dir != "" {
		var err error
		if s.options.Dir, err = filepath.Abs(s.options.Dir); err != nil {
			return nil, err
		}
	}
	s.config = &csoauth.Config{
		AppUID:      getenv("CONTENTSTACK_APP_UID"),
		ClientID:    getenv("CONTENTSTACK_CLIENT_ID"),
		RedirectURI: cmp.Or(getenv("CONTENTSTACK_REDIRECT_URI"), "http://localhost:8184/callback"),
		// The other documented form, RouteHash, has its parameters behind #. A user who must log in
		// to Contentstack first loses them and ends at the dashboard.
		AuthorizeRoute: csoauth.RoutePath,
	}
	if s.emulator {
		return s, nil
	}
	if region := getenv("CONTENTSTACK_REGION"); region != "" {
		var err error
		if s.config.Region, err = csoauth.ParseRegion(region); err != nil {
			return nil, fmt.Errorf("CONTENTSTACK_REGION: %w", err)
		}
	}
	if err := s.config.Validate(); err != nil {
		return nil, fmt.Errorf("%w (for the environment variables, see examples/cli/settings.go)", err)
	}
	return s, nil
}
