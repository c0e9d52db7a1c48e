package integration_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The READMEs of the stores show Go code for clients that the root module does not have, so
// internal/archtest leaves them to these tests.
const storeReadmes = "../../tokens/*/README.md"

// readmeSealKey is the key of the README's example: as "openssl rand -hex 32" prints it.
const readmeSealKey = "5ea15ea15ea15ea15ea15ea15ea15ea15ea15ea15ea15ea15ea15ea15ea15ea1"

// TestStoreReadmesWork runs the Go code of each store's README against a real server.
func TestStoreReadmesWork(t *testing.T) {
	t.Parallel()
	settings := map[string]func(t *testing.T) string{ // what its program wants in the environment
		"redisstore": func(t *testing.T) string { return "REDIS_ADDR=" + startRedis(t, redisWithoutSync...).addr },
		"pgstore":    func(t *testing.T) string { return "DATABASE_URL=" + startPostgres(t, postgresWithoutSync...).url("") },
	}
	readmes, err := filepath.Glob(storeReadmes)
	require.NoError(t, err)
	require.Len(t, readmes, len(settings), "a README without a test here is tested nowhere")
	for _, readme := range readmes {
		name := filepath.Base(filepath.Dir(readme))
		require.Contains(t, settings, name, "%s: say how to run it", readme)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(readme)
			require.NoError(t, err)
			blocks := goBlock.FindAllStringSubmatch(string(text), -1)
			require.Len(t, blocks, 1, "%s: want one whole program", readme)
			assert.Less(t, linesAfterImports(blocks[0][1]), 35, "%s: the program is long", readme)
			out := runText(t, blocks[0][1], settings[name](t), "SEAL_KEY="+readmeSealKey)
			assert.Equal(t, "the other replica has Ada's token: true\n", out)
		})
	}
}

// goBlock matches a fenced block of Go.
var goBlock = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

func linesAfterImports(program string) int {
	_, body, _ := strings.Cut(program, "\n)\n")
	return strings.Count(body, "\n")
}

// runText runs the text of a Go program in a folder of this module that exists only for the go
// command, and returns what it prints.
func runText(t *testing.T, program string, environment ...string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "main.go")
	require.NoError(t, os.WriteFile(file, []byte(program), 0o644))
	here, err := os.Getwd()
	require.NoError(t, err)
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(here, "zz_readme", "main.go"): file}})
	require.NoError(t, err)
	list := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(list, overlay, 0o644))
	run := exec.CommandContext(t.Context(), "go", "run", "-overlay", list, "./zz_readme")
	run.Env = append(os.Environ(), environment...)
	var stderr strings.Builder
	run.Stderr = &stderr
	out, err := run.Output()
	require.NoError(t, err, stderr.String())
	return string(out)
}
