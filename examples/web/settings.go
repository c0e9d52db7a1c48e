package main

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"strings"

	"github.com/contentstack/csoauth"
)

// callbackPath is where users come back to: the path of the redirect URI.
const callbackPath = "/callback"

// settings are what flags and environment say:
//
//	CONTENTSTACK_APP_UID        Developer Hub, your app, Basic Information
//	CONTENTSTACK_CLIENT_ID      Developer Hub, your app, OAuth
//	CONTENTSTACK_CLIENT_SECRET  only without Allow PKCE
//	CONTENTSTACK_REDIRECT_URI   registered for the app, with the path /callback, such as http://localhost:8184/callback
//	CONTENTSTACK_REGION         na, eu, …; na if it is not set
//	WEB_KEY                     what seals cookies and stored tokens; several, with commas between: the first seals, all open
type settings struct {
	config   *csoauth.Config
	sealKeys [][]byte

	listen   string
	dir      string
	route    csoauth.AuthorizeRoute
	emulator bool
}

func readSettings(args []string, getenv func(string) string) (*settings, error) {
	s := &settings{}
	flags := flag.NewFlagSet("web", flag.ContinueOnError)
	flags.StringVar(&s.listen, "listen", "localhost:8184", "`address` to listen at")
	flags.StringVar(&s.dir, "dir", "web-tokens", "`directory` of the tokens")
	pathRoute := flags.Bool("path-route", false, "send users to Contentstack at an address without #, which survives a log-in on the way")
	flags.BoolVar(&s.emulator, "emulator", false, "emulate Contentstack and its users; needs no configuration")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	if *pathRoute {
		s.route = csoauth.RoutePath
	}
	if s.emulator {
		return s, nil
	}
	var err error
	if s.sealKeys, err = readKeys(getenv("WEB_KEY")); err != nil {
		return nil, fmt.Errorf("WEB_KEY: %w", err)
	}
	s.config = &csoauth.Config{
		AppUID:       getenv("CONTENTSTACK_APP_UID"),
		ClientID:     getenv("CONTENTSTACK_CLIENT_ID"),
		ClientSecret: getenv("CONTENTSTACK_CLIENT_SECRET"),
		RedirectURI:  getenv("CONTENTSTACK_REDIRECT_URI"),

		AuthorizeRoute: s.route,
	}
	if at, err := url.Parse(s.config.RedirectURI); err != nil || at.Path != callbackPath {
		return nil, errors.New("CONTENTSTACK_REDIRECT_URI: its path is not " + callbackPath)
	}
	if region := getenv("CONTENTSTACK_REGION"); region != "" {
		if s.config.Region, err = csoauth.ParseRegion(region); err != nil {
			return nil, err
		}
	}
	return s, s.config.Validate()
}

// readKeys reads keys of 32 bytes, each in base64 or hex, with commas between. Its errors do not repeat them.
func readKeys(text string) (keys [][]byte, err error) {
	if strings.TrimSpace(text) == "" {
		return nil, errors.New(`is empty: make one with "openssl rand -base64 32", and keep it elsewhere than the tokens`)
	}
	for n, word := range strings.Split(text, ",") {
		word = strings.TrimSpace(word)
		key, err := hex.DecodeString(word) // 32 bytes of base64 have 44 characters, and of hex 64
		if err != nil {
			key, err = base64.StdEncoding.DecodeString(word)
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("key %d is neither base64 nor hex", n+1)
		case len(key) != 32:
			return nil, fmt.Errorf("key %d has %d bytes, and needs 32", n+1, len(key))
		}
		keys = append(keys, key)
	}
	return keys, nil
}
