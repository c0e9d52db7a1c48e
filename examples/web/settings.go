package main

import (
	"encoding/hex"
	"flag"
	"fmt"
	"net/url"
	"strings"

	"github.com/contentstack/csoauth"
)

// callbackPath is the path of the redirect URI, where users return after the login.
const callbackPath = "/callback"

// settings come from the flags and from these environment variables:
//
//	CONTENTSTACK_APP_UID        Developer Hub, your app, Basic Information
//	CONTENTSTACK_CLIENT_ID      Developer Hub, your app, OAuth
//	CONTENTSTACK_CLIENT_SECRET  only if Allow PKCE is off for the app
//	CONTENTSTACK_REDIRECT_URI   exactly as registered for the app; its path must be /callback,
//	                            for example http://localhost:8184/callback
//	CONTENTSTACK_REGION         na, eu, …; the default is na
//	WEB_KEY                     encrypts the cookies and the stored tokens: 32 bytes in hex, from
//	                            "openssl rand -hex 32". To change it, put the new key first and
//	                            keep the old one after a comma: the first key encrypts, and every
//	                            key decrypts.
type settings struct {
	config   *csoauth.Config
	sealKeys [][]byte

	listen   string
	dir      string
	emulator bool
}

func readSettings(args []string, getenv func(string) string) (*settings, error) {
	s := &settings{}
	flags := flag.NewFlagSet("web", flag.ContinueOnError)
	flags.StringVar(&s.listen, "listen", "localhost:8184", "`address` to listen on")
	flags.StringVar(&s.dir, "dir", "web-tokens", "`directory` to store the tokens in")
	flags.BoolVar(&s.emulator, "emulator", false, "run with an emulated Contentstack, without any configuration")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	if s.emulator {
		return s, nil
	}
	var err error
	if s.sealKeys, err = readKeys("WEB_KEY", getenv("WEB_KEY")); err != nil {
		return nil, err
	}
	s.config = &csoauth.Config{
		AppUID:       getenv("CONTENTSTACK_APP_UID"),
		ClientID:     getenv("CONTENTSTACK_CLIENT_ID"),
		ClientSecret: getenv("CONTENTSTACK_CLIENT_SECRET"),
		RedirectURI:  getenv("CONTENTSTACK_REDIRECT_URI"),
		// The other documented form, RouteHash, has its parameters behind #. A user who must log in
		// to Contentstack first loses them and ends at the dashboard.
		AuthorizeRoute: csoauth.RoutePath,
	}
	if u, err := url.Parse(s.config.RedirectURI); err != nil || u.Path != callbackPath {
		return nil, fmt.Errorf("CONTENTSTACK_REDIRECT_URI is %q: its path must be %s", s.config.RedirectURI, callbackPath)
	}
	if region := getenv("CONTENTSTACK_REGION"); region != "" {
		if s.config.Region, err = csoauth.ParseRegion(region); err != nil {
			return nil, fmt.Errorf("CONTENTSTACK_REGION: %w", err)
		}
	}
	if err := s.config.Validate(); err != nil {
		return nil, fmt.Errorf("%w (for the environment variables, see examples/web/settings.go)", err)
	}
	return s, nil
}

// readKeys reads the keys in an environment variable: each has 32 bytes in hex, with commas between
// them. Its errors contain no part of a key.
func readKeys(variable, text string) (keys [][]byte, err error) {
	const advice = `make a key with "openssl rand -hex 32"`
	if strings.TrimSpace(text) == "" {
		return nil, fmt.Errorf("%s is not set: %s", variable, advice)
	}
	for n, word := range strings.Split(text, ",") {
		key, err := hex.DecodeString(strings.TrimSpace(word))
		switch {
		case err != nil: // not wrapped, because err shows a character of the key
			return nil, fmt.Errorf("%s: key %d is not hex: %s", variable, n+1, advice)
		case len(key) != 32:
			return nil, fmt.Errorf("%s: key %d has %d bytes and needs 32: %s", variable, n+1, len(key), advice)
		}
		keys = append(keys, key)
	}
	return keys, nil
}
