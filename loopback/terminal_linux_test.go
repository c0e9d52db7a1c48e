package loopback_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/loopback"
)

// rawTerminal returns a terminal in raw mode, and what types into it.
func rawTerminal(t *testing.T) (keyboard, terminal *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		require.FailNow(t, "this machine has no terminals", "%v", err)
	}
	t.Cleanup(func() { keyboard.Close() })
	ioctl := func(f *os.File, request uintptr, argument unsafe.Pointer) {
		conn, err := f.SyscallConn()
		require.NoError(t, err)
		require.NoError(t, conn.Control(func(fd uintptr) {
			_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(argument))
			require.Zero(t, errno)
		}))
	}
	var locked, number int32
	ioctl(keyboard, syscall.TIOCSPTLCK, unsafe.Pointer(&locked))
	ioctl(keyboard, syscall.TIOCGPTN, unsafe.Pointer(&number))
	terminal, err = os.OpenFile("/dev/pts/"+strconv.Itoa(int(number)), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { terminal.Close() })
	var mode syscall.Termios
	ioctl(terminal, syscall.TCGETS, unsafe.Pointer(&mode))
	mode.Iflag &^= syscall.ICRNL
	mode.Lflag &^= syscall.ICANON | syscall.ECHO
	ioctl(terminal, syscall.TCSETS, unsafe.Pointer(&mode))
	return keyboard, terminal
}

// What is typed after Enter is the program's.
func TestTerminalInRawMode(t *testing.T) {
	for _, name := range []string{"its Read can be interrupted", "its Read cannot be interrupted"} {
		t.Run(name, func(t *testing.T) {
			keyboard, terminal := rawTerminal(t)
			if name == "its Read cannot be interrupted" {
				terminal = blocking(t, terminal)
			}
			cs := csoauthtest.NewServer(t, nil)
			out := make(tell, 10)
			go func() { _, _ = io.WriteString(keyboard, "what?\r"+callbackOf(t, cs, <-out)+"\rx") }()
			token, err := loginWithin(t, t.Context(), cs.Config("http://localhost:8184/callback"), &loopback.Options{Manual: true, In: terminal, Out: out})
			require.NoError(t, err)
			assert.True(t, token.Valid())
			assertTyped(t, keyboard, terminal, "x")
		})
	}
}

// blocking opens a terminal anew, as programs inherit one: its Read cannot be interrupted.
func blocking(t *testing.T, terminal *os.File) *os.File {
	t.Helper()
	fd, err := syscall.Open(terminal.Name(), syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	require.NoError(t, err)
	again := os.NewFile(uintptr(fd), terminal.Name())
	t.Cleanup(func() { again.Close() })
	require.ErrorIs(t, again.SetReadDeadline(time.Time{}), os.ErrNoDeadline)
	return again
}

// assertTyped sees that what was typed for the program is what it reads next.
func assertTyped(t *testing.T, keyboard, terminal *os.File, typed string) {
	t.Helper()
	_, err := io.WriteString(keyboard, strings.Repeat("!", len(typed))) // so that a Read ends if it was lost
	require.NoError(t, err)
	next := make([]byte, len(typed))
	_, err = io.ReadFull(terminal, next)
	require.NoError(t, err)
	assert.Equal(t, typed, string(next))
}

// A program may go on to read its terminal itself, which is the In that nil means.
func TestReadOfStandardInputIsInterruptedAtATerminal(t *testing.T) {
	const here = "LOOPBACK_TEST_AT_ITS_TERMINAL"
	if os.Getenv(here) != "" {
		_, err := loginWithin(t, t.Context(), offline(), &loopback.Options{Manual: true, Out: io.Discard, Timeout: 10 * time.Millisecond})
		require.ErrorIs(t, err, loopback.ErrTimeout)
		assert.Zero(t, loopback.Left(), "the Read goes on")
		files, err := os.ReadDir("/proc/self/fd")
		require.NoError(t, err)
		for _, file := range files {
			opened, _ := os.Readlink("/proc/self/fd/" + file.Name())
			assert.NotEqual(t, "/dev/tty", opened, "a terminal was opened, and not closed")
		}
		return
	}
	_, terminal := rawTerminal(t)
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), here+"=1")
	child.Stdin = terminal
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true} // its controlling terminal
	said, err := child.CombinedOutput()
	require.NoError(t, err, "%s", said)
	assert.Contains(t, string(said), "--- PASS: "+t.Name())
}

// TestPasteWhileListening: whichever comes first, with the checks of both, and nothing stays
// behind.
func TestPasteWhileListening(t *testing.T) {
	for name, row := range map[string]struct {
		typed func(callback string) string
		said  string
	}{
		"an address":    {func(callback string) string { return callback + "\r" }, ""},
		"after Enter":   {func(callback string) string { return "\r\r" + callback + "\r" }, ""},
		"after rubbish": {func(callback string) string { return "what?\r" + callback + "\r" }, "That is not an address at http://localhost:"},
		"in two lines": {func(callback string) string {
			return callback[:len(callback)/2] + "\r" + callback[len(callback)/2:] + "\r"
		}, "Paste the rest of it"},
	} {
		t.Run(name, func(t *testing.T) {
			keyboard, terminal := rawTerminal(t)
			cs := csoauthtest.NewServer(t, nil)
			config := cs.Config("http://localhost:" + freePort() + "/callback")
			var out buffer
			token, err := loginWithin(t, t.Context(), config, &loopback.Options{In: terminal, Out: &out, OpenBrowser: func(_ context.Context, address string) error {
				callback := config.RedirectURI + "?" + cs.Callback(cs.Browser(), address).Encode()
				_, err := io.WriteString(keyboard, row.typed(callback))
				return err
			}})
			require.NoError(t, err)
			assert.True(t, token.Valid())
			assert.Contains(t, out.String(), "paste here the address that it ends at.")
			assert.Contains(t, out.String(), row.said)
			assert.Equal(t, row.said != "", strings.Contains(out.String(), "Paste the "), "a line was wrong: %s", out.String())
			_, err = io.WriteString(keyboard, "x")
			require.NoError(t, err)
			next := make([]byte, 1)
			_, err = io.ReadFull(terminal, next)
			require.NoError(t, err)
			assert.Equal(t, "x", string(next), "what is typed next is the program's")
		})
	}
}

