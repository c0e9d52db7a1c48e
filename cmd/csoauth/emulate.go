package main

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/emulator"
)

func emulateCommand() *cobra.Command {
	f := &emulateFlags{}
	cmd := &cobra.Command{
		Use:   "emulate",
		Short: "Serve an emulated Contentstack to programs in any language",
		Long: `Serve an emulated Contentstack to programs in any language, until Ctrl-C or SIGTERM.

Point your program at the authorize URL and the token URL that it prints, with the client ID and the app UID that it
prints. It has one app and two users unless --config names a file with others. Each request is printed as it comes,
without its secrets. State is kept in memory, and with --state in a file as well.

The emulator is stricter than Contentstack is documented to be. An authorization code lives 60 seconds and works once.
A redirect URI must match exactly. A refresh token works once, and its second use ends the login. Where no public
document says what Contentstack does, a flag chooses among the possibilities.

Only requests for localhost, for names under it and for loopback addresses are answered. Otherwise a web site could
point its own name at this machine and read the log. Add --allow-host for another name, such as that of a container.

A test without a browser posts the user's decision to the authorize URL. The code is in the Location header of the
response. Add uid=… to log in as another user than the first:

  curl -i -d decision=allow "http://127.0.0.1:8484/apps/$APP_UID/authorize?response_type=code&client_id=$CLIENT_ID…"

Faults can be set for the next token requests, one for each:

  curl -d '[{"status":503},{"cut":"after"},{"delay":"5s"}]' http://127.0.0.1:8484/_emulator/faults`,
		Example: `  csoauth emulate --redirect-uri http://localhost:3000/oauth/callback
  csoauth emulate --config contentstack.json --error-shape nestjs --access-token-lifetime 30s`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.register(cmd)
	return cmd
}

// emulateFlags are the flags of "csoauth emulate".
type emulateFlags struct {
	addr         string
	public       bool
	config       string
	quiet        bool
	state        string
	redirectURIs []string
	options      emulator.Options // what the other flags say
}

func (f *emulateFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.addr, "addr", "127.0.0.1:8484", "loopback `address` to listen on; port 0 takes a free one")
	flags.BoolVar(&f.public, "insecure-public", false, "allow an address that other machines can reach; anyone there can log in as anyone")
	flags.BoolVar(&f.quiet, "quiet", false, "do not print the requests")
	flags.StringVar(&f.config, "config", "", "JSON `file` with apps, users, lifetimes and any of the options below; a flag overrides the file")
	flags.StringVar(&f.state, "state", "", "`file` that keeps logins and consents over a restart; it holds every token in clear text")
	flags.StringArrayVar(&f.redirectURIs, "redirect-uri", nil, "another redirect `URI` of the first app; may be repeated")

	o := &f.options
	flags.StringArrayVar(&o.AllowHosts, "allow-host", nil, "another host `name` or IP address to answer for; may be repeated")
	flags.StringVar(&o.Location, "region", "", "`name` of the region in callbacks and token responses (default NA)")
	flags.DurationVar(&o.AccessTokenLifetime, "access-token-lifetime", 0, "`time` that an access token lives (default 1h)")
	flags.DurationVar(&o.RefreshTokenLifetime, "refresh-token-lifetime", 0, "`time` that a refresh token lives (default: no end)")
	flags.DurationVar(&o.CodeLifetime, "code-lifetime", 0, "`time` that an authorization code lives (default 1m)")

	u := &o.Unknowns
	flags.StringVar(&u.ErrorShape, "error-shape", "", "`shape` of error responses: oauth, nestjs, nestjs-array, cma or html (default oauth)")
	flags.BoolVar(&u.DenialWithoutState, "denial-without-state", false, "leave out state when the user denies")
	flags.StringVar(&u.RegionNames, "region-names", "", "`name` of the region parameter in callbacks: location, region, both or neither (default location)")
	flags.BoolVar(&u.OldAccessTokenLives, "old-access-token-lives", false, "let an access token live on after a refresh")
	flags.StringVar(&u.Reuse, "reuse", "", "`effect` of a used refresh token: revoke, refuse, grace, or none if they do not rotate (default revoke)")
	flags.DurationVar((*time.Duration)(&u.ReuseGrace), "reuse-grace", 0, "`time` that a used refresh token still works with --reuse grace")
	flags.StringSliceVar(&u.Omit, "omit", nil, "`members` to leave out of token responses, such as expires_in,token_type")
}

func (f *emulateFlags) run(cmd *cobra.Command) error {
	if err := checkAddr(f.addr, f.public); err != nil {
		return err
	}
	options, err := f.merged()
	if err != nil {
		return err
	}
	observer := &observer{teller: newTeller(cmd.OutOrStdout()), quiet: f.quiet, state: stateFile(f.state)}
	options.Observe = observer.request
	e, err := emulator.New(options)
	if err != nil {
		return err
	}
	if err := observer.state.load(e); err != nil {
		return fmt.Errorf("emulate: --state %s: %w", f.state, err)
	}
	observer.emulator = e
	for _, uri := range f.redirectURIs {
		if err := checkRedirectURI(uri); err != nil {
			return err
		}
		if err := e.Register(e.Apps()[0].UID, uri); err != nil {
			return err
		}
	}
	listener, err := new(net.ListenConfig).Listen(cmd.Context(), "tcp", f.addr)
	if isInUse(err) {
		return fmt.Errorf("emulate: something else listens on %s: choose another --addr, such as 127.0.0.1:0", f.addr)
	}
	if err != nil {
		return fmt.Errorf("emulate: %w", err)
	}
	describe(cmd.OutOrStdout(), baseURL(listener.Addr()), e)
	if err := serve(cmd.Context(), listener, e); err != nil {
		return err
	}
	if err := observer.state.save(e); err != nil {
		return fmt.Errorf("emulate: --state %s: %w", f.state, err)
	}
	return nil
}

