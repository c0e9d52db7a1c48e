package integration_test

import (
	"cmp"
	"context"
	"io"
	"net"
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
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/loopback"
)

// hostEnv names the test that runs on a host of its own, in the environment of the process that
// does so.
const hostEnv = "CSOAUTH_INTEGRATION_HOST"

// onHost runs the test once more, as another process, on a host that nobody else is on. That is a
// network namespace, in which the commands of prepare have changed the addresses of lo, and a mount
// namespace, in which the test may mount what it likes. onHost returns true there, and the test
// goes on; and false here, when that has passed.
func onHost(t *testing.T, prepare string) bool {
	t.Helper()
	if os.Getenv(hostEnv) == t.Name() {
		return true
	}
	t.Parallel()
	if _, err := exec.LookPath("ip"); err != nil {
		skipSuite(t, "hosts: run `make setup` or install iproute2 on Linux")
	}
	unshare := []string{"unshare", "--net", "--mount"}
	if os.Geteuid() != 0 {
		unshare = append(unshare, "--map-root-user")
	}
	if out, err := exec.Command(unshare[0], append(unshare[1:], "true")...).CombinedOutput(); err != nil {
		skipSuite(t, "hosts: run as root on Linux, or allow user namespaces ("+strings.TrimSpace(string(out))+")")
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	name := "^" + strings.ReplaceAll(regexp.QuoteMeta(t.Name()), "/", "$/^") + "$"
	args := append(unshare[1:], "sh", "-euc", "ip link set lo up\n"+prepare+"\n"+`exec "$0" "$@"`,
		exe, "-test.run="+name, "-test.timeout=15m", "-test.v")
	cmd := exec.CommandContext(t.Context(), unshare[0], args...)
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	cmd.Env = append(os.Environ(), hostEnv+"="+t.Name(), "GORACE=atexit_sleep_ms=0",
		"XDG_CACHE_HOME="+t.TempDir(), // the locks of ports are of one machine
		"GOCACHE="+cmp.Or(os.Getenv("GOCACHE"), filepath.Join(cache, "go-build")))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	if skipped := skippedSuite.FindSubmatch(out); skipped != nil {
		skipSuite(t, string(skipped[1]))
	}
	require.Contains(t, string(out), "--- PASS: "+t.Name())
	return false
}

// skippedSuite finds what skipSuite printed.
var skippedSuite = regexp.MustCompile(`SUITE SKIPPED: (.*)`)

// hostRedirectURI is free on every new host.
const hostRedirectURI = "http://localhost:8184/callback"

// listening returns the addresses of this host at which a process listens at the port of
// hostRedirectURI.
func listening(t *testing.T) (addresses []string) {
	t.Helper()
	out, err := exec.Command("ss", "-Hltn", "sport = :8184").Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(out)) {
		addresses = append(addresses, strings.Fields(line)[3])
	}
	return addresses
}

// withPort returns the hosts with the port of hostRedirectURI.
func withPort(hosts []string) (addresses []string) {
	for _, host := range hosts {
		addresses = append(addresses, host+":8184")
	}
	return addresses
}

// atHost returns hostRedirectURI with another host.
func atHost(host string) string { return strings.Replace(hostRedirectURI, "localhost", host, 1) }

// notOpened does a login that must end with an error before it opens a browser, and returns that.
func notOpened(t *testing.T, config *csoauth.Config) error {
	t.Helper()
	_, err := loopback.Login(t.Context(), config, &loopback.Options{Out: io.Discard, Timeout: time.Second, OpenBrowser: func(context.Context, string) error {
		assert.Fail(t, "a browser was opened")
		return nil
	}})
	require.Error(t, err)
	return err
}

func TestLoopbackHosts(t *testing.T) {
	for _, host := range []struct {
		name, prepare string
		has           []string
		lacks         string
		squats        []string // where nobody else can listen during a login, besides has
	}{
		{"both", "", []string{"127.0.0.1", "[::1]"}, "", []string{"0.0.0.0", "[::]"}},
		{"IPv4 only", "ip address del ::1/128 dev lo", []string{"127.0.0.1"}, "[::1]", []string{"0.0.0.0", "[::]"}},
		{"IPv6 disabled", "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6", []string{"127.0.0.1"}, "[::1]", []string{"0.0.0.0", "[::]"}},
		{"IPv6 only", "ip address del 127.0.0.1/8 dev lo", []string{"[::1]"}, "127.0.0.1", nil},
	} {
		t.Run(host.name, func(t *testing.T) {
			if !onHost(t, host.prepare) {
				return
			}
			server := csoauthtest.NewServer(t, nil)
			config := server.Config(hostRedirectURI)
			c := newChrome(t)
			b := c.tab()
			l := startLoopback(t, config, loopback.Options{})
			assert.ElementsMatch(t, withPort(host.has), listening(t))
			for _, at := range withPort(append(host.squats, host.has...)) {
				_, err := net.Listen("tcp", at)
				require.Error(t, err, "another process can listen at %s", at)
			}
			u, err := url.Parse(server.URL)
			require.NoError(t, err)
			local := *server // as the browser knows it, which is not let to other addresses
			local.URL = "http://localhost:" + u.Port()
			b.consent(&local, strings.Replace(l.address, server.URL, local.URL, 1))
			b.click(allow)
			l.assertLoggedIn(b)
			assert.Empty(t, listening(t))

			for _, ip := range host.has {
				literal := startLoopback(t, server.Config(atHost(ip)), loopback.Options{})
				assert.Equal(t, withPort([]string{ip}), listening(t))
				resp, err := server.Browser().Get(literal.address)
				require.NoError(t, err)
				resp.Body.Close()
				_, err = literal.result()
				require.NoError(t, err)
			}
			if host.lacks != "" {
				err := notOpened(t, server.Config(atHost(host.lacks)))
				assert.NotErrorIs(t, err, loopback.ErrPortInUse)
				assert.ErrorContains(t, err, host.lacks+":8184: bind: cannot assign requested address")
				assert.Empty(t, listening(t))
			}
		})
	}
}

// Who listens at the port on any address of localhost might get the code.
func TestLoopbackSquatters(t *testing.T) {
	if !onHost(t, "") {
		return
	}
	for _, squat := range []struct{ network, host string }{
		{"tcp", "127.0.0.1"},
		{"tcp", "[::1]"},
		{"tcp", "0.0.0.0"},
		{"tcp", "[::]"}, // and IPv4
		{"tcp6", "[::]"},
	} {
		t.Run(squat.network+" "+squat.host, func(t *testing.T) {
			squatter, err := net.Listen(squat.network, squat.host+":8184")
			require.NoError(t, err)
			defer squatter.Close()
			config := csoauthtest.NewServer(t, nil).Config(hostRedirectURI)
			before := listening(t)
			assert.ErrorIs(t, notOpened(t, config), loopback.ErrPortInUse)
			assert.Equal(t, before, listening(t), "nothing of ours stays")
		})
	}
}
