package integration_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// childEnv is set in the processes that startChild starts, and names a row of children.
const childEnv = "CSOAUTH_INTEGRATION_CHILD"

// children are what this test binary does in another process. It reads JSON from its stdin, writes
// JSON to its stdout, and ends when its stdin does: none outlives a test, even one that was killed.
var children = map[string]func(){
	"crowd":       childOfCrowd,
	"herd":        childOfHerd,
	"bare herd":   childOfBareHerd,
	"codec herd":  childOfCodecHerd,
	"loopback":    childLogsIn,
	"visitor":     childVisits,
	"store fault": childOfStoreFault,
}

type child struct {
	t      testing.TB
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *json.Decoder
	stderr bytes.Buffer
	waited bool
}

// startChild starts a row of children, which is dead when the test ends. prepare may change how it
// is started.
func startChild(t testing.TB, row string, prepare ...func(*exec.Cmd)) *child {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	c := &child{t: t, cmd: exec.Command(exe)}
	// The race detector would let a process sleep for a second before it ends.
	c.cmd.Env = append(os.Environ(), childEnv+"="+row, "GORACE=atexit_sleep_ms=0")
	c.cmd.Stderr = &c.stderr
	for _, change := range prepare {
		change(c.cmd)
	}
	c.stdin, err = c.cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := c.cmd.StdoutPipe()
	require.NoError(t, err)
	c.stdout = json.NewDecoder(stdout)
	require.NoError(t, c.cmd.Start())
	t.Cleanup(func() {
		c.kill()
		c.wait()
	})
	return c
}

func (c *child) tell(v any) {
	c.t.Helper()
	require.NoError(c.t, json.NewEncoder(c.stdin).Encode(v), "another process does not listen")
}

func (c *child) hear(v any) {
	c.t.Helper()
	if err := c.stdout.Decode(v); err != nil {
		c.kill()
		c.wait()
		require.NoError(c.t, err, "another process said nothing, and ended with %v", c.cmd.ProcessState)
	}
}

// kill ends the process by SIGKILL. It may be called from any goroutine.
func (c *child) kill() { _ = c.cmd.Process.Kill() } // fails if it has ended, which is as good

// stop lets the process end. It may have something to say before it does.
func (c *child) stop() { _ = c.stdin.Close() }

// wait returns when the process has ended. What it wrote to stderr, such as a data race or a panic,
// fails the test.
func (c *child) wait() {
	if c.waited {
		return
	}
	c.waited = true
	_ = c.cmd.Wait() // its stderr tells
	c.stop()
	assert.Empty(c.t, c.stderr.String(), "the stderr of another process")
}
