package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/contentstack/csoauth/internal/atomicfile"
	"github.com/contentstack/csoauth/internal/browser"
	"github.com/contentstack/csoauth/internal/observed"
	"github.com/contentstack/csoauth/internal/probe"
	"github.com/contentstack/csoauth/internal/turn"
)

// A probing is one run of "csoauth probe".
type probing struct {
	accountFlags
	offline, yes, noBrowser bool
	output                  string
	made                    bool // the directory was made for this report

	cmd   *cobra.Command
	t     *teller
	lines chan string // that are typed; nil: nobody can type any
	door  *door
}

// probeClock is the time of a probe, which tests speed up.
var probeClock = struct {
	now   func() time.Time
	sleep func(ctx context.Context, d time.Duration) error
}{time.Now, sleep}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func probeCommand() *cobra.Command {
	p := &probing{}
	cmd := &cobra.Command{
		Use:   "probe",
		Short: "Ask Contentstack what no document says, and write a report",
		Long: `Ask Contentstack what no document says about its OAuth, and write a report that can be published.

The probe begins with checks: the settings, the directory, the keyring, the redirect URI, and the hosts of the region
with their names, proxies, certificates and clocks. Each is ok, a warning or a failure, with what to do about it.
--offline-only ends there.

Then come six steps, each of which it explains and asks for. It makes logins of its own, and touches no stored one. Some
steps end logins: one ends ALL your logins to this app in this organization, on all machines. So take an app that nobody
depends on. It makes at most one request a second, under 60 in all, and stops if Contentstack says 429.

It writes observed.json, which "csoauth emulate --observed" and csoauthtest read, and observed.md, for people. In both,
secrets, names, e-mail addresses and identifiers are replaced by marks. docs/probe.md says how to send a report in.

The app is that of the profile, or of the flags, which are those of "csoauth login". Nothing is stored.`,
		Example: `  csoauth probe --offline-only
  csoauth probe --app-uid 64e0f1a2b3c4d5e6f7a8b9c0 --client-id AbCdEf123 --redirect-uri http://localhost:8184/callback
  csoauth probe --profile work --output report`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.run(cmd) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&p.offline, "offline-only", false, "end after the checks")
	flags.BoolVar(&p.yes, "yes", false, "agree to all steps, also to those that end logins")
	flags.StringVar(&p.output, "output", ".", "`directory` for observed.json and observed.md")
	flags.BoolVar(&p.noBrowser, "no-browser", false, "print the addresses, and open no browser")
	registerSettings(cmd)
	p.register(cmd)
	return cmd
}

const (
	reportJSON = "observed.json"
	reportPage = "observed.md"
)

func (p *probing) run(cmd *cobra.Command) error {
	ctx, stop := untilHangUp(cmd.Context())
	defer stop()
	p.cmd, p.t = cmd, newTeller(cmd.OutOrStdout())
	a, err := p.account(ctx)
	if err != nil {
		return err
	}
	if a.settings, err = a.settings.withFlags(cmd); err != nil {
		return err
	}
	if names := a.settings.missing(); names != "" {
		return hint(cmd, fmt.Errorf("the profile %q has no app: name it with %s (Developer Hub, at your app)", filepath.Base(a.dir), names))
	}
	if !p.offline {
		if err := p.checkOutput(); err != nil {
			return err
		}
	}
	if a.config, err = a.newConfig(ctx); err != nil {
		return err
	}
	prober, err := probe.New(probe.Options{
		Config: a.config, Transport: a.config.HTTPClient.Transport, Version: version(), Published: a.settings.Server == "", Organization: a.settings.Organization,
		Now: probeClock.now, Sleep: probeClock.sleep, Visit: p.visit, Agree: p.agree,
		Tell: func(format string, args ...any) { p.t.wrapped(dim, "     ", fmt.Sprintf(format, args...)) },
	})
	if err != nil {
		return err
	}
	defer p.tidy()
	failures, err := p.check(ctx, a, prober)
	switch {
	case err != nil:
		return err
	case failures > 0:
		return fmt.Errorf("checks that failed: %d; nothing was asked", failures)
	case p.offline:
		return nil
	}
	defer p.door.close()
	p.listen()
	err = prober.Ask(ctx)
	if writeErr := p.write(prober); writeErr != nil {
		return errors.Join(err, writeErr)
	}
	return err
}

// checkOutput returns an error if a report could not be written, or would replace one.
func (p *probing) checkOutput() error {
	if !p.yes && !turn.IsForeground(os.Stdin) {
		return hint(p.cmd, errors.New("the probe asks before each step: run it at a terminal, or agree to all of them with --yes"))
	}
	_, err := os.Stat(p.output)
	p.made = errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(p.output, 0o755); err != nil {
		return err
	}
	if err := tryToWrite(p.output); err != nil {
		return fmt.Errorf("no report could be written there: %w: name another directory with --output", err)
	}
	for _, name := range []string{reportJSON, reportPage} {
		path := filepath.Join(p.output, name)
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("%s is there already: move it, or name another directory with --output", path)
		}
	}
	return nil
}

