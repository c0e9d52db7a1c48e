//go:build clients

package integration_test

import (
	"bufio"
	"bytes"
	"context"
	"net/http"
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

// csdxApp is the app whose App UID and client ID are in the code of csdx.
var csdxApp = emulator.App{
	UID:          "6400aa06db64de001a31c8a9",
	ClientID:     "Ie0FEfTzlfAHL4xM",
	Name:         "Contentstack CLI",
	RedirectURIs: []string{"http://localhost:8184"},
	AllowPKCE:    true,
	Scopes:       []string{"user:read", "organization:read", "cm.stacks.management:read"},
}

// csdxWait is the longest that one command may take. Most take three seconds: csdx loads 751
// packages.
const csdxWait = 2 * time.Minute

// A csdx is Contentstack's command-line program, unmodified, with a home directory of its own.
type csdx struct {
	t     *testing.T
	c     *contentstack
	home  string
	clock []string // the command that sets its clock; empty: none
}

func newCsdx(t *testing.T, c *contentstack) *csdx {
	t.Helper()
	x := &csdx{t: t, c: c, home: t.TempDir()}
	out := x.ok("config:set:region", "NA")
	assert.Contains(t, out, "CMA host: https://api.contentstack.io\n")
	assert.Contains(t, out, "Developer Hub URL: https://developerhub-api.contentstack.com\n")
	return x
}

// ahead returns the same csdx with a clock that runs ahead.
func (x csdx) ahead(by string) *csdx {
	faketime, err := exec.LookPath("faketime")
	if err != nil {
		skipSuite(x.t, "csdx: run `make clients` as root on Debian, or install faketime")
	}
	x.clock = []string{faketime, "-f", by}
	return &x
}

// command prepares a command that is killed after csdxWait.
func (x *csdx) command(args ...string) (cmd *exec.Cmd, cancel context.CancelFunc) {
	x.t.Helper()
	node := needPackage(x.t, "csdx", "@contentstack/cli", "make clients")
	program, err := filepath.Abs(filepath.Join("csdx", "node_modules", "@contentstack", "cli", "bin", "run.js"))
	require.NoError(x.t, err)
	line := append(append(append([]string{}, x.clock...), node, program), args...)
	ctx, cancel := context.WithTimeout(x.t.Context(), csdxWait)
	cmd = exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Dir = x.home // it reads the file .env of its folder
	cmd.Env = []string{
		"HOME=" + x.home, "PATH=" + os.Getenv("PATH"), "NODE_EXTRA_CA_CERTS=" + x.c.authority,
		"BROWSER=true", // the program that opens the authorize URL: true does nothing
	}
	cmd.WaitDelay = 10 * time.Second
	return cmd, cancel
}

// run runs a command to its end, and returns what it printed and its exit code.
func (x *csdx) run(args ...string) (out string, code int) {
	x.t.Helper()
	cmd, cancel := x.command(args...)
	defer cancel()
	var printed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &printed
	err := cmd.Run()
	require.NotNil(x.t, cmd.ProcessState, "csdx did not start: %v", err)
	return plain(printed.String()), cmd.ProcessState.ExitCode()
}

// ok runs a command that exits with 0.
func (x *csdx) ok(args ...string) (out string) {
	x.t.Helper()
	out, code := x.run(args...)
	require.Zero(x.t, code, "csdx %s: %s", args[0], out)
	return out
}

// logIn runs the login, and does with the address that it prints what the visitor does in a
// browser.
func (x *csdx) logIn(visitor emulator.Visitor) {
	x.t.Helper()
	cmd, cancel := x.command("auth:login", "--oauth")
	defer cancel()
	stdout, err := cmd.StdoutPipe()
	require.NoError(x.t, err)
	cmd.Stderr = cmd.Stdout
	require.NoError(x.t, cmd.Start())
	var printed strings.Builder
	address, listens, visited := "", false, false
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		line := plain(lines.Text())
		printed.WriteString(line + "\n")
		if strings.HasPrefix(line, "https://") {
			address = line
		}
		listens = listens || strings.HasPrefix(line, "Waiting for the authorization server")
		if address != "" && listens && !visited {
			visited = true
			x.visit("http://localhost:8184/?" + x.c.callback(address, visitor).Encode())
		}
	}
	err = cmd.Wait()
	require.NoError(x.t, err, "%s", &printed)
	assert.Contains(x.t, printed.String(), "Access token successfully fetched using auth code.\n")
}

