package integration_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// startOIDCProvider runs oidc-provider/server.mjs on a port that the system chooses, until the end
// of the test.
func startOIDCProvider(t *testing.T, lifetime time.Duration) string {
	const dir = "oidc-provider"
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(filepath.Join(dir, "node_modules", "oidc-provider"))
	}
	if err != nil {
		skipSuite(t, "oidc-provider: run `make setup` or install Node.js 20 and run `npm ci` in internal/integration/oidc-provider")
	}

	if lifetime == 0 {
		lifetime = time.Hour
	}
	cmd := exec.Command(node, "server.mjs", "0", strconv.Itoa(int(lifetime.Seconds())))
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe() // the server ends when this closes, even if this test cannot clean up any more
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		stdin.Close()
		cmd.Process.Kill() // an error means that it has ended by itself
		cmd.Wait()         // the error is that we killed it
		if t.Failed() {
			t.Logf("oidc-provider wrote to stderr:\n%s", &stderr)
		}
	})

	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err, "oidc-provider ended before it listened")
	return strings.TrimSpace(line)
}

// skipSuite skips a test for want of something, and says how to get it. Where everything should be
// there, it fails.
func skipSuite(t testing.TB, how string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal("SUITE SKIPPED: " + how)
	}
	t.Skip("SUITE SKIPPED: " + how)
}
