package tokens_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// rounds returns n, or a quarter of it with -short.
func rounds(n int) int {
	if testing.Short() {
		return (n + 3) / 4
	}
	return n
}

// A process is this test binary, running a row of children. It reads what to do from its stdin, in
// JSON, and writes its results to its stdout. Its stdin stays open as long as the test that started
// it, and a row ends when it closes: none outlives a test that was killed itself.
type process struct {
	tb     testing.TB
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *json.Decoder
	stderr bytes.Buffer
	waited bool
}

// startProcess starts a row of children, which is dead when the test ends.
func startProcess(tb testing.TB, row string) *process {
	tb.Helper()
	exe, err := os.Executable()
	require.NoError(tb, err)
	p := &process{tb: tb, cmd: exec.Command(exe)}
	// The race detector would let a process sleep for a second before it ends.
	p.cmd.Env = append(os.Environ(), childEnv+"="+row, "GORACE=atexit_sleep_ms=0")
	p.cmd.Stderr = &p.stderr
	p.stdin, err = p.cmd.StdinPipe()
	require.NoError(tb, err)
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(tb, err)
	p.stdout = json.NewDecoder(stdout)
	require.NoError(tb, p.cmd.Start())
	tb.Cleanup(func() {
		p.kill()
		p.wait()
	})
	return p
}

// tell sends the process what it waits for.
func (p *process) tell(v any) {
	p.tb.Helper()
	require.NoError(p.tb, json.NewEncoder(p.stdin).Encode(v))
}

// hear reads what the process says next.
func (p *process) hear(v any) {
	p.tb.Helper()
	if err := p.stdout.Decode(v); err != nil {
		p.kill()
		p.wait()
		require.NoError(p.tb, err, "the other process said nothing, ended with %v, and wrote:\n%s", p.cmd.ProcessState, &p.stderr)
	}
}

// stop ends the process in peace: a row sees that its stdin is closed.
func (p *process) stop() { _ = p.stdin.Close() }

// kill ends it where it stands. It may be called from any goroutine.
func (p *process) kill() { _ = p.cmd.Process.Kill() } // fails if it has ended, which is as good

// wait returns when the process has ended. What it wrote to stderr, such as a data race or a panic,
// fails the test.
func (p *process) wait() {
	if p.waited {
		return
	}
	p.waited = true
	_ = p.cmd.Wait() // its callers look at ProcessState
	_ = p.stdin.Close()
	assert.Empty(p.tb, p.stderr.String(), "the stderr of another process")
}

// toldToProcess is what a row of children begins with: it reads what the process is told first, and
// returns a context that ends when its stdin does.
func toldToProcess(v any) context.Context {
	in := json.NewDecoder(os.Stdin)
	if err := in.Decode(v); err != nil {
		os.Exit(1) // the test has ended before it said anything
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return ctx
}

// processSays writes a result for the parent.
func processSays(v any) {
	if err := json.NewEncoder(os.Stdout).Encode(v); err != nil {
		os.Exit(1) // nobody listens any more
	}
}

// A processSite is what another process must know to work on the same logins.
type processSite struct {
	App, API, AppUID, ClientID, RedirectURI string
	Dir                                     tokens.Dir
	Keys                                    []string
}

// processSiteOf describes c without its client, which is of this process.
func processSiteOf(c *csoauth.Config, dir tokens.Dir, keys []string) processSite {
	hosts := c.Endpoints[csoauth.NA]
	return processSite{hosts.App, hosts.ContentManagement, c.AppUID, c.ClientID, c.RedirectURI, dir, keys}
}

// config is the Config in the other process.
func (s processSite) config() *csoauth.Config {
	return &csoauth.Config{
		AppUID: s.AppUID, ClientID: s.ClientID, RedirectURI: s.RedirectURI,
		Endpoints: map[csoauth.Region]csoauth.Endpoints{csoauth.NA: {App: s.App, ContentManagement: s.API}},
	}
}
