package main

import (
	"cmp"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/contentstack/csoauth/clilogin"
)

func profilesCommand() *cobra.Command {
	var f accountFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "profiles",
		Short: "List the logins side by side",
		Long: `List the profiles, and whose logins they have. It asks neither Contentstack nor the keyring: "csoauth status --profile"
says whether a login works.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.profiles(cmd, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	return cmd
}

func (f *accountFlags) profiles(cmd *cobra.Command, asJSON bool) error {
	o, err := f.options()
	if err != nil {
		return err
	}
	o.Profile = "" // whatever CSOAUTH_PROFILE is
	all, err := clilogin.Profiles(cmd.Context(), o)
	if err != nil {
		return err
	}
	if asJSON {
		list := []statusJSON{}
		for _, p := range all {
			list = append(list, profileJSON(&p))
		}
		return printJSON(cmd.OutOrStdout(), list)
	}
	if len(all) == 0 {
		return tell(cmd, "There are no profiles in %s yet: csoauth login makes one.", o.Dir)
	}
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PROFILE\tUSER\tORGANIZATION\tREGION\tLOGGED IN")
	for _, p := range all {
		switch {
		case p.Err != nil:
			fmt.Fprintf(table, "%s\t(not known)\t\t\t%s\n", p.Name, oneLine(p.Err))
		case !p.LoggedIn:
			fmt.Fprintf(table, "%s\t(nobody)\t\t\t\n", p.Name)
		default:
			fmt.Fprintf(table, "%s\t%s\t%s\t%v\t%s\n", p.Name, cmp.Or(p.Email, p.UserName, p.UserUID, "(unknown)"),
				cmp.Or(p.OrganizationName, p.OrganizationUID), p.Region, p.Made.Local().Format(time.DateTime))
		}
	}
	return table.Flush()
}