// merged returns the options of the file. Each flag that was given replaces its option.
func (f *emulateFlags) merged() (emulator.Options, error) {
	if f.config == "" {
		o := f.options
		o.AllowHosts = f.hosts()
		return o, nil
	}
	file, err := os.Open(f.config)
	if err != nil {
		return emulator.Options{}, fmt.Errorf("emulate: %w", err)
	}
	defer file.Close()
	o, err := emulator.ReadConfig(file)
	if err != nil {
		return emulator.Options{}, fmt.Errorf("emulate: %s: %w", f.config, err)
	}
	o.AllowHosts = f.hosts()
	o.Location = cmp.Or(f.options.Location, o.Location)
	o.AccessTokenLifetime = cmp.Or(f.options.AccessTokenLifetime, o.AccessTokenLifetime)
	o.RefreshTokenLifetime = cmp.Or(f.options.RefreshTokenLifetime, o.RefreshTokenLifetime)
	o.CodeLifetime = cmp.Or(f.options.CodeLifetime, o.CodeLifetime)
	u, given := &o.Unknowns, f.options.Unknowns
	u.ErrorShape = cmp.Or(given.ErrorShape, u.ErrorShape)
	u.DenialWithoutState = u.DenialWithoutState || given.DenialWithoutState
	u.RegionNames = cmp.Or(given.RegionNames, u.RegionNames)
	u.OldAccessTokenLives = u.OldAccessTokenLives || given.OldAccessTokenLives
	if given.Reuse != "" {
		u.Reuse, u.ReuseGrace = given.Reuse, 0
	}
	u.ReuseGrace = cmp.Or(given.ReuseGrace, u.ReuseGrace)
	if given.Omit != nil {
		u.Omit = given.Omit
	}
	return o, nil
}

// hosts returns the names and addresses by which requests may reach the emulator, besides loopback
// ones: those of --allow-host, and the one of --addr.
func (f *emulateFlags) hosts() []string {
	host, _, _ := net.SplitHostPort(f.addr) // checkAddr has seen that it splits
	if host == "" || checkAddr(f.addr, false) == nil {
		return f.options.AllowHosts
	}
	return append(slices.Clip(f.options.AllowHosts), host)
}

// baseURL returns the URL of a listener's address. An address that stands for all of the machine's
// is replaced by a loopback one, which a client can use.
func baseURL(addr net.Addr) string {
	host, port, _ := net.SplitHostPort(addr.String()) // that of a TCP listener always splits
	switch host {
	case "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// checkAddr refuses an address that other machines can reach, unless that is asked for. The
// emulator has no passwords.
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

// checkRedirectURI refuses a URI that the library would refuse.
func checkRedirectURI(uri string) error {
	err := (&csoauth.Config{AppUID: "any", ClientID: "other", RedirectURI: uri}).Validate()
	if err != nil {
		return fmt.Errorf("--redirect-uri: %w", err)
	}
	return nil
}

// describe prints what a client needs to know.
func describe(w io.Writer, base string, e *emulator.Emulator) {
	app := e.Apps()[0]
	fmt.Fprintf(w, "Emulated Contentstack at %s (stop it with Ctrl-C)\n\n", base)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, value string) { fmt.Fprintf(table, "  %s\t%s\n", name, value) }
	row("App UID", app.UID)
	row("Client ID", app.ClientID)
	switch {
	case app.ClientSecret == "":
	case app.AllowPKCE:
		row("Client secret", app.ClientSecret+"  (optional: Allow PKCE is on)")
	default:
		row("Client secret", app.ClientSecret+"  (required: Allow PKCE is off)")
	}
	for i, uri := range app.RedirectURIs {
		row(first("Redirect URIs", i), uri)
	}
	row("Scopes", strings.Join(app.Scopes, " "))
	for i, user := range e.Users() {
		row(first("Users", i), user.Name()+", "+user.UID)
		for _, org := range user.Organizations {
			row("", "in "+org.Name+", "+org.UID)
		}
	}
	row("Authorize URL", base+"/#!/apps/"+app.UID+"/authorize?…  (the documented form)")
	row("", base+"/apps/"+app.UID+"/authorize?…")
	row("Token URL", base+emulator.TokenPaths()[0])
	row("Endpoints in Go", fmt.Sprintf("csoauth.OneHost(%q)", base))
	row("User API", base+"/v3/user  (with Authorization: Bearer …)")
	table.Flush()
	fmt.Fprintln(w)
}

// first is name for the first of a list, and nothing for the rest.
func first(name string, i int) string {
	if i > 0 {
		return ""
	}
	return name
}
