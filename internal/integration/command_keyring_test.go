//go:build linux

package integration_test

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/csoauthtest"
)

// csoauth runs the command on a desktop, with further variables, and returns what it printed on
// standard output and on standard error, and its exit code.
func (d *desktop) csoauth(program string, variables []string, args ...string) (stdout, stderr string, code int) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), pageWait)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = slices.Concat(d.environ(), []string{"BROWSER=curl -sL -d decision=allow -o /dev/null"}, variables) // the last one counts
	var out, errors strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errors
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		require.ErrorAs(d.t, err, &exit)
	}
	return out.String(), errors.String(), cmd.ProcessState.ExitCode()
}

// TestCommandWithTheKeyring: a keyring that cannot be reached is no end of the login, and those who
// need no secret do not ask it.
func TestCommandWithTheKeyring(t *testing.T) {
	t.Parallel()
	d := startDesktop(t)
	d.unlock()
	csoauth := buildProgram(t, "./cmd/csoauth")
	server := csoauthtest.NewServer(t, nil)
	redirectURI := "http://" + freeAddr(t) + "/callback"
	config := server.Config(redirectURI)
	_, stderr, code := d.csoauth(csoauth, nil, "login", "--app-uid", config.AppUID, "--client-id", config.ClientID, "--redirect-uri", redirectURI, "--server", server.URL)
	require.Zero(t, code, stderr)
	assert.NotContains(t, stderr, "keyring")
	status, stderr, code := d.csoauth(csoauth, nil, "status", "--json")
	require.Zero(t, code, stderr)
	assert.Contains(t, status, `"key": "keyring"`)
	token, stderr, code := d.csoauth(csoauth, nil, "token")
	require.Zero(t, code, stderr)
	assert.Empty(t, stderr)

	const outOfReach = "csoauth: the key of the login is in the keyring, which cannot be reached from here"
	d.signal(syscall.SIGSTOP) // it never responds
	_, stderr, code = d.csoauth(csoauth, nil, "token")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, outOfReach)
	for _, args := range [][]string{{"--help"}, {"--version"}, {"completion", "bash"}, {"profiles"}, {"help", "token"}} {
		_, stderr, code := d.csoauth(csoauth, nil, args...)
		assert.Zero(t, code, "%v: %s", args, stderr)
	}
	d.signal(syscall.SIGCONT)
	eventually(t, func() bool {
		again, _, _ := d.csoauth(csoauth, nil, "token")
		return again == token
	}, "the login goes on")

	elsewhere := []string{"DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent", "XDG_RUNTIME_DIR=/nonexistent"} // as over SSH
	for _, args := range [][]string{{"token"}, {"api", "v3/user"}, {"logout"}, {"status"}, {"run", "true"}} {
		_, stderr, code := d.csoauth(csoauth, elsewhere, args...)
		want := 1
		if args[0] == "run" {
			want = 125
		}
		assert.Equal(t, want, code, "%v: %s", args, stderr)
		assert.Contains(t, stderr, "the key of the login is in the keyring, which cannot be reached from here", "%v", args)
		assert.Equal(t, 1, strings.Count(stderr, "\n"), "%v: one line: %s", args, stderr)
	}
	again, stderr, code := d.csoauth(csoauth, nil, "token")
	require.Zero(t, code, stderr)
	assert.Equal(t, token, again, "nothing was changed")

	_, stderr, code = d.csoauth(csoauth, elsewhere, "logout", "--forget-only")
	assert.Zero(t, code, stderr)
	_, stderr, code = d.csoauth(csoauth, nil, "token")
	assert.Equal(t, 4, code, stderr)
}
