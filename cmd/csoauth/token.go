package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/contentstack/csoauth"
)

func tokenCommand() *cobra.Command {
	var f accountFlags
	var asJSON bool
	var minValid time.Duration
	var rejected string
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Print the access token, refreshed if that is due",
		Long: `Print the access token alone, for "Authorization: Bearer …". It is refreshed first if it is due, and asks nobody: without a
login the exit code is 4.

A program that has got a 401 with a token gives it back by "csoauth token --rejected -", on standard input, and gets
another one. Ten programs with the same token get the same other one. If there is none to be had the exit code is 1.

With --json it prints an object for credential helpers: version, token, expires_at (UTC) and expires_unix, organization,
region, and base_urls, which has the base URL of each service in this region.`,
		Example: `  curl -H "Authorization: Bearer $(csoauth token)" https://api.contentstack.io/v3/user
  csoauth token --json | jq -r .base_urls.content_management`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("rejected") && rejected != "-" {
				return hint(cmd, errors.New("--rejected takes - alone, for standard input: a token on a command line is in everyone's list of processes"))
			}
			return f.token(cmd, asJSON, minValid, rejected != "")
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&asJSON, "json", false, "print a JSON object")
	flags.DurationVar(&minValid, "min-valid", minValidDefault, "refresh the token if it is good for less `time`; at most half of its life")
	flags.StringVar(&rejected, "rejected", "", "read from `-`, standard input, a token that an API has rejected")
	f.register(cmd)
	return cmd
}

// minValidDefault is how long a token is good for that a command hands out; less if its life is
// short.
const minValidDefault = 5 * time.Minute

func (f *accountFlags) token(cmd *cobra.Command, asJSON bool, minValid time.Duration, rejected bool) error {
	if minValid < 0 {
		return hint(cmd, fmt.Errorf("--min-valid: %v is negative", minValid))
	}
	dead := ""
	if rejected {
		var err error
		if dead, err = fromStdin(cmd, func() (string, error) { return readSecret(os.Stdin) }); err != nil {
			return fmt.Errorf("--rejected: standard input %w", err)
		}
	}
	token, config, err := f.fresh(cmd.Context(), minValid, dead)
	if err != nil {
		return err
	}
	if !asJSON {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), token.AccessToken)
		return err
	}
	out, err := tokenJSON(config, token)
	if err != nil {
		return err
	}
	return printJSON(cmd.OutOrStdout(), out)
}

// fresh returns the profile's token, and another one than dead. All is stored and closed then.
func (f *accountFlags) fresh(ctx context.Context, minValid time.Duration, dead string) (token *csoauth.Token, config *csoauth.Config, err error) {
	a, err := f.account(ctx)
	if err != nil {
		return nil, nil, err
	}
	a.options.MinValid = cmp.Or(minValid, time.Nanosecond)
	session, err := a.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	if dead != "" {
		err = session.Invalidate(ctx, dead)
	}
	if err == nil {
		token, err = session.Token(ctx)
	}
	return token, a.config, errors.Join(err, session.Close())
}

// A tokenOut is what "csoauth token --json" prints.
type tokenOut struct {
	Version      int               `json:"version"`
	Token        string            `json:"token"`
	ExpiresAt    string            `json:"expires_at,omitempty"`
	ExpiresUnix  int64             `json:"expires_unix,omitempty"`
	Organization string            `json:"organization"`
	Region       string            `json:"region"`
	BaseURLs     map[string]string `json:"base_urls"`
}

func tokenJSON(c *csoauth.Config, t *csoauth.Token) (*tokenOut, error) {
	urls, err := baseURLs(c, t)
	if err != nil {
		return nil, err
	}
	region := c.Region
	if r, err := csoauth.ParseRegion(t.Location); err == nil {
		region = r
	}
	out := &tokenOut{Version: 1, Token: t.AccessToken, Organization: t.OrganizationUID, Region: region.String(), BaseURLs: map[string]string{}}
	for service, url := range urls {
		out.BaseURLs[strings.ReplaceAll(serviceName(service), "-", "_")] = url
	}
	if !t.Expiry.IsZero() {
		out.ExpiresAt, out.ExpiresUnix = inUTC(t.Expiry), t.Expiry.Unix()
	}
	return out, nil
}
