package main

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/emulator"
	"github.com/contentstack/csoauth/internal/observed"
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

What a client does wrong is a finding: it is printed with the request, told again at the end, and shown on the page at
/. With --fail-on-findings the exit code is 1 then, so that a CI job can fail. The emulator refuses some of it. With
--preset realistic it refuses what Contentstack is known to refuse; with --preset strict, all that an RFC or a document
forbids. Where no public document says what Contentstack does, a flag chooses among the possibilities.

The emulator serves only requests for localhost, for names under it and for loopback addresses. Otherwise a web site
could point its own name at this machine and read the log. Add --allow-host for another name, such as that of a
container.

A test without a browser posts the user's decision to the authorize URL. The code is in the Location header of the
response. Add user=… to log in as another user than the first:

  curl -i -d decision=allow "http://127.0.0.1:8484/apps/$APP_UID/authorize?response_type=code&client_id=$CLIENT_ID…"

Faults can be set for the next token requests, one for each:

  curl -d '[{"status":503},{"cut":"after"},{"delay":"5s"}]' http://127.0.0.1:8484/_emulator/faults`,
		Example: `  csoauth emulate --redirect-uri http://localhost:3000/oauth/callback
  csoauth emulate --preset strict --fail-on-findings --allow no-state
  csoauth emulate --config contentstack.json --error-shape nestjs --access-token-lifetime 30s`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.register(cmd)
	return cmd
}

// emulateFlags are the flags of "csoauth emulate".
type emulateFlags struct {
	addr           string
	public         bool
	config         string
	observed       string
	preset         string
	quiet          bool
	state          string
	redirectURIs   []string
	allowHosts     []string
	failOnFindings bool
	allow          []string
	refuse         []string                  // what --refuse has named
	taken, left    []string                  // questions that --observed answers, and whose answers the emulator cannot give
	changes        []func(*emulator.Options) // what the other flags say, in their order
}

func (f *emulateFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.addr, "addr", "127.0.0.1:8484", "loopback `address` to listen on; port 0 takes a free one")
	flags.BoolVar(&f.public, "insecure-public", false, "allow an address that other machines can reach; anyone there can log in as anyone")
	flags.BoolVar(&f.quiet, "quiet", false, "do not print the requests")
	flags.StringVar(&f.preset, "preset", "", "`strict` refuses what an RFC or a document forbids; realistic does what Contentstack is known to do (default realistic)")
	flags.BoolVar(&f.failOnFindings, "fail-on-findings", false, "exit with 1 at the end if a client did something wrong")
	flags.StringSliceVar(&f.allow, "allow", nil, "`findings` that --fail-on-findings lets pass")
	flags.StringVar(&f.config, "config", "", "JSON `file` with apps, users, lifetimes and any of the options below; a flag overrides the file")
	flags.StringVar(&f.observed, "observed", "", "`file` of csoauth probe: behave as it saw the service, as far as the emulator can; a flag below overrides it")
	flags.StringVar(&f.state, "state", "", "`file` that keeps logins and consents over a restart; it holds every token in clear text")
	flags.StringArrayVar(&f.redirectURIs, "redirect-uri", nil, "another redirect `URI` of the first app; may be repeated")
	flags.StringArrayVar(&f.allowHosts, "allow-host", nil, "another host `name` or IP address to serve; may be repeated")

	// A flag that changes the options does so when the preset and the file are known.
	text := func(name, usage string, change func(o *emulator.Options, value string)) {
		flags.Func(name, usage, func(value string) error {
			f.changes = append(f.changes, func(o *emulator.Options) { change(o, value) })
			return nil
		})
	}
	duration := func(name, usage string, of func(o *emulator.Options) *time.Duration) {
		flags.Func(name, usage, func(value string) error {
			d, err := time.ParseDuration(value)
			f.changes = append(f.changes, func(o *emulator.Options) { *of(o) = d })
			return err
		})
	}
	yes := func(name, usage string, of func(o *emulator.Options) *bool) {
		flags.BoolFunc(name, usage, func(value string) error {
			b, err := strconv.ParseBool(value)
			f.changes = append(f.changes, func(o *emulator.Options) { *of(o) = b })
			return err
		})
	}
	each := func(change func(o *emulator.Options, one string)) func(*emulator.Options, string) {
		return func(o *emulator.Options, list string) {
			for one := range strings.SplitSeq(list, ",") {
				change(o, one)
			}
		}
	}
	text("tolerate", "`findings` that are not refused, besides those of the preset", each(func(o *emulator.Options, id string) { o.SetTolerated(id, true) }))
	text("refuse", "`findings` that are refused, although the preset tolerates them", each(func(o *emulator.Options, id string) {
		f.refuse = append(f.refuse, id)
		o.SetTolerated(id, false)
	}))
	text("region", "`name` of the region in callbacks and token responses (default NA)", func(o *emulator.Options, name string) { o.Location = name })
	duration("access-token-lifetime", "`time` that an access token lives (default 1h)", func(o *emulator.Options) *time.Duration { return &o.AccessTokenLifetime })
	duration("refresh-token-lifetime", "`time` that a refresh token lives (default: no end)", func(o *emulator.Options) *time.Duration { return &o.RefreshTokenLifetime })
	duration("code-lifetime", "`time` that an authorization code lives (default 1m)", func(o *emulator.Options) *time.Duration { return &o.CodeLifetime })
	yes("denial-without-state", "leave out state when the user denies", func(o *emulator.Options) *bool { return &o.Unknowns.DenialWithoutState })
	yes("old-access-token-lives", "let an access token live on after a refresh", func(o *emulator.Options) *bool { return &o.Unknowns.OldAccessTokenLives })
	duration("reuse-grace", "`time` that a used refresh token still works with --reuse grace", func(o *emulator.Options) *time.Duration { return (*time.Duration)(&o.Unknowns.ReuseGrace) })
	text("omit", "`members` to leave out of token responses, such as expires_in,token_type", func(o *emulator.Options, list string) { o.Unknowns.Omit = strings.Split(list, ",") })
	for _, q := range emulator.Questions() {
		text(strings.ReplaceAll(q.Name, "_", "-"), q.Asks+": "+either(q.Answers), func(o *emulator.Options, answer string) {
			*q.Of(&o.Unknowns) = answer
			if q.Name == "reuse" && answer != "grace" {
				o.Unknowns.ReuseGrace = 0
			}
		})
	}
}

