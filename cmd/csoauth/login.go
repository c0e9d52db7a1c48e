package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/clilogin"
	"github.com/contentstack/csoauth/loopback"
)

func loginCommand() *cobra.Command {
	var f accountFlags
	var noBrowser, another bool
	cmd := &cobra.Command{
		Use:   "login",
		Short: "Log in, in the browser",
		Long: `Log in to Contentstack, in the browser. Later commands go on with this login, and refresh its token, until it ends.

The first login needs an app: its UID, its client ID and a redirect URI that is registered for it, on localhost. The
profile keeps them, so that the next login is "csoauth login". A flag counts before a variable of the environment
(CSOAUTH_APP_UID, CSOAUTH_CLIENT_ID, CSOAUTH_REDIRECT_URI, CSOAUTH_REGION, CSOAUTH_CLIENT_SECRET_FILE, CSOAUTH_SERVER),
and that before the profile. A flag with an empty value takes the setting away.

The token is kept in a directory of yours, sealed with a key in the system's keyring. Without a keyring the key is in a
file that only you can read, and the login says so. CSOAUTH_CONFIG_DIR is another directory, for all profiles.

$BROWSER names the browser to open, if it is not the system's.

If the browser logs in another user, or for another organization, than the last time, the old login stays: --switch
accepts the new one.`,
		Example: `  csoauth login --app-uid 64e0f1a2b3c4d5e6f7a8b9c0 --client-id AbCdEf123 --redirect-uri http://localhost:8184/callback
  csoauth login
  csoauth login --profile work --region eu --scope user:read --scope cm.stacks.management:read
  csoauth login --no-browser   # prints the address to open, also on another machine`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.login(cmd, noBrowser, another) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	registerSettings(cmd)
	flags.BoolVar(&another, "switch", false, "accept another user or organization than the last time")
	flags.BoolVar(&noBrowser, "no-browser", false, "print the address, and open no browser")
	f.register(cmd)
	return cmd
}

func (f *accountFlags) login(cmd *cobra.Command, noBrowser, another bool) error {
	a, err := f.account(cmd.Context())
	if err != nil {
		return err
	}
	if a.settings, err = a.settings.withFlags(cmd); err != nil {
		return err
	}
	if names := a.settings.missing(); names != "" {
		return hint(cmd, fmt.Errorf("the first login of the profile %q needs %s (Developer Hub, at your app)", filepath.Base(a.dir), names))
	}
	if file := a.settings.ClientSecretFile; file != "" {
		if a.settings.ClientSecretFile, err = filepath.Abs(file); err != nil {
			return err
		}
	}
	a.options.Switch = another
	if noBrowser {
		a.options.Loopback.OpenBrowser = func(context.Context, string) error { return nil }
	}
	session, err := a.open(cmd.Context())
	if err != nil {
		return err
	}
	err = a.login(cmd.Context(), session)
	if what := f.afterLogin(err); what != "" {
		err = fmt.Errorf("%w: %s", err, what)
	}
	return errors.Join(withAdvice(err), session.Close())
}

// login logs in and keeps the settings. Those of a login that is there are kept only with the new
// one, because they go with it.
func (a *account) login(ctx context.Context, session *clilogin.Session) error {
	keep := a.settings.checkWritable
	if !session.Profile(ctx).LoggedIn {
		keep = a.settings.write
	}
	if err := keep(a.dir); err != nil {
		return err
	}
	if err := session.Login(ctx, nil); err != nil {
		return err
	}
	return a.settings.write(a.dir)
}

// afterLogin says what to do after a login that failed, if the error does not.
func (f *accountFlags) afterLogin(err error) string {
	again := "csoauth login" + f.ofProfile()
	switch {
	case errors.Is(err, clilogin.ErrAnotherUser):
		return again + " --switch"
	case errors.Is(err, csoauth.ErrDenied):
		return fmt.Sprintf("to allow it, run %q again", again)
	case errors.Is(err, loopback.ErrTimeout):
		return fmt.Sprintf("if the page showed an error, check the client ID, the redirect URI and the scopes; then run %q again", again)
	}
	return ""
}
