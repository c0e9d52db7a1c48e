package integration_test

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
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

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/emulator"
	"github.com/contentstack/csoauth/tokens"
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

// TestReadmeProgramOfTheAPIs runs the README's program that logs in and lists stacks against
// "csoauth emulate" as it stands there, but at free ports.
func TestReadmeProgramOfTheAPIs(t *testing.T) {
	t.Parallel()
	program := readmeProgram(t, "Contentstack's APIs", 16)
	program, base := atEmulator(t, program)
	exe, err := os.Executable()
	require.NoError(t, err)
	printed := strings.Split(strings.TrimSpace(runText(t, program, "BROWSER='"+exe+"'", childEnv+"=visitor", "GORACE=atexit_sleep_ms=0")), "\n")
	require.Len(t, printed, 230, "all stacks, from three pages")
	assert.Regexp(t, `^blt[0-9a-f]{16} Emulated Press stack 230$`, printed[229])
	assert.Empty(t, readEmulatorLog(t, base).Findings)
}

// TestReadmeProgramOfAWebServer runs the README's web server, and logs in to it.
func TestReadmeProgramOfAWebServer(t *testing.T) {
	t.Parallel()
	program, base := atEmulator(t, readmeProgram(t, "A web server", 16))
	redirectURI := regexp.MustCompile(`http://(localhost:\d+)/callback`).FindStringSubmatch(program)
	require.NotNil(t, redirectURI)
	require.Equal(t, 1, strings.Count(program, `"localhost:8184"`))
	program = strings.Replace(program, `"localhost:8184"`, `"`+redirectURI[1]+`"`, 1)
	server := exec.CommandContext(t.Context(), buildText(t, program)) // which the end of the test kills
	stdout, err := server.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, server.Start())
	defer server.Wait()
	defer server.Process.Kill()
	printed := bufio.NewScanner(stdout)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar, Transport: &emulator.Browser{Emulator: base, Transport: &http.Transport{DisableKeepAlives: true}}}
	require.EventuallyWithT(t, func(c *assert.CollectT) { // until it listens
		resp, err := browser.Get("http://" + redirectURI[1] + "/login")
		if assert.NoError(c, err) {
			resp.Body.Close()
		}
	}, time.Minute, 50*time.Millisecond)
	require.True(t, printed.Scan())
	assert.Equal(t, "logged in: blt00000000000ada01", printed.Text())
	assert.Empty(t, readEmulatorLog(t, base).Findings)
}

// TestReadmeProgramOfManyUsers runs the README's program for many users, one of whom has logged in
// before.
func TestReadmeProgramOfManyUsers(t *testing.T) {
	t.Parallel()
	program, base := atEmulator(t, readmeProgram(t, "Many users", 24))
	dir := t.TempDir()
	key, err := hex.DecodeString(readmeSealKey)
	require.NoError(t, err)
	store, err := tokens.Sealed(tokens.Dir(filepath.Join(dir, "tokens")), key)
	require.NoError(t, err)
	config := &csoauth.Config{
		AppUID: emulator.DefaultApp().UID, ClientID: emulator.DefaultApp().ClientID, RedirectURI: "http://localhost:3000/callback", AuthorizeRoute: csoauth.RoutePath,
		Endpoints: map[csoauth.Region]csoauth.Endpoints{csoauth.NA: csoauth.OneHost(base)},
	}
	users, err := tokens.New(config, store, nil)
	require.NoError(t, err)
	request, err := config.NewAuthRequest(nil)
	require.NoError(t, err)
	browser := &http.Client{Transport: &emulator.Browser{Emulator: base}}
	callback, _, err := emulator.SentBack(t.Context(), browser, base, config.AuthorizeURL(request))
	require.NoError(t, err)
	token, err := config.Exchange(t.Context(), request, callback)
	require.NoError(t, err)
	require.NoError(t, users.Put(t.Context(), "ada", token))
	require.NoError(t, users.Close())

	run := exec.CommandContext(t.Context(), buildText(t, program))
	run.Dir, run.Env = dir, append(os.Environ(), "SEAL_KEY="+readmeSealKey)
	out, err := run.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Equal(t, "ada is blt00000000000ada01\nalan has to log in\n", string(out))
	run = exec.CommandContext(t.Context(), run.Path)
	run.Dir, run.Env = dir, append(os.Environ(), "SEAL_KEY=")
	out, err = run.CombinedOutput()
	require.Error(t, err, "without a key nothing is stored in the clear")
	assert.Contains(t, string(out), "key")
}

// TestReadmeTestOfYourOwnCode runs the README's test.
func TestReadmeTestOfYourOwnCode(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	require.NoError(t, err)
	_, section, _ := strings.Cut(string(text), "\n## Tests of your own code\n")
	blocks := goBlock.FindAllStringSubmatch(section, -1)
	require.Len(t, blocks, 1)
	binary := filepath.Join(t.TempDir(), "app.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-o", binary, "-overlay", overlay(t, "zz_readme/app_test.go", blocks[0][1]), "./zz_readme")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	out, err = exec.CommandContext(t.Context(), binary, "-test.v").CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "--- PASS: TestUser")
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
	return buildIn(t, ".", "./zz_readme", "-overlay", overlay(t, "zz_readme/main.go", program))
}

// overlay returns the path of what tells the go command that this module has a file with that text.
func overlay(t *testing.T, path, text string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, filepath.Base(path))
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	here, err := os.Getwd()
	require.NoError(t, err)
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(here, path): file}})
	require.NoError(t, err)
	list := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(list, replace, 0o644))
	return list
}
