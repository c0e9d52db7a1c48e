package integration_test

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	_ "github.com/contentstack/csoauth/clilogin" // what the program needs stays in go.mod
)

// TestReadmeProgramThatRemembers runs the README's program that remembers its user: in a terminal,
// where it logs in, and then in another process without a terminal, which goes on with that login.
func TestReadmeProgramThatRemembers(t *testing.T) {
	t.Parallel()
	program, base := atEmulator(t, readmeProgram(t, "A terminal program", 10))
	binary, home := buildText(t, program), t.TempDir()
	exe, err := os.Executable()
	require.NoError(t, err)
	run := func(terminal *os.File) string {
		cmd := exec.CommandContext(t.Context(), binary)
		cmd.Env = append(os.Environ(), "BROWSER='"+exe+"'", childEnv+"=visitor", "GORACE=atexit_sleep_ms=0",
			"HOME="+home, "XDG_CONFIG_HOME=", "XDG_RUNTIME_DIR=", "DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent") // without a keyring
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if terminal != nil {
			cmd.Stdin, cmd.Stderr = terminal, terminal
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		}
		err := cmd.Run()
		require.NoError(t, err, stderr.String())
		assert.Empty(t, stderr.String(), "nothing is said when nothing is to do")
		return stdout.String()
	}
	keyboard, terminal := openTerminal(t)
	shown := make(chan string)
	go func() {
		all, _ := io.ReadAll(keyboard) // until the terminal is closed, which is an error
		shown <- string(all)
	}()
	assert.Equal(t, "Hello, Ada Lovelace\n", run(terminal))
	require.NoError(t, terminal.Close())
	text := <-shown
	assert.Contains(t, text, "can read, in "+home+"/.config/hello-contentstack/default (keyring: key: ")
	assert.Contains(t, text, "Logged in as Ada Lovelace (ada@example.com) in Emulated Press.")

	before := len(readEmulatorLog(t, base).Requests)
	assert.Equal(t, "Hello, Ada Lovelace\n", run(nil))
	log := readEmulatorLog(t, base)
	assert.Len(t, log.Requests, before+1, "who the user is, and no login")
	assert.Empty(t, log.Findings)
}

// openTerminal returns a terminal, and what a person types into it and sees.
func openTerminal(t *testing.T) (keyboard, terminal *os.File) {
	t.Helper()
	keyboard, terminal, err := pty.Open()
	require.NoError(t, err)
	t.Cleanup(func() { keyboard.Close() })
	t.Cleanup(func() { terminal.Close() })
	return keyboard, terminal
}
