package integration_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/csoauthtest"
)

// A shell is an interactive one in a terminal, with a person who types.
type shell struct {
	t        *testing.T
	keyboard *os.File
	mu       sync.Mutex
	seen     strings.Builder
	ended    chan struct{}
}

// newShell starts a shell in which $PROG is a program that logs its user in and writes a report to
// $REPORT, and its browser is f.
func newShell(t *testing.T, server *csoauthtest.Server, f *fakeBrowser, report string) *shell {
	t.Helper()
	program := f.program(server, f.path)
	keyboard, terminal := openTerminal(t)
	s := &shell{t: t, keyboard: keyboard, ended: make(chan struct{})}
	bash := exec.CommandContext(t.Context(), "bash", "--norc", "--noprofile", "-i")
	bash.Env = append(program.Env, "PROG="+program.Path, "REPORT="+report, "PS1=$ ", "HOME="+t.TempDir(), "HISTFILE=", "DISPLAY=:0")
	bash.Stdin, bash.Stdout, bash.Stderr = terminal, terminal, terminal
	bash.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(t, bash.Start())
	require.NoError(t, terminal.Close())
	go func() {
		defer close(s.ended)
		for b := make([]byte, 4096); ; {
			n, err := keyboard.Read(b)
			if err != nil {
				return // the shell has ended
			}
			s.mu.Lock()
			s.seen.Write(b[:n])
			s.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = bash.Process.Signal(syscall.SIGHUP) // which it passes on to its jobs
		_ = bash.Wait()
		_ = keyboard.Close()
		<-s.ended
	})
	s.sees("$ ")
	return s
}

func (s *shell) types(text string) {
	s.t.Helper()
	_, err := s.keyboard.WriteString(text)
	require.NoError(s.t, err)
}

func (s *shell) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen.String()
}

// pastes brings the program to the foreground, and carries the address there at which the browser
// ends.
func (s *shell) pastes(browser *http.Client, address string) {
	s.t.Helper()
	s.types("fg\n")
	s.sees("fg\r\n")
	browser.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Query().Has("code") {
			return http.ErrUseLastResponse
		}
		return nil
	}
	resp, err := browser.Get(address)
	require.NoError(s.t, err)
	resp.Body.Close()
	s.types(resp.Header.Get("Location") + "\n")
}

// sees waits for a text on the screen, and returns and forgets what was before it.
func (s *shell) sees(text string) (before string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return strings.Contains(s.text(), text) }, pageWait, 10*time.Millisecond, "%q is not in\n%s", text, s.text())
	s.mu.Lock()
	defer s.mu.Unlock()
	before, after, _ := strings.Cut(s.seen.String(), text)
	s.seen.Reset()
	s.seen.WriteString(after)
	return before
}

// TestLoginInTheBackgroundOfAShell: a person types on, and the login is neither stopped by that nor
// takes a line away. Back in the foreground it takes a pasted address.
func TestLoginInTheBackgroundOfAShell(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		start  string
		finish func(s *shell, browser *http.Client, address string)
	}{
		"started with &": {"\"$PROG\" >\"$REPORT\" &\n", nil},
		"sent there":     {"\"$PROG\" >\"$REPORT\"\n", nil},
		"and back":       {"\"$PROG\" >\"$REPORT\" &\n", (*shell).pastes},
		"by hand":        {byHandEnv + "=1 \"$PROG\" >\"$REPORT\" &\n", (*shell).pastes},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, f, report := csoauthtest.NewServer(t, nil), newFakeBrowser(t, ""), filepath.Join(t.TempDir(), "report")
			s := newShell(t, server, f, report)
			s.types(row.start)
			address := ""
			if name == "by hand" { // it opens no browser
				_, address, _ = strings.Cut(s.sees("paste it here:"), "http")
				address, _, _ = strings.Cut("http"+address, "\r")
				address, _, _ = strings.Cut(address, "\x1b")
			} else {
				_, args := f.started()
				address = args[0]
			}
			if name == "sent there" {
				s.sees("Waiting for the browser")
				s.types("\x1a") // Ctrl-Z
				s.sees("Stopped")
				s.types("bg\n")
				s.sees("&")
			}
			time.Sleep(time.Second) // for a Read that would stop the program
			s.types("echo 4$((1+1))\n")
			s.sees("42\r\n")
			s.types("jobs\n")
			s.sees("Running")
			browser := server.Browser()
			if row.finish != nil {
				row.finish(s, browser, address)
			} else {
				resp, err := browser.Get(address)
				require.NoError(t, err)
				resp.Body.Close()
			}
			var said loopbackReport
			require.Eventually(t, func() bool {
				text, err := os.ReadFile(report)
				return err == nil && json.Unmarshal(text, &said) == nil
			}, pageWait, 10*time.Millisecond, "%s", s.text())
			assert.Empty(t, said.Err)
			assert.True(t, said.Valid)
			assert.Empty(t, said.Leak)
			s.types("jobs; echo 4$((2+1))\n")
			s.sees("43\r\n")
			assert.NotContains(t, s.text(), "Stopped")
		})
	}
}
