package main

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/contentstack/csoauth"
)

// settings come from the flags and from these environment variables, the same for all workers:
//
//	CONTENTSTACK_APP_UID        Developer Hub, your app, Basic Information
//	CONTENTSTACK_CLIENT_ID      Developer Hub, your app, OAuth
//	CONTENTSTACK_CLIENT_SECRET  only if Allow PKCE is off for the app
//	CONTENTSTACK_REDIRECT_URI   exactly as registered for the app,
//	                            for example http://localhost:8184/callback
//	CONTENTSTACK_REGION         na, eu, …; the default is na
//	CONTENTSTACK_URL            replaces Contentstack's own hosts, for example with the address
//	                            that "csoauth emulate" prints
//	WORKER_KEY                  encrypts the stored tokens: 32 bytes in hex, from
//	                            "openssl rand -hex 32". To change it, first add the new key after
//	                            a comma in all workers, then move it to the front: the first key
//	                            encrypts, and every key decrypts.
type settings struct {
	config   *csoauth.Config
	sealKeys [][]byte
	store    string
	users    []string
	pause    time.Duration
	login    bool
}

func readSettings(args []string, getenv func(string) string) (*settings, error) {
	s := &settings{config: &csoauth.Config{
		AppUID:       getenv("CONTENTSTACK_APP_UID"),
		ClientID:     getenv("CONTENTSTACK_CLIENT_ID"),
		ClientSecret: getenv("CONTENTSTACK_CLIENT_SECRET"),
		RedirectURI:  getenv("CONTENTSTACK_REDIRECT_URI"),
		// The other documented form, RouteHash, has its parameters behind #. A user who must log in
		// to Contentstack first loses them and ends at the dashboard.
		AuthorizeRoute: csoauth.RoutePath,
	}}
	flags := flag.NewFlagSet("worker", flag.ContinueOnError)
	flags.StringVar(&s.store, "store", "", "where the tokens are: `dir:PATH, redis:ADDR or postgres:URL`")
	flags.DurationVar(&s.pause, "pause", time.Minute, "`time` between two rounds")
	flags.BoolVar(&s.login, "login", false, "log a user in, and print the user's key")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	s.users = flags.Args()
	if !s.login && len(s.users) == 0 {
		return nil, errors.New("no user to work for: give the keys that --login printed")
	}
	var err error
	if s.sealKeys, err = readKeys("WORKER_KEY", getenv("WORKER_KEY")); err != nil {
		return nil, err
	}
	if region := getenv("CONTENTSTACK_REGION"); region != "" {
		if s.config.Region, err = csoauth.ParseRegion(region); err != nil {
			return nil, fmt.Errorf("CONTENTSTACK_REGION: %w", err)
		}
	}
	if url := getenv("CONTENTSTACK_URL"); url != "" {
		s.config.Endpoints = map[csoauth.Region]csoauth.Endpoints{s.config.Region: csoauth.OneHost(url)}
	}
	return s, s.config.Validate()
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