// tidy takes away the directory that was made for a report, if there is none in it.
func (p *probing) tidy() {
	if p.made {
		_ = os.Remove(p.output) // fails if something is in it
	}
}

// listen reads the lines that are typed from now on.
func (p *probing) listen() {
	if !turn.IsForeground(os.Stdin) {
		return
	}
	p.lines = make(chan string)
	go func() { // until the program ends
		defer close(p.lines)
		for r := bufio.NewReader(os.Stdin); ; {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			p.lines <- strings.TrimSpace(line) // which waits for a question, or for forget
		}
	}()
}

// agree asks the user whether a step may be taken.
func (p *probing) agree(ctx context.Context, s probe.Step) (bool, error) {
	p.t.heading(s.Number, s.Title)
	p.t.text(s.Text)
	if s.Ends != "" {
		p.t.wrapped(red, "  ", "It may end "+s.Ends+".")
	}
	if p.yes {
		return true, ctx.Err()
	}
	p.forget()
	if _, err := fmt.Fprintf(p.t.w, "   Take step %d of %d? [y/N] ", s.Number, s.Of); err != nil {
		return false, err
	}
	if p.lines == nil {
		p.t.line("")
		return false, ctx.Err()
	}
	select {
	case line := <-p.lines:
		line = strings.ToLower(line)
		return line == "y" || line == "yes", nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// forget drops the lines that were typed before a question was asked.
func (p *probing) forget() {
	for {
		select {
		case _, ok := <-p.lines:
			if !ok {
				p.lines = nil // the terminal is at its end
			}
		case <-time.After(100 * time.Millisecond): // a line that is there comes at once
			return
		}
	}
}

// visitPatience is how long the user has for one visit to the authorize page.
const visitPatience = 5 * time.Minute

// visit sends the user's browser to an authorize URL, and waits for the callback.
func (p *probing) visit(ctx context.Context, v probe.Visit) (url.Values, error) {
	p.door.expect(&v)
	defer p.door.expect(nil)
	switch {
	case v.Deny:
		p.t.wrapped(bold, "  ", "DENY the request in the browser this time.")
	default:
		p.t.text("Allow the request in the browser, if it asks.")
	}
	opened := !p.noBrowser
	if opened {
		process, err := browser.Open(v.URL)
		if err != nil {
			opened = false
		} else {
			defer process.Release()
		}
	}
	if !opened {
		p.t.line("   Open this in the browser of this machine:\n   %s", v.URL)
	}
	p.forget()
	switch {
	case p.lines == nil:
	case v.Deny:
		p.t.text("If you have denied it, and the browser does not come back here, type \"denied\".")
	default:
		p.t.text("If the browser does not come back here, type \"none\".")
	}
	patience := time.NewTimer(visitPatience)
	defer patience.Stop()
	for {
		select {
		case callback := <-p.door.comes:
			return callback, nil
		case line, ok := <-p.lines:
			switch {
			case !ok:
				p.lines = nil
			case v.Deny && strings.EqualFold(line, "denied"):
				return nil, probe.ErrNothing
			case strings.EqualFold(line, "none"):
				return nil, probe.ErrNobody
			}
		case <-patience.C:
			return nil, probe.ErrNobody
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// write writes the report, and says what it has.
func (p *probing) write(prober *probe.Prober) error {
	report := prober.Report()
	root, err := os.OpenRoot(p.output)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := errors.Join(atomicfile.Write(root, reportJSON, report.JSON(), 0o644), atomicfile.Write(root, reportPage, report.Markdown(), 0o644)); err != nil {
		return err
	}
	counts := map[observed.Outcome]int{}
	for _, r := range report.Results {
		counts[r.Outcome]++
	}
	p.t.line("\n%s", p.t.paint(bold, fmt.Sprintf("Questions: %d observed, %d unclear, %d not asked. Requests: %d.",
		counts[observed.Observed], counts[observed.Unclear], counts[observed.NotAsked], report.Requests)))
	if left := prober.Left(); left > 0 {
		p.t.text(fmt.Sprintf("Logins of this probe that may live on: %d. Their tokens are forgotten. To end them, remove the app under Authorized Apps in Contentstack.", left))
	}
	p.t.text("Secrets, names and identifiers are replaced by marks. Look through the files all the same before you send them; docs/probe.md says where to.")
	p.t.line("   %s\n   %s", filepath.Join(p.output, reportJSON), filepath.Join(p.output, reportPage))
	return nil
}
