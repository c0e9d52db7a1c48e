package integration_test

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTestingGuide runs the commands of the guide to tests: the job with a client that breaks a
// rule, and the job with the requests that cause faults.
func TestTestingGuide(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"bash", "curl", "openssl"} {
		if _, err := exec.LookPath(program); err != nil {
			skipSuite(t, "curl: run `make setup` or install bash, curl and openssl")
		}
	}
	var job, faults string
	for _, block := range readGuide(t, "testing.md").blocks["sh"] {
		switch {
		case strings.Contains(block, "--fail-on-findings"):
			job = block
		case strings.Contains(block, "/_emulator/faults"):
			faults = block
		}
	}
	require.NotEmpty(t, job)
	require.NotEmpty(t, faults)
	csoauth := buildProgram(t, "./cmd/csoauth")
	login, err := filepath.Abs(filepath.Join("..", "..", "docs", "emulator", "login.sh"))
	require.NoError(t, err)
	for name, test := range map[string]struct {
		client string // in place of the reader's tests
		fails  bool
	}{
		"a client that breaks a rule": {login + " BASE 64e0f1a2b3c4d5e6f7a8b9c0 emulated-Client1 http://localhost:8184", true},
		"faults without a client":     {faults, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redirectURI, err := url.Parse(freeRedirectURI(t))
			require.NoError(t, err)
			at := "127.0.0.1:" + redirectURI.Port()
			script := job
			for _, change := range [][2]string{
				{"csoauth emulate", "'" + csoauth + "' emulate --addr " + at},
				{"./test-my-program http://127.0.0.1:8484\n", strings.ReplaceAll(test.client, "BASE", "http://"+at) + "\n"},
			} {
				require.Equal(t, 1, strings.Count(script, change[0]), change[0])
				script = strings.Replace(script, change[0], change[1], 1)
			}
			script = strings.ReplaceAll(script, "127.0.0.1:8484", at)
			cmd := exec.CommandContext(t.Context(), "bash", "-c", script)
			cmd.Dir = t.TempDir()
			out, err := cmd.CombinedOutput()
			printed, readErr := os.ReadFile(filepath.Join(cmd.Dir, "emulator.log"))
			require.NoError(t, readErr)
			if !test.fails {
				require.NoError(t, err, "%s\n%s", out, printed)
				return
			}
			require.Error(t, err)
			assert.Equal(t, 1, cmd.ProcessState.ExitCode(), "%s", out)
			assert.Contains(t, string(out)+string(printed), "refresh-token-reused")
		})
	}
}
