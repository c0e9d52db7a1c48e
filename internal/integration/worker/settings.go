package main

import (
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/contentstack/csoauth"
)

// settings are what flags and environment say, the same for all workers:
//
//	CONTENTSTACK_APP_UID        Developer Hub, your app, Basic Information
//	CONTENTSTACK_CLIENT_ID      Developer Hub, your app, OAuth
//	CONTENTSTACK_CLIENT_SECRET  only without Allow PKCE
//	CONTENTSTACK_REDIRECT_URI   registered for the app, such as http://localhost:8184/callback
//	CONTENTSTACK_REGION         na, eu, …; na if it is not set
//	CONTENTSTACK_URL            instead of Contentstack's own hosts, such as what "csoauth emulate" prints
//	WORKER_KEY                  what seals the stored tokens, from "openssl rand -base64 32"; several, with commas between: the
//	                            first seals, all open
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
	}}
	flags := flag.NewFlagSet("worker", flag.ContinueOnError)
	flags.StringVar(&s.store, "store", "", "where the tokens are: `dir:PATH, redis:ADDR or postgres:URL`")
	flags.DurationVar(&s.pause, "pause", time.Minute, "`time` between two rounds")
	flags.BoolVar(&s.login, "login", false, "let a user log in, and print the user's key")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	s.users = flags.Args()
	if !s.login && len(s.users) == 0 {
		return nil, errors.New("no user to work for: give the keys that --login printed")
	}
	for n, word := range strings.Split(getenv("WORKER_KEY"), ",") {
		key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(word))
		if err != nil || len(key) != 32 {
			return nil, fmt.Errorf("WORKER_KEY: key %d is not 32 bytes in base64", n+1)
		}
		s.sealKeys = append(s.sealKeys, key)
	}
	if region := getenv("CONTENTSTACK_REGION"); region != "" {
		var err error
		if s.config.Region, err = csoauth.ParseRegion(region); err != nil {
			return nil, err
		}
	}
	if url := getenv("CONTENTSTACK_URL"); url != "" {
		s.config.Endpoints = map[csoauth.Region]csoauth.Endpoints{s.config.Region: csoauth.OneHost(url)}
	}
	return s, s.config.Validate()
}