// either joins at least two words.
func either(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

func (f *emulateFlags) run(cmd *cobra.Command) error {
	if err := checkAddr(f.addr, f.public); err != nil {
		return usage(err)
	}
	for _, id := range f.allow {
		if !emulator.IsRule(id) {
			return usage(fmt.Errorf("--allow %q: there is no such finding; docs/emulator.md lists them", id))
		}
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
			return usage(err)
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
	f.tellObserved(observer.teller)
	if err := serve(cmd.Context(), listener, e); err != nil {
		return err
	}
	if err := observer.state.save(e); err != nil {
		return fmt.Errorf("emulate: --state %s: %w", f.state, err)
	}
	return f.judge(observer.teller, e.Findings())
}

// tellObserved tells what --observed has decided.
func (f *emulateFlags) tellObserved(t *teller) {
	if f.observed == "" {
		return
	}
	t.wrapped("", " ", "As observed: "+strings.Join(f.taken, ", ")+".")
	if len(f.left) > 0 {
		t.wrapped(red, " ", "Observed, and the emulator cannot behave so: "+strings.Join(f.left, ", ")+".")
	}
	t.line("")
}

// judge tells what clients did wrong, and fails if it should.
func (f *emulateFlags) judge(t *teller, findings []emulator.Finding) error {
	bad := 0
	for i, finding := range findings {
		if i == 0 {
			t.line("\n%s", t.paint(bold, "Findings"))
		}
		allowed := slices.Contains(f.allow, finding.ID)
		if !allowed {
			bad++
		}
		t.finding(finding, allowed)
	}
	if f.failOnFindings && bad > 0 {
		return fmt.Errorf("emulate: findings that are not allowed: %d", bad)
	}
	return nil
}

// merged returns the options of the preset, changed by the file, and then by the flags.
func (f *emulateFlags) merged() (emulator.Options, error) {
	o, err := f.base()
	if err != nil {
		return emulator.Options{}, err
	}
	if err := f.follow(&o); err != nil {
		return emulator.Options{}, err
	}
	for _, change := range f.changes {
		change(&o)
	}
	for _, id := range f.refuse { // a mistyped one would refuse nothing
		if err := emulator.CheckTolerable(id); err != nil {
			return emulator.Options{}, usage(fmt.Errorf("emulate: --refuse %w", err))
		}
	}
	o.AllowHosts = f.hosts()
	return o, nil
}

// follow makes the options those that a probe has observed.
func (f *emulateFlags) follow(o *emulator.Options) error {
	if f.observed == "" {
		return nil
	}
	report, err := readObserved(f.observed)
	if err != nil {
		return fmt.Errorf("emulate: --observed %s: %w", f.observed, err)
	}
	f.taken, f.left, err = o.Follow(report)
	if err != nil {
		return fmt.Errorf("emulate: --observed %s: %w", f.observed, err)
	}
	return nil
}

// readObserved reads the report of a probe.
func readObserved(path string) (*observed.Report, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return observed.Read(file)
}

// base returns the options without those of the flags that change them.
func (f *emulateFlags) base() (emulator.Options, error) {
	if f.config == "" {
		o, err := emulator.Preset(cmp.Or(f.preset, "realistic"))
		if err != nil {
			return o, usage(fmt.Errorf("emulate: --%w", err))
		}
		return o, nil
	}
	file, err := os.Open(f.config)
	if err != nil {
		return emulator.Options{}, fmt.Errorf("emulate: %w", err)
	}
	defer file.Close()
	o, err := emulator.ReadConfig(file, f.preset)
	if err != nil {
		return emulator.Options{}, fmt.Errorf("emulate: %s: %w", f.config, err)
	}
	return o, nil
}

// hosts returns the names and addresses by which requests may reach the emulator, besides loopback
// ones: those of --allow-host, and the one of --addr.
func (f *emulateFlags) hosts() []string {
	host, _, _ := net.SplitHostPort(f.addr) // checkAddr has seen that it splits
	if host == "" || checkAddr(f.addr, false) == nil {
		return f.allowHosts
	}
	return append(slices.Clip(f.allowHosts), host)
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
	return fmt.Errorf("--addr %q can be reached from other machines, and the emulator lets anyone in: use 127.0.0.1, or add --insecure-public", addr)
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
	if len(app.RedirectURIs) > 0 {
		row("Log in with", fmt.Sprintf("csoauth login --server %s --app-uid %s --client-id %s --redirect-uri %s", base, app.UID, app.ClientID, app.RedirectURIs[0]))
	}
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
