//go:build unix

package browser_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/contentstack/csoauth/internal/browser"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A script is a browser that writes what it was given into a file, its process ID first, and does
// more.
func script(t *testing.T, more string) (path, given string) {
	t.Helper()
	return scriptNamed(t, "my browser", more)
}

func scriptNamed(t *testing.T, name, more string) (path, given string) {
	t.Helper()
	given = filepath.Join(t.TempDir(), "given")
	path = filepath.Join(t.TempDir(), name)
	text := "#!/bin/sh\necho noise; echo noise >&2\nprintf '%s\\n' $$ \"$@\" >" + given + ".part\nmv " + given + ".part " + given + "\n" + more + "\n"
	require.NoError(t, os.WriteFile(path, []byte(text), 0o700))
	return path, given
}

func read(t *testing.T, given string) (pid int, args []string) {
	t.Helper()
	var text []byte
	require.Eventually(t, func() (ok bool) {
		var err error
		text, err = os.ReadFile(given)
		return err == nil
	}, time.Minute, time.Millisecond)
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	pid, err := strconv.Atoi(lines[0])
	require.NoError(t, err)
	return pid, lines[1:]
}

const address = `https://example.com/#!/a?b=c&d=$(touch x);e="f" g`

// Law: L6
func TestAddressIsOneArgument(t *testing.T) {
	path, given := script(t, "")
	t.Setenv("BROWSER", path)
	p, err := browser.Open(address)
	require.NoError(t, err)
	defer p.Release()
	_, args := read(t, given)
	assert.Equal(t, []string{address}, args)
}

func TestWhatTheBrowserWritesGoesNowhere(t *testing.T) {
	stdout, stderr := os.Stdout, os.Stderr
	defer func() { os.Stdout, os.Stderr = stdout, stderr }()
	terminal, err := os.Create(filepath.Join(t.TempDir(), "terminal"))
	require.NoError(t, err)
	defer terminal.Close()
	os.Stdout, os.Stderr = terminal, terminal
	path, given := script(t, "")
	t.Setenv("BROWSER", path)
	p, err := browser.Open(address)
	require.NoError(t, err)
	defer p.Release()
	read(t, given)
	info, err := terminal.Stat()
	require.NoError(t, err)
	assert.Zero(t, info.Size())
}

func TestBrowserVariable(t *testing.T) {
	path, given := script(t, "")
	link := filepath.Join(t.TempDir(), "browser")
	require.NoError(t, os.Symlink(path, link))
	t.Setenv("BROWSER", "/nowhere/browser:"+link+" --new-window %s --u=%s:other")
	p, err := browser.Open(address)
	require.NoError(t, err)
	defer p.Release()
	_, args := read(t, given)
	assert.Equal(t, []string{"--new-window", address, "--u=" + address}, args)

	t.Setenv("BROWSER", `"`+path+`" -P "My Profile" --url=%s`)
	require.NoError(t, os.Remove(given))
	p, err = browser.Open(address)
	require.NoError(t, err)
	defer p.Release()
	_, args = read(t, given)
	assert.Equal(t, []string{"-P", "My Profile", "--url=" + address}, args)

	t.Setenv("BROWSER", "/nowhere/browser:/nowhere/other")
	_, err = browser.Open(address)
	require.ErrorContains(t, err, "/nowhere/browser")
	require.ErrorContains(t, err, "; ")
	require.ErrorContains(t, err, "/nowhere/other")
}

func TestFailureIsTold(t *testing.T) {
	for end, code := range map[string]string{"exit 1": "1", "exit 3": "3", "kill -9 $$": "137"} {
		path, _ := script(t, end)
		t.Setenv("BROWSER", path)
		p, err := browser.Open(address)
		require.NoError(t, err)
		require.Eventually(t, func() bool { err = p.Failed(); return err != nil }, time.Minute, time.Millisecond)
		require.EqualError(t, err, strconv.Quote(path)+" ended with code "+code)
		require.NoError(t, p.Failed(), "it is told once")
		p.Release()
	}
}

// explorer.exe of Windows ends with 1 when it has opened the address.
func TestExplorerEndsWithOneWhenItHasOpened(t *testing.T) {
	for name, test := range map[string]struct {
		program, end string
		failed       bool
	}{
		"it opened":          {"explorer.exe", "exit 1", false},
		"in capitals":        {"EXPLORER.EXE", "exit 1", false},
		"another code":       {"explorer.exe", "exit 2", true},
		"no error":           {"explorer.exe", "exit 0", false},
		"another program":    {"iexplorer.exe", "exit 1", true},
		"no Windows program": {"explorer", "exit 1", true},
	} {
		for _, linked := range []bool{false, true} {
			path, given := scriptNamed(t, test.program, test.end)
			if linked {
				link := filepath.Join(t.TempDir(), "browser")
				require.NoError(t, os.Symlink(path, link))
				path = link
			}
			t.Setenv("BROWSER", path)
			p, err := browser.Open(address)
			require.NoError(t, err)
			pid, _ := read(t, given)
			require.Eventually(t, func() bool {
				err = p.Failed()
				return err != nil || syscall.Kill(pid, 0) == syscall.ESRCH
			}, time.Minute, time.Millisecond)
			assert.Equal(t, test.failed, err != nil, "%s: %v", name, err)
		}
	}
}

// A program may wait for all of its children itself. Nobody knows then how the browser ended.
func TestBrowserThatAnotherWaitedForHasNotFailed(t *testing.T) {
	path, given := script(t, "exit 3")
	t.Setenv("BROWSER", path)
	p, err := browser.Open(address)
	require.NoError(t, err)
	pid, _ := read(t, given)
	_, err = syscall.Wait4(pid, nil, 0, nil)
	require.NoError(t, err)
	require.NoError(t, p.Failed())
	p.Release()
}

func TestProcessThatHasEndedIsGone(t *testing.T) {
	path, given := script(t, "")
	t.Setenv("BROWSER", path)
	p, err := browser.Open(address)
	require.NoError(t, err)
	pid, _ := read(t, given)
	require.Eventually(t, func() bool {
		require.NoError(t, p.Failed())
		return syscall.Kill(pid, 0) == syscall.ESRCH // not even a zombie is left
	}, time.Minute, time.Millisecond)
	p.Release()
}

// A browser that someone reads in stays open when the program ends or is interrupted.
func TestBrowserGoesOnInASessionOfItsOwn(t *testing.T) {
	path, given := script(t, "exec sleep 60")
	t.Setenv("BROWSER", path)
	p, err := browser.Open(address)
	require.NoError(t, err)
	pid, _ := read(t, given)
	defer func() {
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		_, _ = syscall.Wait4(pid, nil, 0, nil)
	}()
	group, err := syscall.Getpgid(pid)
	require.NoError(t, err)
	assert.Equal(t, pid, group)
	require.NoError(t, p.Failed())
	p.Release()
	p.Release() // does nothing
	require.NoError(t, p.Failed())
	assert.NoError(t, syscall.Kill(pid, 0))
}

// Nobody waits for a browser that outlives the login, until the next one begins.
func TestProcessThatEndsLaterGoesWithTheNextOpen(t *testing.T) {
	path, given := script(t, "exec sleep 60")
	t.Setenv("BROWSER", path)
	p, err := browser.Open(address)
	require.NoError(t, err)
	pid, _ := read(t, given)
	p.Release()
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	t.Setenv("BROWSER", "true")
	require.Eventually(t, func() bool {
		next, err := browser.Open(address)
		require.NoError(t, err)
		next.Release()
		return syscall.Kill(pid, 0) == syscall.ESRCH
	}, time.Minute, 10*time.Millisecond)
}