// readsAside reports whether a login that listens reads its terminal.
func readsAside() bool {
	var stacks bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&stacks, 2)
	return strings.Contains(stacks.String(), ").readAside")
}

// TestTypedWhileThePageIsFetched: the outcome is known by then, so it is for the program.
func TestTypedWhileThePageIsFetched(t *testing.T) {
	keyboard, terminal := rawTerminal(t)
	cs := csoauthtest.NewServer(t, nil)
	config := cs.Config("http://localhost:" + freePort() + "/callback")
	browser := cs.Browser()
	u := newUser(t, &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.String() == config.RedirectURI { // the page, without the code
			assert.Eventually(t, func() bool { return !readsAside() }, 20*time.Second, time.Millisecond, "Login still reads the terminal")
			_, err := io.WriteString(keyboard, "x")
			assert.NoError(t, err)
		}
		return browser.Transport.RoundTrip(r)
	})})
	u.before = func(string) { assert.True(t, readsAside(), "an address can be pasted") }
	_, err := loginWithin(t, t.Context(), config, &loopback.Options{In: terminal, Out: io.Discard, OpenBrowser: u.open})
	require.NoError(t, err)
	assert.Contains(t, <-u.page, "You are logged in")
	assertTyped(t, keyboard, terminal, "x")
}

// TestTypedWhileTheCodeIsExchanged: the address was the last line for Login.
func TestTypedWhileTheCodeIsExchanged(t *testing.T) {
	keyboard, terminal := rawTerminal(t)
	cs := csoauthtest.NewServer(t, nil)
	config := cs.Config("http://localhost:" + freePort() + "/callback")
	config.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		_, err := io.WriteString(keyboard, "next\r")
		assert.NoError(t, err)
		time.Sleep(50 * time.Millisecond) // for a reader that should not be there
		return http.DefaultTransport.RoundTrip(r)
	})}
	_, err := loginWithin(t, t.Context(), config, &loopback.Options{In: terminal, Out: io.Discard, OpenBrowser: func(_ context.Context, address string) error {
		callback := config.RedirectURI + "?" + cs.Callback(cs.Browser(), address).Encode()
		_, err := io.WriteString(keyboard, callback+"\r")
		return err
	}})
	require.NoError(t, err)
	line := make([]byte, 5)
	_, err = io.ReadFull(terminal, line)
	require.NoError(t, err)
	assert.Equal(t, "next", strings.TrimSpace(string(line)))
}

// TestTerminalThatHangsUp is read no more, and the login goes on.
func TestTerminalThatHangsUp(t *testing.T) {
	keyboard, terminal := rawTerminal(t)
	cs := csoauthtest.NewServer(t, nil)
	u := newUser(t, cs.Browser())
	u.before = func(string) {
		assert.True(t, readsAside(), "an address can be pasted")
		assert.NoError(t, keyboard.Close())
		assert.Eventually(t, func() bool { return !readsAside() }, 20*time.Second, time.Millisecond, "Login reads it again and again")
	}
	token, err := loginWithin(t, t.Context(), cs.Config("http://localhost:"+freePort()+"/callback"), &loopback.Options{In: terminal, Out: io.Discard, OpenBrowser: u.open})
	require.NoError(t, err)
	assert.True(t, token.Valid())
}

// TestPasteDoesNotEndAnothersLogin: ten wrong lines are no reason to stop listening.
func TestPasteDoesNotEndAnothersLogin(t *testing.T) {
	keyboard, terminal := rawTerminal(t)
	cs := csoauthtest.NewServer(t, nil)
	config := cs.Config("http://localhost:" + freePort() + "/callback")
	u := newUser(t, cs.Browser())
	var out buffer
	u.before = func(string) {
		_, err := io.WriteString(keyboard, strings.Repeat(config.RedirectURI+"?code=c&state=another\r", 12))
		assert.NoError(t, err)
		assert.Eventually(t, func() bool { return strings.Count(out.String(), "of another login") == 10 }, 20*time.Second, time.Millisecond)
	}
	token, err := loginWithin(t, t.Context(), config, &loopback.Options{In: terminal, Out: &out, OpenBrowser: u.open})
	require.NoError(t, err)
	assert.True(t, token.Valid())
	assert.Contains(t, <-u.page, "You are logged in")
}

// TestReaderThatIsNoTerminalIsLeftAlone while the login listens: the next line is the program's.
func TestReaderThatIsNoTerminalIsLeftAlone(t *testing.T) {
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	defer reader.Close()
	_, err = io.WriteString(writer, "for the program\n")
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	cs := csoauthtest.NewServer(t, nil)
	u := newUser(t, cs.Browser())
	_, err = loginWithin(t, t.Context(), cs.Config("http://localhost:"+freePort()+"/callback"), &loopback.Options{In: reader, Out: io.Discard, OpenBrowser: u.open})
	require.NoError(t, err)
	all, err := io.ReadAll(reader)
	require.NoError(t, err)
	assert.Equal(t, "for the program\n", string(all))
}
