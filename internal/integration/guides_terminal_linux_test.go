package integration_test

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTerminalGuide runs the program of the guide to terminal programs: in a terminal, where it
// logs in and says what the guide shows, and then elsewhere. At last it logs out.
func TestTerminalGuide(t *testing.T) {
	t.Parallel()
	guide := readGuide(t, "terminal.md")
	program, base := atEmulator(t, guide.program(t))
	binary, home := buildText(t, program), t.TempDir()
	exe, err := os.Executable()
	require.NoError(t, err)
	run := func(terminal *os.File, profile string, args ...string) (stdout, stderr string, err error) {
		cmd := exec.CommandContext(t.Context(), binary, args...)
		cmd.Env = append(os.Environ(), "STACKS_PROFILE="+profile, "BROWSER='"+exe+"'", childEnv+"=visitor", "GORACE=atexit_sleep_ms=0",
			"HOME="+home, "XDG_CONFIG_HOME=", "XDG_RUNTIME_DIR=", "DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent") // without a keyring
		var out, errs strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &errs
		if terminal != nil {
			cmd.Stdin, cmd.Stderr = terminal, terminal
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		}
		err = cmd.Run()
		return out.String(), errs.String(), err
	}

	keyboard, terminal := openTerminal(t)
	shown := make(chan string)
	go func() {
		all, _ := io.ReadAll(keyboard) // until the terminal is closed, which is an error
		shown <- string(all)
	}()
	stacks, _, err := run(terminal, "")
	require.NoError(t, err)
	assert.Equal(t, 230, strings.Count(stacks, " Emulated Press stack "), stacks)
	require.NoError(t, terminal.Close())
	text := <-shown
	for line := range strings.Lines(guide.blocks["text"][0]) {
		sentence, _, _ := strings.Cut(strings.TrimSpace(line), ", until ") // the time differs
		switch {
		case strings.HasPrefix(sentence, "http://"): // and so does the address
			assert.Contains(t, text, base+"/apps/64e0f1a2b3c4d5e6f7a8b9c0/authorize?response_type=code&")
		case strings.HasPrefix(sentence, "If that browser is on another machine"):
			// Here is no display, or this is a container. Then the sentence is another one.
			assert.Contains(t, text, "paste here the address")
		default:
			assert.Contains(t, text, sentence)
		}
	}
	assert.Contains(t, text, home+"/.config/stacks/default")

	again, stderr, err := run(nil, "")
	require.NoError(t, err, stderr)
	assert.Equal(t, stacks, again)
	assert.Empty(t, stderr)
	_, stderr, err = run(nil, "client2")
	require.Error(t, err)
	assert.Contains(t, stderr, `login required: nobody is logged in to stacks (profile "client2")`)
	assert.Contains(t, stderr, `run "stacks login"`)

	_, stderr, err = run(nil, "client2", "login")
	require.NoError(t, err, stderr)
	_, stderr, err = run(nil, "client2", "logout")
	require.NoError(t, err, stderr)
	_, stderr, err = run(nil, "")
	require.Error(t, err)
	assert.Contains(t, stderr, `nobody is logged in to stacks (profile "default")`, "both profiles were one grant")
	assert.Empty(t, readEmulatorLog(t, base).Findings)
}