// visit opens the callback as the user's browser does.
func (x *csdx) visit(callback string) {
	x.t.Helper()
	browser := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: csdxWait}
	if resp, err := browser.Get(callback); err == nil { // csdx ends as soon as it has responded, so the response may be lost
		resp.Body.Close()
	}
}

// branches runs a command that makes one request with the access token.
func (x *csdx) branches() (out string, code int) {
	x.t.Helper()
	return x.run("cm:branches", "--stack-api-key", "blt0123456789abcdef")
}

var colour = regexp.MustCompile("\x1b\\[[0-9;]*m")

// plain returns text without its colours.
func plain(text string) string { return colour.ReplaceAllString(text, "") }

// newCsdxContentstack is newContentstack for csdx, with the API that branches calls.
func newCsdxContentstack(t *testing.T, o emulator.Options) *contentstack {
	t.Helper()
	c := newContentstack(t, o, csdxApp)
	c.API("GET /v3/stacks/branches", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"branches": [{"uid": "main", "source": "", "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z"}]}`))
	}))
	return c
}

const (
	csdxToken          = "POST developerhub-api.contentstack.com/token"
	csdxBranches       = "GET api.contentstack.io/v3/stacks/branches"
	csdxAuthorizations = "developerhub-api.contentstack.com/manifests/6400aa06db64de001a31c8a9/authorizations"
)

// What these tests find is the table of docs/emulator.md.
func TestCsdx(t *testing.T) {
	if !onHost(t, "") {
		return
	}
	c := newCsdxContentstack(t, emulator.Realistic())
	x := newCsdx(t, c)
	x.logIn(member)
	assert.Equal(t, []string{csdxToken, "GET api.contentstack.io/v3/user"}, c.requested()[2:], "after the consent")
	assert.Contains(t, x.ok("auth:whoami"), "\nalan@example.com\n")

	c.Expire("")
	out, code := x.branches()
	assert.Zero(t, code, out)
	assert.Contains(t, out, "Forcing token refresh...\n* main\n")
	assert.Equal(t, []string{csdxBranches, csdxToken, csdxBranches}, c.requested(), "it refreshes after a 401")

	out, code = x.ahead("+2h").branches()
	assert.Zero(t, code, out)
	assert.Contains(t, out, "Token expired, refreshing the token\n")
	assert.Contains(t, out, "\n* main\n")
	assert.Equal(t, []string{csdxToken, csdxBranches}, c.requested(), "it refreshes by its clock")

	assert.Contains(t, x.ok("auth:logout", "--yes"), "Successfully logged out")
	requested := c.requested()
	require.Len(t, requested, 2)
	assert.Equal(t, "GET "+csdxAuthorizations, requested[0])
	assert.Contains(t, requested[1], "DELETE "+csdxAuthorizations+"/")
	log := c.Requests()
	assert.Equal(t, "ended the authorization of Alan Turing", log[len(log)-1].Decision)
	assert.Contains(t, x.ok("auth:whoami"), "You are not logged in.")
	c.assertFindings("bearer-at-token-endpoint", "no-state")

	x.logIn(owner)
	c.requested()
	out = x.ok("auth:logout", "--yes")
	assert.Contains(t, out, "Logging out.......")
	assert.NotContains(t, out, "Successfully")
	assert.Equal(t, []string{"GET " + csdxAuthorizations}, c.requested(), "it looks at the first page only, and revokes nothing")
	assert.Contains(t, x.ok("auth:whoami"), "You are not logged in.", "it forgets its tokens all the same")
}

func TestCsdxAgainstStrict(t *testing.T) {
	if !onHost(t, "") {
		return
	}
	c := newCsdxContentstack(t, emulator.Strict())
	x := newCsdx(t, c)
	x.logIn(member)
	c.requested()

	c.Expire("")
	out, code := x.branches()
	assert.Equal(t, 1, code)
	assert.Equal(t, []string{csdxBranches, csdxToken, csdxToken, csdxToken}, c.requested())
	assert.Contains(t, out, "An error occurred while refreshing the token\n")
	assert.Contains(t, out, "refresh_token=", "it prints the form that it sent")

	out, code = x.ahead("+2h").branches()
	assert.Zero(t, code, "although it fails")
	assert.Contains(t, out, "Error refreshing token\n")
	assert.Equal(t, []string{csdxToken}, c.requested())
	assert.Contains(t, x.ok("auth:whoami"), "\nalan@example.com\n", "it keeps its tokens")
	c.assertFindings("no-state", "refused: bearer-at-token-endpoint")
}
