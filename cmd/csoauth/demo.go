package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/emulator"
)

func demoCommand() *cobra.Command {
	var browser bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run complete logins in an emulated Contentstack, and explain them",
		Long: `Run complete logins against an emulated Contentstack on a free loopback port, over real HTTP, and show what is sent
and what comes back. Secrets are masked: equal marks stand for equal secrets.

The exit code is 0 if everything happened as expected, and 1 if something did not.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			patience := time.Minute
			if browser {
				patience = 15 * time.Minute
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), patience)
			defer cancel()
			return runDemo(ctx, newTeller(cmd.OutOrStdout()), browser, demoHooks{})
		},
	}
	cmd.Flags().BoolVar(&browser, "browser", false, "open the emulator's pages in your browser, instead of consenting by itself")
	return cmd
}

// demoHooks let a test break one rule at a time, to see that the demo notices. The zero hooks break
// none.
type demoHooks struct {
	wrap     func(http.Handler) http.Handler // around the emulator
	exchange func(context.Context, *csoauth.Config, *csoauth.AuthRequest, url.Values) (*csoauth.Token, error)
}

// A demo is one run.
type demo struct {
	tell        *teller
	emulator    *emulator.Emulator
	base        string
	redirectURI string
	visitor     visitor
	told        int  // how many of the emulator's requests were told
	begun       int  // how many there were when the step began
	ordinary    bool // the step begins with an ordinary login, which is told in a line
	client      *http.Client
	hooks       demoHooks
}

// demoRedirectURI is the redirect URI of a demo without a browser.
const demoRedirectURI = "http://localhost:8184/callback"

// confidential is an app that must send its secret.
var confidential = emulator.App{
	UID: "64e0f1a2b3c4d5e6f7a8b9c1", ClientID: "emulated-Client2", ClientSecret: "emulated-secret-of-the-confidential-app",
	Name: "Confidential App", RedirectURIs: []string{demoRedirectURI}, AllowPKCE: false, Scopes: []string{"user:read"},
}

// runDemo starts the emulator, runs every step, and returns an error if any of them did not go as
// it should.
func runDemo(ctx context.Context, tell *teller, browser bool, hooks demoHooks) error {
	e, err := emulator.New(emulator.Options{Apps: []emulator.App{emulator.DefaultApp(), confidential}})
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	var handler http.Handler = e
	if hooks.wrap != nil {
		handler = hooks.wrap(e)
	}
	serving, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- serve(serving, listener, handler) }()

	transport := &http.Transport{}
	d := &demo{
		tell: tell, emulator: e, base: "http://" + listener.Addr().String(), redirectURI: demoRedirectURI, hooks: hooks,
		client: &http.Client{Transport: transport, Timeout: 10 * time.Second},
	}
	d.visitor = robot{d.base, transport}
	var callbacks <-chan error
	if browser {
		if callbacks, err = d.invite(serving); err != nil {
			return err
		}
	}
	err = d.run(ctx)
	transport.CloseIdleConnections()
	stop()
	if callbacks != nil {
		err = errors.Join(err, <-callbacks)
	}
	return errors.Join(err, <-done)
}

// invite puts a person at a real browser in the robot's place.
func (d *demo) invite(ctx context.Context) (<-chan error, error) {
	p, done, err := newPerson(ctx, d.tell)
	if err != nil {
		return nil, err
	}
	d.visitor, d.redirectURI = p, p.redirectURI()
	for _, app := range d.emulator.Apps() {
		if err := d.emulator.Register(app.UID, d.redirectURI); err != nil {
			return nil, err
		}
	}
	return done, nil
}

func (d *demo) run(ctx context.Context) error {
	steps := []struct {
		title         string
		run           func(context.Context) error
		ordinaryLogin bool // begins with one
	}{
		{"Log in with PKCE (S256)", d.s256, false},
		{"Log in with PKCE (plain)", d.plain, false},
		{"Log in with plain by omission", d.plainByOmission, false},
		{"Log in with a client secret", d.withSecret, false},
		{"Refresh: the tokens rotate", d.refresh, true},
		{"A refresh token that is used twice ends the login", d.replay, true},
		{"A stolen code is worth nothing without its verifier", d.stolenCode, false},
		{"A forged callback is refused before anything is sent", d.forgedCallback, false},
		{"The user says no", d.denied, false},
	}
	start := time.Now()
	d.tell.line("An emulated Contentstack at %s. Nothing leaves this machine.", d.base)
	failed := 0
	for i, step := range steps {
		d.tell.heading(i+1, step.title)
		d.begun, d.ordinary = d.told, step.ordinaryLogin
		err := step.run(ctx)
		d.tellRequests()
		if err != nil {
			failed++
			d.tell.surprise(err)
			continue
		}
		d.tell.ok()
	}
	d.tell.line("")
	if failed > 0 {
		return fmt.Errorf("demo: %d of %d steps did not go as they should", failed, len(steps))
	}
	d.tell.line("All %d steps went as they should, in %v.", len(steps), time.Since(start).Round(time.Millisecond))
	return nil
}

// tellRequests tells what the emulator logged since the last time. Consent is told with the page
// that asks for it, and a step that begins with an ordinary login tells it in one line.
func (d *demo) tellRequests() {
	requests := d.emulator.Requests()
	step := requests[d.told:]
	d.told = len(requests)
	if login := slices.IndexFunc(step, isToken); d.ordinary && login >= 0 {
		d.ordinary = false
		d.tell.sent("a login as in step 1", nil)
		d.tell.received(step[login].Status, outcome(step[login]), shownOf(step[login].Answer))
		step = step[login+1:]
	}
	for i, r := range step {
		if isAuthorize(r) && i+1 < len(step) && isDecision(step[i+1]) {
			d.tell.sent(r.Method+" "+shortPath(r.Path), shownOf(r.Params))
			continue
		}
		if !isDecision(r) {
			d.tell.sent(r.Method+" "+shortPath(r.Path), shownOf(r.Params))
		}
		d.tell.received(r.Status, outcome(r), shownOf(r.Answer))
	}
}

// expect tells an error that was wanted below the request that it came of, and makes anything else
// an error of the step.
func (d *demo) expect(err error, wanted bool, want string) error {
	if err == nil {
		return fmt.Errorf("want %s, and it succeeded", want)
	}
	if !wanted {
		return fmt.Errorf("want %s, got: %w", want, err)
	}
	d.tellRequests()
	d.tell.returned(err)
	return nil
}

// logged returns the emulator's requests of this step for which is is true.
func (d *demo) logged(is func(emulator.Request) bool) []emulator.Request {
	return slices.DeleteFunc(d.emulator.Requests()[d.begun:], func(r emulator.Request) bool { return !is(r) })
}

func isAuthorize(r emulator.Request) bool {
	return r.Method == http.MethodGet && r.Params["response_type"] == "code"
}

func isDecision(r emulator.Request) bool { return r.Params["decision"] != "" }

func isToken(r emulator.Request) bool { return slices.Contains(emulator.TokenPaths(), r.Path) }

// outcome returns the decision, if the response does not show it.
func outcome(r emulator.Request) string {
	if r.Answer["access_token"] != "" {
		return ""
	}
	return r.Decision
}

// shortPath shortens an App UID, which is the same in every line.
func shortPath(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if len(part) == 24 {
			parts[i] = part[:4] + "…"
		}
	}
	return strings.Join(parts, "/")
}

// toldParams are the parameters that a login is about, in the order in which they are told.
var toldParams = []string{
	"grant_type", "code_challenge", "code_challenge_method", "state", "code", "code_verifier", "client_secret",
	"access_token", "refresh_token", "expires_in", "error",
}

// shownOf returns the parameters that are told, as name=value. A challenge that is a hash is
// shortened.
func shownOf(params map[string]string) []string {
	var shown []string
	for _, name := range toldParams {
		value := params[name]
		if name == "code_challenge" && params["code_challenge_method"] == "S256" {
			value = value[:min(8, len(value))] + "…"
		}
		if value != "" {
			shown = append(shown, name+"="+value)
		}
	}
	return shown
}
