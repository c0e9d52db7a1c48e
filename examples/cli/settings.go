package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/loopback"
)

// settings are what flags and environment say:
//
//	CONTENTSTACK_APP_UID       Developer Hub, your app, Basic Information
//	CONTENTSTACK_CLIENT_ID     Developer Hub, your app, OAuth
//	CONTENTSTACK_REDIRECT_URI  registered for the app; http://localhost:8184/callback if it is not set
//	CONTENTSTACK_REGION        na, eu, …; na if it is not set
//
// There is no client secret: whoever has the program would have it. Allow PKCE must be on.
type settings struct {
	config *csoauth.Config
	login  loopback.Options

	dir              string
	logout, emulator bool
}

func readSettings(args []string, getenv func(string) string) (*settings, error) {
	s := &settings{}
	dir, dirErr := defaultDir()
	flags := flag.NewFlagSet("cli", flag.ContinueOnError)
	flags.StringVar(&s.dir, "dir", dir, "`directory` of the token")
	flags.BoolVar(&s.login.Manual, "manual", false, "log in where no browser is: paste the address that it ends at")
	flags.BoolVar(&s.logout, "logout", false, "forget the login")
	flags.BoolVar(&s.emulator, "emulator", false, "emulate Contentstack; needs no configuration")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	s.config = &csoauth.Config{
		AppUID:         getenv("CONTENTSTACK_APP_UID"),
		ClientID:       getenv("CONTENTSTACK_CLIENT_ID"),
		RedirectURI:    cmp.Or(getenv("CONTENTSTACK_REDIRECT_URI"), "http://localhost:8184/callback"),
		AuthorizeRoute: csoauth.RoutePath, // the other form is lost if the user has to log in on the way
	}
	if s.emulator {
		return s, nil
	}
	if s.dir == "" {
		return nil, errors.Join(errors.New("nowhere to keep the token: name a -dir"), dirErr)
	}
	if region := getenv("CONTENTSTACK_REGION"); region != "" {
		var err error
		if s.config.Region, err = csoauth.ParseRegion(region); err != nil {
			return nil, err
		}
	}
	return s, s.config.Validate()
}

// defaultDir is the user's own, and stays on this machine: a refresh token may work only once, so two cannot share it.
func defaultDir() (string, error) {
	find := os.UserConfigDir
	if runtime.GOOS == "windows" {
		find = os.UserCacheDir // %LocalAppData%; the other may follow the user to other machines
	}
	dir, err := find()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "csoauth-cli"), nil
}
