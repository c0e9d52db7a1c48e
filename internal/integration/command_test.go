package integration_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCurlLoginAtTheCommand runs the script against "csoauth emulate" itself, with what that prints.
func TestCurlLoginAtTheCommand(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "csoauth")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/csoauth")
	build.Dir = filepath.Join("..", "..")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))

	emulate := exec.Command(binary, "emulate", "--addr", "127.0.0.1:0", "--quiet")
	stdout, err := emulate.StdoutPipe()
	require.NoError(t, err)
	emulate.Stderr = os.Stderr
	require.NoError(t, emulate.Start())
	defer func() {
		if runtime.GOOS == "windows" {
			emulate.Process.Kill()
			emulate.Wait()
			return
		}
		emulate.Process.Signal(syscall.SIGTERM)
		assert.NoError(t, emulate.Wait())
	}()

	told := map[string]string{}
	for lines := bufio.NewScanner(stdout); told["User API"] == "" && lines.Scan(); {
		if columns := regexp.MustCompile(`\s{2,}`).Split(strings.TrimSpace(lines.Text()), 3); len(columns) > 1 {
			told[columns[0]] = columns[1]
		}
	}
	base := strings.TrimSuffix(told["User API"], "/v3/user")
	printed, stderr, code := curlLogin(t, base, told["App UID"], told["Client ID"], told["Redirect URIs"])
	assert.Zero(t, code, stderr)
	assert.Contains(t, printed, "7. the used refresh token is refused: invalid_grant\n")
}
