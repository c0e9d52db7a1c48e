package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/contentstack/csoauth/clilogin"
	"github.com/contentstack/csoauth/internal/turn"
)

func logoutCommand() *cobra.Command {
	var f accountFlags
	var forgetOnly, yes bool
	cmd := &cobra.Command{
		Use:   "logout",
		Short: "End the login",
		Long: `End the login at Contentstack, and remove it here. It ends what you have allowed the app in this organization, so your
logins on other machines end too, and those of other profiles of the same user, app and organization. These are named
first, and at a terminal you are asked.

If Contentstack cannot be told, the login stays and the exit code is 1. --forget-only removes it here, and needs
neither Contentstack nor the keyring.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if forgetOnly {
				return f.forget(cmd)
			}
			return f.logout(cmd, yes)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&forgetOnly, "forget-only", false, "remove the login here, and leave it alone at Contentstack and in other profiles")
	flags.BoolVar(&yes, "yes", false, "do not ask")
	f.register(cmd)
	return cmd
}

func (f *accountFlags) forget(cmd *cobra.Command) error {
	o, err := f.options()
	if err != nil {
		return err
	}
	known, err := knownOf(cmd.Context(), o)
	if err != nil {
		return err
	}
	if err := clilogin.Forget(cmd.Context(), o); err != nil {
		return err
	}
	if !known.LoggedIn && known.Err == nil {
		return tell(cmd, nobody, known.Name)
	}
	return tell(cmd, "The login is removed here. At Contentstack the app stays allowed.")
}

const nobody = "Nobody is logged in (profile %q)."

// knownOf returns what the directory of a profile says of its login.
func knownOf(ctx context.Context, o *clilogin.Options) (clilogin.Profile, error) {
	dir, err := profileDir(ctx, o)
	if err != nil {
		return clilogin.Profile{}, err
	}
	return (&account{options: o, dir: dir}).known(ctx)
}

func (f *accountFlags) logout(cmd *cobra.Command, yes bool) error {
	o, err := f.options()
	if err != nil {
		return err
	}
	known, err := knownOf(cmd.Context(), o)
	if err != nil {
		return err
	}
	if !known.LoggedIn && known.Err == nil {
		return tell(cmd, nobody, known.Name)
	}
	err = f.with(cmd.Context(), func(_ *account, session *clilogin.Session) error {
		siblings, err := session.Siblings(cmd.Context())
		if err != nil {
			return err
		}
		if len(siblings) > 0 {
			if err := f.agree(cmd, siblings, yes); err != nil {
				return err
			}
		}
		return session.Logout(cmd.Context())
	})
	switch {
	case errors.Is(err, errNotAgreed) || cmd.Context().Err() != nil:
		return err
	case err != nil: // also if a login is required: what is here is still here
		return &exitError{exitFailed, fmt.Errorf("%w; csoauth logout --forget-only%s removes only what is here", err, f.ofProfile())}
	}
	return tell(cmd, "Logged out.")
}

var errNotAgreed = errors.New("nothing was done")

// agree names the profiles that a logout ends as well, and asks for it if someone is there.
func (f *accountFlags) agree(cmd *cobra.Command, siblings []clilogin.Profile, yes bool) error {
	names := make([]string, len(siblings))
	for i, p := range siblings {
		names[i] = p.Name
	}
	if err := tell(cmd, "This also ends the login of %s, of the same user, app and organization. (--forget-only ends none at Contentstack.)", strings.Join(names, ", ")); err != nil {
		return err
	}
	if yes || !turn.IsForeground(os.Stdin) {
		return nil
	}
	answer, err := ask(cmd.Context(), cmd.ErrOrStderr(), "Log out? [y/N] ")
	if err != nil {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errNotAgreed
}
