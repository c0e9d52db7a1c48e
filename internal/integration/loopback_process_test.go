package integration_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/loopback"
)

// A loopbackPlan, in the environment variable planEnv, is what a program that logs its user in
// needs for that.
type loopbackPlan struct{ URL, AppUID, ClientID, RedirectURI string }

const planEnv = "CSOAUTH_INTEGRATION_PLAN"

// byHandEnv has that program read a pasted address, and listen nowhere.
const byHandEnv = "CSOAUTH_INTEGRATION_BY_HAND"

// A loopbackReport is what that program writes to its stdout after the login.
type loopbackReport struct {
	Err, Leak string
	Valid     bool
	Children  []string // the state of each process that it has started and that is still known: S sleeps, Z is a zombie
}

// childLogsIn logs its user in by the browser that $BROWSER names.
func childLogsIn() {
	var plan loopbackPlan
	if err := json.Unmarshal([]byte(os.Getenv(planEnv)), &plan); err != nil {
		panic(err)
	}
	transport := &http.Transport{}
	config := &csoauth.Config{
		AppUID: plan.AppUID, ClientID: plan.ClientID, RedirectURI: plan.RedirectURI,
		Endpoints:  map[csoauth.Region]csoauth.Endpoints{csoauth.NA: {App: plan.URL}},
		HTTPClient: &http.Client{Transport: transport},
	}
	var report loopbackReport
	token, err := loopback.Login(context.Background(), config, &loopback.Options{Manual: os.Getenv(byHandEnv) != ""})
	if err != nil {
		report.Err = err.Error()
	}
	report.Valid = token.Valid()
	report.Children = startedProcesses()
	transport.CloseIdleConnections()
	if err := goleak.Find(); err != nil {
		report.Leak = err.Error()
	}
	if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
		panic(err)
	}
}

// startedProcesses returns the state of each child of this process.
func startedProcesses() (states []string) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is good
	for _, path := range stats {
		if fields := statOf(path); len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) {
			states = append(states, fields[0])
		}
	}
	return states
}

// statOf returns what proc(5) tells of a process: its state, parent, process group and session, and
// more; nothing if it is gone.
func statOf(path string) []string {
	stat, _ := os.ReadFile(path)
	_, after, _ := strings.Cut(string(stat), ") ") // the program's name
	return strings.Fields(after)
}

// A fakeBrowser is a script that notes how it was started, and says things that nobody should see.
type fakeBrowser struct {
	t         *testing.T
	dir, path string
}

// newFakeBrowser makes one that goes on with the commands of then.
func newFakeBrowser(t *testing.T, then string) *fakeBrowser {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		skipSuite(t, "processes: run on Linux")
	}
	f := &fakeBrowser{t: t, dir: t.TempDir()}
	f.path = filepath.Join(f.dir, "browser")
	script := `#!/bin/sh
cd "$(dirname "$0")"
printf '%s\n' $$ "$@" >started.tmp
echo noise; echo noise >&2
mv started.tmp started
` + then + "\n"
	require.NoError(t, os.WriteFile(f.path, []byte(script), 0o700))
	return f
}

// started waits until the script runs, and returns its process ID and arguments. It ends with the
// test.
func (f *fakeBrowser) started() (pid int, args []string) {
	f.t.Helper()
	var noted []byte
	require.Eventually(f.t, func() (ok bool) {
		var err error
		noted, err = os.ReadFile(filepath.Join(f.dir, "started"))
		return err == nil
	}, pageWait, 20*time.Millisecond, "no browser was started")
	lines := strings.Split(strings.TrimSpace(string(noted)), "\n")
	pid, err := strconv.Atoi(lines[0])
	require.NoError(f.t, err)
	return pid, lines[1:]
}

// runs reports whether the script still does, and whether in a session of its own.
func runs(pid int) (runs, ownSession bool) {
	fields := statOf(fmt.Sprintf("/proc/%d/stat", pid))
	return len(fields) > 3 && fields[0] != "Z", len(fields) > 3 && fields[3] == strconv.Itoa(pid)
}

// end ends a script that still runs.
func (f *fakeBrowser) end(pid int) {
	if still, _ := runs(pid); !still {
		return
	}
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill() // fails if it has just ended, which is as good
	}
}

