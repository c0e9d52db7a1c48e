package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/clilogin"
	"github.com/contentstack/csoauth/internal/turn"
	"github.com/contentstack/csoauth/loopback"
)

// accountFlags are those of every command that uses a login.
type accountFlags struct {
	profile string
	debug   bool
}

func (f *accountFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.profile, "profile", "", "`name` of the login, for several side by side (or CSOAUTH_PROFILE; default \"default\")")
	flags.BoolVar(&f.debug, "debug", false, "tell each request on standard error, without secrets")
	_ = cmd.RegisterFlagCompletionFunc("profile", func(cmd *cobra.Command, _ []string, _ string) (names []string, _ cobra.ShellCompDirective) {
		o, err := f.options()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		all, _ := clilogin.Profiles(cmd.Context(), o)
		for _, p := range all {
			names = append(names, p.Name)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
}

// options returns those of the profile that is meant.
func (f *accountFlags) options() (*clilogin.Options, error) {
	dir := os.Getenv("CSOAUTH_CONFIG_DIR")
	if dir == "" {
		base, err := turn.Base()
		if err != nil {
			return nil, fmt.Errorf("%w, or CSOAUTH_CONFIG_DIR", err)
		}
		dir = filepath.Join(base, "csoauth")
	}
	if !filepath.IsAbs(dir) {
		return nil, usage(fmt.Errorf("CSOAUTH_CONFIG_DIR: %q is relative: make it absolute", dir))
	}
	o := &clilogin.Options{
		Program: "csoauth", Profile: cmp.Or(f.profile, os.Getenv("CSOAUTH_PROFILE")), Dir: dir,
		NoLogin: true, LoginCommand: "csoauth login" + f.ofProfile(), Loopback: &loopback.Options{},
	}
	if f.debug {
		o.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return o, nil
}

// ofProfile is what a command has to be called with to be about this profile.
func (f *accountFlags) ofProfile() string {
	if f.profile == "" {
		return "" // CSOAUTH_PROFILE is there the next time, too
	}
	return " --profile " + f.profile
}

// An account is a profile with its settings.
type account struct {
	options  *clilogin.Options
	dir      string // the profile's
	settings settings
	config   *csoauth.Config // what they say; open makes it
}

// account reads the settings of the profile, changed by the environment.
func (f *accountFlags) account(ctx context.Context) (*account, error) {
	o, err := f.options()
	if err != nil {
		return nil, err
	}
	dir, err := profileDir(ctx, o)
	if err != nil {
		return nil, err
	}
	s, err := readSettings(dir)
	if err != nil {
		return nil, err
	}
	log.SetOutput(io.Discard) // net/http tells there what servers send unasked, which may be a token
	return &account{options: o, dir: dir, settings: s.withEnvironment(os.Getenv)}, nil
}

// profileDir returns the directory of a profile, whose name may be no name.
func profileDir(ctx context.Context, o *clilogin.Options) (string, error) {
	dir, err := o.ProfileDir(ctx)
	if err != nil {
		_, why, _ := strings.Cut(err.Error(), "Options.Profile: ")
		return "", usage(fmt.Errorf("--profile or CSOAUTH_PROFILE: %s", why))
	}
	return dir, nil
}

// tokenPatience is how long a token request may take.
const tokenPatience = 30 * time.Second

// newConfig returns the Config that the settings say.
func (a *account) newConfig(ctx context.Context) (*csoauth.Config, error) {
	s := a.settings
	c := &csoauth.Config{
		AppUID: s.AppUID, ClientID: s.ClientID, RedirectURI: s.RedirectURI, Scopes: s.Scopes,
		AuthorizeRoute: csoauth.RoutePath, // the other form loses users who are not logged in yet
	}
	var err error
	if s.Region != "" {
		if c.Region, err = csoauth.ParseRegion(s.Region); err != nil {
			return nil, usage(err)
		}
	}
	if s.ClientSecretFile != "" {
		if c.ClientSecret, err = readAside(ctx, func() (string, error) { return readSecretFile(s.ClientSecretFile) }); err != nil {
			return nil, fmt.Errorf("the client secret: %w", err)
		}
	}
	if s.Server != "" {
		if u, err := url.Parse(s.Server); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, usage(fmt.Errorf("--server %q: want a URL such as http://127.0.0.1:8484", s.Server))
		}
		c.Endpoints = map[csoauth.Region]csoauth.Endpoints{c.Region: csoauth.OneHost(strings.TrimRight(s.Server, "/"))}
	}
	transport := &watchingTransport{ctx, csoauth.DefaultTransport()}
	if a.options.Logger != nil {
		transport.next = &debugTransport{a.options.Logger, transport.next}
	}
	c.HTTPClient = &http.Client{Transport: transport, Timeout: tokenPatience}
	if err := c.Validate(); err != nil {
		return nil, usage(err)
	}
	return c, nil
}

// open returns the session of the profile. Its methods say so if there is no login.
func (a *account) open(ctx context.Context) (*clilogin.Session, error) {
	if names := a.settings.missing(); names != "" {
		known, err := a.known(ctx)
		switch {
		case err != nil:
			return nil, err
		case known.LoggedIn || known.Err != nil:
			return nil, fmt.Errorf("the profile has a login, and its settings have no %s: name the app again with %s", names, a.options.LoginCommand)
		}
		return nil, fmt.Errorf("%w: nobody is logged in to csoauth (profile %q): run %q with %s", csoauth.ErrLoginRequired, known.Name, a.options.LoginCommand, names)
	}
	var err error
	if a.config, err = a.newConfig(ctx); err != nil {
		return nil, err
	}
	a.options.Loopback.AuthOptions = &csoauth.AuthOptions{OrganizationUID: a.settings.Organization}
	return clilogin.Open(ctx, a.config, a.options)
}

// known returns what the profile's directory says, without a Config.
func (a *account) known(ctx context.Context) (clilogin.Profile, error) {
	all, err := clilogin.Profiles(ctx, a.options)
	if err != nil {
		return clilogin.Profile{}, err
	}
	for _, p := range all {
		if p.Dir == a.dir {
			return p, nil
		}
	}
	return clilogin.Profile{Name: filepath.Base(a.dir), Dir: a.dir}, nil
}

// with opens the session of the profile, for do, and closes it. What is printed should be printed
// afterwards: Close may say that the login is lost.
func (f *accountFlags) with(ctx context.Context, do func(*account, *clilogin.Session) error) error {
	a, err := f.account(ctx)
	if err != nil {
		return err
	}
	session, err := a.open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(do(a, session), session.Close())
}

// A debugTransport tells of each request. What is secret is in headers, bodies and queries, and is
// not told.
type debugTransport struct {
	log  *slog.Logger
	next http.RoundTripper
}

func (t *debugTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	began := time.Now()
	resp, err := t.next.RoundTrip(req)
	attrs := []any{
		"method", req.Method, "url", req.URL.Scheme + "://" + req.URL.Host + cmp.Or(req.URL.Opaque, req.URL.EscapedPath()),
		"took", time.Since(began).Round(time.Millisecond),
	}
	if err != nil {
		t.log.Debug("request failed", append(attrs, "err", fmt.Sprintf("%T", err))...) // its text may repeat what a server says
		return nil, err
	}
	t.log.Debug("request", append(attrs, "status", resp.StatusCode)...)
	return resp, nil
}
