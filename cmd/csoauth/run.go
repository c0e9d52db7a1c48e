package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
)

// Exit codes of "csoauth run" itself, as those of env and nohup.
const (
	exitOwn       = 125
	exitCannotRun = 126
	exitNotFound  = 127
)

func runCommand() *cobra.Command {
	var f accountFlags
	var also []string
	cmd := &cobra.Command{
		Use:   "run [--env NAME=WHAT …] -- COMMAND …",
		Short: "Run a command with the access token in its environment",
		Long: `Run a command with these variables:

  CSOAUTH_ACCESS_TOKEN      the access token, good for at least 5 minutes where tokens live that long
  CSOAUTH_ORGANIZATION_UID  the organization that it is for
  CSOAUTH_BASE_URL          the base URL of the Content Management API in the token's region
  CSOAUTH_EXPIRES_AT        when the token ends, in UTC

--env gives the command one of these under another name: token, organization or base_url. What there is nothing for is
removed from the environment. CONTENTSTACK_ACCESS_TOKEN is not set unless you say so: public tools take it for a
delivery token, and put it into what they build.

The exit code is that of the command. Without a login it is 4; it is 125 if csoauth fails itself, 126 if the command
cannot be run, and 127 if it is not found.`,
		Example: `  csoauth run -- terraform apply
  csoauth run --env CS_TOKEN=token --env CS_ORG=organization -- ./import.py`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return hint(cmd, errors.New("run wants a command behind --"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), also, args) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.SetInterspersed(false) // the command's own flags are its own
	flags.StringArrayVar(&also, "env", nil, "`NAME=WHAT`: another variable with token, organization or base_url; may be repeated")
	f.register(cmd)
	return cmd
}

func (f *accountFlags) run(ctx context.Context, also, args []string) error {
	names, err := parseEnv(also)
	if err != nil {
		return usage(err)
	}
	path, err := exec.LookPath(args[0])
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return &exitError{exitNotFound, fmt.Errorf("run: %w", err)}
	case err != nil:
		return &exitError{exitCannotRun, fmt.Errorf("run: %w", err)}
	}
	token, config, err := f.fresh(ctx, minValidDefault, "")
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return ownFailure(err)
	}
	values, err := valuesFor(config, token)
	if err != nil {
		return ownFailure(err)
	}
	return replaceProcess(path, args, environment(os.Environ(), values, names))
}

// ownFailure makes an error of ours one that is not taken for the command's.
func ownFailure(err error) error {
	if exit, ok := errors.AsType[*exitError](err); ok && exit.code == exitUsage || errors.Is(err, csoauth.ErrLoginRequired) {
		return err
	}
	return &exitError{exitOwn, err}
}

// Words for what a variable has.
const (
	wordToken        = "token"
	wordOrganization = "organization"
	wordBaseURL      = "base_url"
	wordExpiresAt    = "expires_at"
)

// ownVariables are always set, or removed.
var ownVariables = map[string]string{
	"CSOAUTH_ACCESS_TOKEN":     wordToken,
	"CSOAUTH_ORGANIZATION_UID": wordOrganization,
	"CSOAUTH_BASE_URL":         wordBaseURL,
	"CSOAUTH_EXPIRES_AT":       wordExpiresAt,
}

// isVariable reports whether a shell can have a variable of that name.
func isVariable(name string) bool {
	return name != "" && strings.Trim(name[:1], "0123456789") != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// parseEnv reads NAME=WHAT.
func parseEnv(also []string) (map[string]string, error) {
	names := map[string]string{}
	for _, pair := range also {
		name, what, _ := strings.Cut(pair, "=")
		if !isVariable(name) || !slices.Contains([]string{wordToken, wordOrganization, wordBaseURL}, what) {
			return nil, fmt.Errorf("--env %.60q: want NAME=token, NAME=organization or NAME=base_url", pair)
		}
		names[name] = what
	}
	return names, nil
}

// valuesFor returns what the words stand for; empty: nothing.
func valuesFor(c *csoauth.Config, t *csoauth.Token) (map[string]string, error) {
	urls, err := baseURLs(c, t)
	if err != nil {
		return nil, err
	}
	values := map[string]string{wordToken: t.AccessToken, wordOrganization: t.OrganizationUID, wordBaseURL: urls[csapi.ContentManagement]}
	if !t.Expiry.IsZero() {
		values[wordExpiresAt] = inUTC(t.Expiry)
	}
	return values, nil
}

// environment returns an environment in which our variables have these values, and names besides.
// One without a value is removed, so that no old organization stands beside a new token.
func environment(before []string, values, names map[string]string) []string {
	same := func(a, b string) bool { return a == b || runtime.GOOS == "windows" && strings.EqualFold(a, b) }
	var all []string
	set := func(name, what string) {
		all = slices.DeleteFunc(all, func(entry string) bool {
			key, _, _ := strings.Cut(entry, "=")
			return same(key, name)
		})
		if values[what] != "" {
			all = append(all, name+"="+values[what])
		}
	}
	all = slices.Clone(before)
	for name, what := range ownVariables {
		set(name, what)
	}
	for name, what := range names {
		set(name, what)
	}
	return all
}
