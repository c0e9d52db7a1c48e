//go:build unix

package loopback_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/loopback"
)

// A watcher calls then when what was written contains text.
type watcher struct {
	buffer
	text string
	then func()
}

func (w *watcher) Write(p []byte) (int, error) {
	n, err := w.buffer.Write(p)
	if strings.Contains(w.String(), w.text) {
		w.then()
	}
	return n, err
}

// A script is a browser that writes its process ID and what it was given into a file, and does
// more.
func script(t *testing.T, more string) (given string) {
	t.Helper()
	given = filepath.Join(t.TempDir(), "given")
	path := filepath.Join(t.TempDir(), "browser")
	text := "#!/bin/sh\nprintf '%s\\n' $$ \"$@\" >" + given + ".part\nmv " + given + ".part " + given + "\n" + more + "\n"
	require.NoError(t, os.WriteFile(path, []byte(text), 0o700))
	t.Setenv("BROWSER", path)
	return given
}

func TestBrowserThatEndsWithAnErrorIsTold(t *testing.T) {
	given := script(t, "exit 3")
	config := offline()
	config.RedirectURI = "http://localhost:" + freePort() + "/callback"
	ctx, cancel := context.WithCancel(t.Context())
	out := &watcher{text: "ended with code 3", then: cancel}
	_, err := loopback.Login(ctx, config, &loopback.Options{Out: out, Timeout: time.Minute})
	require.ErrorIs(t, err, context.Canceled, out.String())
	text, err := os.ReadFile(given)
	require.NoError(t, err)
	_, address, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	assert.Contains(t, out.String(), "\n  "+address+"\n", "it is the one that the terminal shows")
}

// Login lets go of the browser, so that the next one finds it when it has ended.
func TestBrowserThatOutlivesItsLoginIsNoZombie(t *testing.T) {
	given := script(t, "exec sleep 60")
	config := offline()
	config.RedirectURI = "http://localhost:" + freePort() + "/callback"
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	over := make(chan error, 1)
	go func() {
		_, err := loopback.Login(ctx, config, &loopback.Options{Out: new(buffer), Timeout: time.Minute})
		over <- err
	}()
	var text []byte
	require.Eventually(t, func() (ok bool) {
		var err error
		text, err = os.ReadFile(given)
		return err == nil
	}, 30*time.Second, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-over, context.Canceled)
	line, _, _ := bytes.Cut(text, []byte("\n"))
	pid, err := strconv.Atoi(string(line))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL), "it outlives its Login")
	t.Setenv("BROWSER", "true")
	require.Eventually(t, func() bool {
		_, err := loopback.Login(t.Context(), config, &loopback.Options{Out: new(buffer), Timeout: time.Millisecond})
		return assert.ErrorIs(t, err, loopback.ErrTimeout) && syscall.Kill(pid, 0) == syscall.ESRCH
	}, 30*time.Second, 10*time.Millisecond)
}

func TestTerminalIsNoFile(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	defer file.Close()
	device, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a character device, as terminals are
	require.NoError(t, err)
	defer device.Close()
	closed, err := os.Open(os.DevNull)
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	for name, test := range map[string]struct {
		out           *os.File
		term, noColor string
		live, colour  bool
	}{
		"a terminal":      {device, "xterm", "", true, true},
		"without colours": {device, "xterm", "1", true, false},
		"a dumb one":      {device, "dumb", "", false, false},
		"a file":          {file, "xterm", "", false, false},
		"a closed file":   {closed, "xterm", "", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TERM", test.term)
			t.Setenv("NO_COLOR", test.noColor)
			live, colour := loopback.TerminalOf(test.out)
			assert.Equal(t, test.live, live)
			assert.Equal(t, test.colour, colour)
		})
	}
	live, _ := loopback.TerminalOf(new(buffer))
	assert.False(t, live)
}
