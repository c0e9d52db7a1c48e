package main

import (
	"fmt"
	"io"
	"net"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/contentstack/csoauth/internal/emulator"
)

func emulateCommand() *cobra.Command {
	var addr string
	var redirectURIs []string
	var public bool
	cmd := &cobra.Command{
		Use:   "emulate",
		Short: "Serve an emulated Contentstack to programs in any language",
		Long: `Serve an emulated Contentstack to programs in any language, until Ctrl-C or SIGTERM.

It has one app and two users. Point your program's authorize URL and token URL at the ones it prints, and use the
app's identifiers. It is stricter than Contentstack is documented to be: a code lives 60 seconds and works once, a
redirect URI must match to the byte, and a refresh token works once; its second use ends the login. Its state is in
memory.`,
		Example: "  csoauth emulate --addr 127.0.0.1:8484 --redirect-uri http://localhost:3000/oauth/callback",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkAddr(addr, public); err != nil {
				return err
			}
			app := emulator.DefaultApp()
			app.RedirectURIs = append(app.RedirectURIs, redirectURIs...)
			e, err := emulator.New(emulator.Options{Apps: []emulator.App{app}})
			if err != nil {
				return err
			}
			listener, err := new(net.ListenConfig).Listen(cmd.Context(), "tcp", addr)
			if err != nil {
				return fmt.Errorf("emulate: %w", err)
			}
			describe(cmd.OutOrStdout(), "http://"+listener.Addr().String(), e)
			return serve(cmd.Context(), listener, e)
		},
	}
	cmd.Flags().StringVar(&addr, "addr", "127.0.0.1:8484", "loopback `address` to listen on; port 0 takes a free one")
	cmd.Flags().StringArrayVar(&redirectURIs, "redirect-uri", nil, "a further redirect `URI` of the app; may be repeated")
	cmd.Flags().BoolVar(&public, "insecure-public", false, "allow an address that other machines can reach: anybody there can log in as anybody")
	return cmd
}

// checkAddr refuses an address that other machines can reach, unless that is asked for. The emulator has no passwords.
func checkAddr(addr string, public bool) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("--addr %q: want host:port, such as 127.0.0.1:8484", addr)
	}
	ip := net.ParseIP(host)
	if public || host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("--addr %q can be reached from other machines, and the emulator lets anybody in: use 127.0.0.1, or add --insecure-public", addr)
}

// describe prints what a client needs to know.
func describe(w io.Writer, base string, e *emulator.Emulator) {
	app := e.Apps()[0]
	fmt.Fprintf(w, "Emulated Contentstack at %s (stop it with Ctrl-C)\n\n", base)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, value string) { fmt.Fprintf(table, "  %s\t%s\n", name, value) }
	row("App UID", app.UID)
	row("Client ID", app.ClientID)
	row("Client secret", app.ClientSecret+"  (optional: Allow PKCE is on)")
	for i, uri := range app.RedirectURIs {
		row(first("Redirect URIs", i), uri)
	}
	row("Scopes", strings.Join(app.Scopes, " "))
	for i, user := range e.Users() {
		row(first("Users", i), user.Name()+" <"+user.Email+">")
	}
	row("", "")
	row("Authorize URL", base+"/#!/apps/"+app.UID+"/authorize?…  (the documented form)")
	row("", base+"/apps/"+app.UID+"/authorize?…")
	row("Token URL", base+emulator.TokenPaths()[0])
	row("User API", base+"/v3/user  (with Authorization: Bearer …)")
	table.Flush()
}

// first is name for the first of a list, and nothing for the rest.
func first(name string, i int) string {
	if i > 0 {
		return ""
	}
	return name
}
