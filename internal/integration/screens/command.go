package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/contentstack/csoauth/internal/emulator"
)

// A commandLine is a command as it is typed after the prompt, and its words.
type commandLine struct{ typed, args string }

const firstLogin = "login --app-uid 64e0f1a2b3c4d5e6f7a8b9c0 --client-id emulated-Client1 " +
	"--redirect-uri http://localhost:8184/callback --server http://127.0.0.1:8484"

// firstLoginTyped is firstLogin on lines that fit.
var firstLoginTyped = strings.NewReplacer("b9c0 --client", "b9c0 \\\n    --client", "Client1 --redirect", "Client1 \\\n    --redirect",
	"callback --server", "callback \\\n    --server").Replace(firstLogin)

const allRows = 100

// commandScreens are in the order in which a person uses the command: each one goes on where the
// one before ended.
var commandScreens = []struct {
	name  string
	rows  int // at most
	lines []commandLine
}{
	{"csoauth-help", allRows, []commandLine{{"help", "help"}}},
	{"csoauth-demo", 27, []commandLine{{"demo", "demo"}}}, // the first two steps
	{"csoauth-login", allRows, []commandLine{{firstLoginTyped, firstLogin}}},
	{"csoauth-status", allRows, []commandLine{{"status", "status"}}},
	{"csoauth-api", allRows, []commandLine{{"api /v3/user", "api /v3/user"}, {"api '/v3/stacks?limit=1'", "api /v3/stacks?limit=1"}}},
	{"csoauth-failure", allRows, []commandLine{{"logout", "logout"}, {"api /v3/user", "api /v3/user"}, {"login --region mars", "login --region mars"}}},
}

// shootCommand takes the command in a terminal.
func shootCommand(ctx context.Context, s *studio) error {
	_, stop, err := startEmulator()
	if err != nil {
		return err
	}
	defer stop()
	dir, err := os.MkdirTemp("", "csoauth-screens-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "csoauth")
	if err := build(ctx, program, "github.com/contentstack/csoauth/cmd/csoauth"); err != nil {
		return err
	}
	desktop, end, err := startDesktop(ctx, dir)
	if err != nil {
		return err
	}
	defer end()
	// A browser allows everything. container: whether this runs in one, the texts are the same.
	env := append(desktop, "TERM=xterm-256color", "TZ=UTC", "container=yes", "BROWSER=curl -sS -L -o /dev/null -d decision=allow")
	home := map[string]string{filepath.Join(dir, "home"): filepath.Join("/home", "ada")}
	for _, screen := range commandScreens {
		t := &terminal{env: env, files: home}
		for _, line := range screen.lines {
			if err := t.run(ctx, "csoauth "+line.typed, append([]string{program}, strings.Fields(line.args)...)...); err != nil {
				return err
			}
		}
		if err := s.shootTerminal(screen.name, t.shown.Bytes(), screen.rows); err != nil {
			return err
		}
	}
	return s.shootProbe(ctx, program, dir)
}

// shootProbe takes the page at which a visit of csoauth probe ends.
func (s *studio) shootProbe(ctx context.Context, program, dir string) error {
	app := emulator.DefaultApp()
	probe := exec.CommandContext(ctx, program, "probe", "--yes", "--server", emulatorURL, "--app-uid", app.UID, "--client-id", app.ClientID,
		"--redirect-uri", redirectURI, "--output", filepath.Join(dir, "observed"))
	probe.Env = append(os.Environ(), "BROWSER=true") // true does nothing: nobody logs in
	if err := probe.Start(); err != nil {
		return err
	}
	defer func() {
		_ = probe.Process.Kill()
		_ = probe.Wait()
	}()
	if err := untilServed(ctx, redirectURI); err != nil {
		return err
	}
	t := s.tour()
	t.open(redirectURI, "probe")
	t.shoot("probe", redirectURI, card)
	return t.err
}