// program returns a program that logs its user in to the server, with what $BROWSER names.
func (f *fakeBrowser) program(server *csoauthtest.Server, browser string) *exec.Cmd {
	f.t.Helper()
	exe, err := os.Executable()
	require.NoError(f.t, err)
	config := server.Config(freeRedirectURI(f.t))
	plan, err := json.Marshal(loopbackPlan{server.URL, config.AppUID, config.ClientID, config.RedirectURI})
	require.NoError(f.t, err)
	cmd := exec.CommandContext(f.t.Context(), exe)
	cmd.Env = append(os.Environ(), childEnv+"=loopback", planEnv+"="+string(plan), "BROWSER="+browser, "TERM=xterm", "GORACE=atexit_sleep_ms=0")
	return cmd
}

// A transcript is a file that a program writes to and the test reads meanwhile.
type transcript struct{ *os.File }

func newTranscript(t *testing.T) transcript {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	t.Cleanup(func() { file.Close() })
	return transcript{file}
}

func (f transcript) String() string {
	text, _ := os.ReadFile(f.Name())
	return string(text)
}

// eventually waits until something is true.
func eventually(t *testing.T, ok func() bool, what string) {
	t.Helper()
	require.Eventually(t, ok, pageWait, 20*time.Millisecond, what)
}

func TestLoopbackBrowserProcess(t *testing.T) {
	for _, test := range []struct {
		name, then string
		command    string // in $BROWSER, after the script
		args       []string
		says       string
		stays      bool
	}{
		{name: "ends at once", then: "exit 0", args: []string{"ADDRESS"}},
		{name: "fails", then: "exit 3", args: []string{"ADDRESS"}, says: "ended with code 3). Open the address yourself."},
		{name: "stays", then: "exec sleep 100", args: []string{"ADDRESS"}, stays: true},
		{
			name: "no shell", then: "exit 0", command: " --new %s;touch${IFS}there&$(id) `ls` *",
			args: []string{"--new", "ADDRESS;touch${IFS}there&$(id)", "`ls`", "*"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newFakeBrowser(t, test.then)
			server := csoauthtest.NewServer(t, nil)
			program := f.program(server, f.path+test.command)
			stdout, stderr := newTranscript(t), newTranscript(t)
			program.Stdout, program.Stderr = stdout.File, stderr.File
			require.NoError(t, program.Start())
			pid, args := f.started()
			defer f.end(pid)
			eventually(t, func() bool { still, _ := runs(pid); return still == test.stays }, "the browser goes on, or ends")
			eventually(t, func() bool { return strings.Contains(stderr.String(), "Waiting") }, "the program asks for the login")
			eventually(t, func() bool { return strings.Contains(stderr.String(), test.says) }, "the program says what went wrong")
			_, after, _ := strings.Cut(stderr.String(), "\n\n  ")
			address, _, _ := strings.Cut(after, "\n")
			require.Contains(t, address, "&", "where a shell would cut it")
			assert.Equal(t, strings.ReplaceAll(strings.Join(test.args, "\n"), "ADDRESS", address), strings.Join(args, "\n"))

			resp, err := server.Browser().Get(address)
			require.NoError(t, err)
			resp.Body.Close()
			require.NoError(t, program.Wait(), "%s", stderr)
			want := loopbackReport{Valid: true}
			if test.stays {
				want.Children = []string{"S"}
			}
			var report loopbackReport
			require.NoError(t, json.Unmarshal([]byte(stdout.String()), &report), "%s", stdout)
			assert.Equal(t, want, report)
			assert.NotContains(t, stderr.String(), "noise")
			still, _ := runs(pid)
			assert.Equal(t, test.stays, still, "the browser outlives the program")
		})
	}
}

// Ctrl-C in a terminal ends the program. The user still reads in the browser.
func TestLoopbackCtrlC(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("script"); err != nil {
		skipSuite(t, "terminal: install bsdutils")
	}
	f := newFakeBrowser(t, "exec sleep 100")
	program := f.program(csoauthtest.NewServer(t, nil), f.path)
	terminal := exec.CommandContext(t.Context(), "script", "--quiet", "--flush", "--return", "--command", "exec env --default-signal=INT '"+program.Path+"'", os.DevNull) // a test that runs in the background has it ignored
	terminal.Env = program.Env
	screen := newTranscript(t)
	terminal.Stdout = screen.File
	keys, err := terminal.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, terminal.Start())
	pid, _ := f.started()
	defer f.end(pid)
	eventually(t, func() bool { return strings.Contains(screen.String(), "Waiting for the browser, until ") }, "the terminal shows how long is left")

	_, err = io.WriteString(keys, "\x03")
	require.NoError(t, err)
	var exit *exec.ExitError
	require.ErrorAs(t, terminal.Wait(), &exit)
	assert.Equal(t, 128+2, exit.ExitCode(), "SIGINT: %s", screen)
	still, ownSession := runs(pid)
	assert.True(t, still)
	assert.True(t, ownSession)
}
