package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/clilogin"
)

func statusCommand() *cobra.Command {
	var f accountFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say who is logged in, and whether the login works",
		Long: `Say who is logged in and for which organization, and ask Contentstack whether the login works.

The exit code is 0 if it works, 4 if it is over or there is none, and 1 if that is not known, as without the network.
With --json the member "state" is valid, over or not known.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.status(cmd, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	f.register(cmd)
	return cmd
}

func (f *accountFlags) status(cmd *cobra.Command, asJSON bool) error {
	a, err := f.account(cmd.Context())
	if err != nil {
		return err
	}
	status, err := a.status(cmd)
	if err != nil {
		return err
	}
	if asJSON {
		err = printStatusJSON(cmd.OutOrStdout(), status)
	} else {
		err = printStatus(cmd.OutOrStdout(), status)
	}
	switch {
	case err != nil:
		return err
	case status.State == clilogin.StateValid:
		return nil
	case status.State == clilogin.StateOver:
		return &exitError{exitLoginRequired, status.Err}
	}
	return &exitError{exitFailed, fmt.Errorf("it is not known whether the login works: %w", withAdvice(status.Err))}
}

// status asks for the status of the profile's login. What is known here is in it also if nothing
// can be asked.
func (a *account) status(cmd *cobra.Command) (*clilogin.Status, error) {
	session, err := a.open(cmd.Context())
	if err == nil {
		status, err := session.Status(cmd.Context())
		if err := errors.Join(err, session.Close()); err != nil {
			return nil, err
		}
		return status, nil
	}
	known, profilesErr := a.known(cmd.Context())
	if profilesErr != nil {
		return nil, err
	}
	status := &clilogin.Status{State: clilogin.StateUnknown, Err: err, Profile: known}
	if errors.Is(err, csoauth.ErrLoginRequired) {
		status.State = clilogin.StateOver
	}
	return status, nil
}

// printStatus prints a status for people.
func printStatus(w io.Writer, s *clilogin.Status) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(table, "%s\t%s\n", name, value)
		}
	}
	row("Profile", s.Name)
	row("State", string(s.State))
	if s.LoggedIn {
		row("User", named(s.UserUID, s.UserName, s.Email))
		row("Organization", named(s.OrganizationUID, s.OrganizationName, ""))
		row("Region", s.Region.String()+", "+s.Server)
		row("Scopes", cmp.Or(strings.Join(s.Scopes, " "), "all that the app had"))
		row("Logged in", s.Made.Local().Format(time.DateTime)+" on "+s.Host)
		if !s.Expires.IsZero() && s.State == clilogin.StateValid {
			row("Token", "until "+s.Expires.Local().Format(time.DateTime)+", and refreshed before")
		}
	}
	where := s.Dir
	switch s.KeyPlace {
	case "keyring":
		where += ", its key in the keyring"
	case "file":
		where += ", its key in a file there"
	}
	row("Directory", where)
	return table.Flush()
}

// named joins what is known of a user or an organization.
func named(uid, name, email string) string {
	if email != "" {
		email = "(" + email + ")"
	}
	return strings.Join(strings.Fields(name+" "+email+" "+uid), " ")
}

// A statusJSON is what "csoauth status --json" prints.
type statusJSON struct {
	Version      int      `json:"version"`
	State        string   `json:"state,omitempty"`
	Profile      string   `json:"profile"`
	Error        string   `json:"error,omitempty"`
	User         *whoJSON `json:"user,omitempty"`
	Organization *whoJSON `json:"organization,omitempty"`
	Region       string   `json:"region,omitempty"`
	Server       string   `json:"server,omitempty"`
	Scopes       []string `json:"scopes,omitempty"` // none: all that the app had
	MadeAt       string   `json:"made_at,omitempty"`
	MadeOn       string   `json:"made_on,omitempty"`
	ExpiresAt    string   `json:"expires_at,omitempty"` // the access token, which is refreshed before
	ExpiresUnix  int64    `json:"expires_unix,omitempty"`
	Directory    string   `json:"directory"`
	Key          string   `json:"key,omitempty"` // keyring or file
}

type whoJSON struct {
	UID   string `json:"uid"`
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
}

func printStatusJSON(w io.Writer, s *clilogin.Status) error {
	out := profileJSON(&s.Profile)
	out.State, out.Error = string(s.State), oneLine(s.Err)
	if !s.Expires.IsZero() {
		out.ExpiresAt, out.ExpiresUnix = inUTC(s.Expires), s.Expires.Unix()
	}
	return printJSON(w, out)
}

func profileJSON(p *clilogin.Profile) statusJSON {
	out := statusJSON{Version: 1, Profile: p.Name, Directory: p.Dir, Error: oneLine(p.Err)}
	if !p.LoggedIn {
		return out
	}
	out.User = &whoJSON{p.UserUID, p.UserName, p.Email}
	out.Organization = &whoJSON{UID: p.OrganizationUID, Name: p.OrganizationName}
	out.Region, out.Server, out.Scopes = p.Region.String(), p.Server, p.Scopes
	out.MadeAt, out.MadeOn, out.Key = inUTC(p.Made), p.Host, p.KeyPlace
	return out
}

// inUTC formats a time for programs: in whole seconds, with Z.
func inUTC(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
