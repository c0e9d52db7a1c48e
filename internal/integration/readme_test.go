package integration_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
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

// TestReadmeProgramAfterTheLogin runs the README's program that logs in, lists and revokes against
// "csoauth emulate" as it stands there, but at free ports.
func TestReadmeProgramAfterTheLogin(t *testing.T) {
	t.Parallel()
	program := readmeProgram(t, "After the login", 20)
	program, base := atEmulator(t, program)
	exe, err := os.Executable()
	require.NoError(t, err)
	printed := strings.Split(strings.TrimSpace(runText(t, program, "BROWSER='"+exe+"'", childEnv+"=visitor", "GORACE=atexit_sleep_ms=0")), "\n")
	assert.Equal(t, "Hello, Ada Lovelace", printed[0])
	require.Len(t, printed, 1+230, "all stacks, from three pages")
	assert.Regexp(t, `^blt[0-9a-f]{16} Emulated Press stack 230$`, printed[230])

	log := readEmulatorLog(t, base)
	require.NotEmpty(t, log.Requests)
	last := log.Requests[len(log.Requests)-1]
	assert.Equal(t, http.MethodDelete, last.Method, last.Decision)
	assert.Less(t, last.Status, 300, last.Decision)
	assert.Empty(t, log.Findings)
}

// readmeProgram returns the program of a section of the README, whose main has so many lines at
// most.
func readmeProgram(t *testing.T, title string, most int) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "\n## "+title+"\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	blocks := goBlock.FindAllStringSubmatch(section, -1)
	require.Len(t, blocks, 1, "want one whole program")
	program := blocks[0][1]
	_, body, _ := strings.Cut(program, "func main() {\n")
	body, _, _ = strings.Cut(body, "\n}\n")
	assert.LessOrEqual(t, strings.Count(body, "\n")+1, most, "the program is long")
	return program
}

// atEmulator starts "csoauth emulate", and returns the program as it is for that, at free ports,
// and where the emulator is.
func atEmulator(t *testing.T, program string) (changed, base string) {
	t.Helper()
	redirectURI := freeRedirectURI(t)
	stdout := startProgram(t, os.Stderr, buildProgram(t, "./cmd/csoauth"),
		"emulate", "--addr", "127.0.0.1:0", "--quiet", "--fail-on-findings", "--redirect-uri", redirectURI)
	for lines := bufio.NewScanner(stdout); base == "" && lines.Scan(); {
		if _, after, ok := strings.Cut(lines.Text(), "Emulated Contentstack at "); ok {
			base, _, _ = strings.Cut(after, " ")
		}
	}
	require.NotEmpty(t, base, "the emulator does not say where it is")
	for old, replacement := range map[string]string{"http://127.0.0.1:8484": base, "http://localhost:8184/callback": redirectURI} {
		require.Equal(t, 1, strings.Count(program, old), old)
		program = strings.Replace(program, old, replacement, 1)
	}
	return program, base
}

// childVisits is the browser of a user who allows everything. Its argument is the address to open.
func childVisits() {
	address, err := url.Parse(os.Args[1])
	if err != nil {
		panic(err)
	}
	browser := &http.Client{Transport: &emulator.Browser{Emulator: address.Scheme + "://" + address.Host}, Timeout: time.Minute}
	resp, err := browser.Get(address.String())
	if err != nil {
		panic(err)
	}
	resp.Body.Close()
}

// An emulatorLog is what GET /_emulator/requests tells.
type emulatorLog struct {
	Requests []emulator.Request
	Findings []emulator.Finding
}

func readEmulatorLog(t *testing.T, base string) (log emulatorLog) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/_emulator/requests", nil)
	require.NoError(t, err)
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&log))
	return log
}

// goBlock matches a fenced block of Go.
var goBlock = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

func linesAfterImports(program string) int {
	_, body, _ := strings.Cut(program, "\n)\n")
	return strings.Count(body, "\n")
}

// runText runs the text of a Go program, and returns what it prints.
func runText(t *testing.T, program string, environment ...string) string {
	t.Helper()
	run := exec.CommandContext(t.Context(), buildText(t, program))
	run.Env = append(os.Environ(), environment...)
	var stderr strings.Builder
	run.Stderr = &stderr
	out, err := run.Output()
	require.NoError(t, err, stderr.String())
	return string(out)
}

// buildText compiles the text of a Go program in a folder of this module that exists only for the
// go command, and returns the path of what it makes.
func buildText(t *testing.T, program string) string {
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
	return buildIn(t, ".", "./zz_readme", "-overlay", list)
}
