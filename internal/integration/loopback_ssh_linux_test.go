package integration_test

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// remoteMachine gives a new host a neighbour, reached at 192.0.2.2.
const remoteMachine = `
mkdir -p /run/netns && mount -t tmpfs none /run/netns
ip netns add remote
ip link add here type veth peer name there
ip link set there netns remote
ip address add 192.0.2.1/24 dev here && ip link set here up
ip netns exec remote ip link set lo up
ip netns exec remote ip address add 192.0.2.2/24 dev there
ip netns exec remote ip link set there up`

// A transcript of a terminal can be read while it is written.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// TestLoopbackOverSSH: the program runs on another machine, in a terminal over SSH, and Chromium on
// this one. Its user carries the address there, or makes the tunnel that the program names.
func TestLoopbackOverSSH(t *testing.T) {
	if os.Getenv(hostEnv) == "" && os.Geteuid() != 0 {
		skipSuite(t, "SSH: run as root, which a server of SSH wants to be")
	}
	for _, way := range []string{"paste", "tunnel"} {
		t.Run(way, func(t *testing.T) {
			if !onHost(t, remoteMachine) {
				return
			}
			if _, err := os.Stat("/usr/sbin/sshd"); err != nil {
				skipSuite(t, "SSH: run `make setup` or install openssh-server and openssh-client")
			}
			const emulator = "http://127.0.0.1:8484" // there, and here through the first tunnel
			remote := []string{"netns", "exec", "remote"}
			startProgram(t, os.Stderr, "ip", append(remote, buildProgram(t, "./cmd/csoauth"), "emulate", "--addr", "127.0.0.1:8484", "--quiet", "--redirect-uri", hostRedirectURI)...)
			ssh := startSSHD(t, remote)

			exe, err := os.Executable()
			require.NoError(t, err)
			plan, err := json.Marshal(loopbackPlan{emulator, "64e0f1a2b3c4d5e6f7a8b9c0", "emulated-Client1", hostRedirectURI})
			require.NoError(t, err)
			command := "env " + childEnv + "=loopback '" + planEnv + "=" + string(plan) + "' BROWSER=false HOME=" + t.TempDir() + " " + exe
			program := exec.CommandContext(t.Context(), "ssh", append(ssh, "-tt", "-L", "8484:127.0.0.1:8484", "root@192.0.2.2", command)...)
			keyboard, err := program.StdinPipe()
			require.NoError(t, err)
			shown := new(screen)
			program.Stdout, program.Stderr = shown, shown
			require.NoError(t, program.Start())
			t.Cleanup(func() {
				_ = program.Process.Kill() // it may have ended
				_ = program.Wait()
			})
			sees := func(pattern string) []string {
				t.Helper()
				expression := regexp.MustCompile(pattern)
				require.Eventually(t, func() bool { return expression.MatchString(shown.String()) }, pageWait, 10*time.Millisecond, "%s is not in\n%s", pattern, shown)
				return expression.FindStringSubmatch(shown.String())
			}
			address := sees(`open this address:\s+(?:\x1b\[1m)?(http:[^\s\x1b]+)`)[1]
			tunnel := sees(`paste here the address that it shows,\r\nor first run where it is: ssh (-L 8184:localhost:8184 -p 2222 root@192\.0\.2\.2)\r\n`)[1]
			if way == "tunnel" {
				startTunnel(t, append(ssh, strings.Fields(tunnel)...))
			}

			c := newChrome(t)
			b := c.tab()
			b.logInAt(emulator, asAda)
			b.open(address)
			b.await("consent")
			b.click(allow)
			if way == "paste" {
				_, err := io.WriteString(keyboard, endedAt(b, hostRedirectURI+"?")+"\r")
				require.NoError(t, err)
			} else {
				b.await("logged-in")
			}
			var report loopbackReport
			require.NoError(t, json.Unmarshal([]byte(sees(`(\{"Err".*\})`)[1]), &report))
			assert.Empty(t, report.Err)
			assert.Empty(t, report.Leak)
			assert.True(t, report.Valid)
		})
	}
}

// endedAt waits until the tab cannot connect to an address that begins so, and returns it.
func endedAt(b *tab, prefix string) string {
	b.t.Helper()
	for end := time.Now().Add(pageWait); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		entries, current, err := b.tryHistory()
		if err == nil && len(entries) > 0 && strings.HasPrefix(entries[current].URL, prefix) {
			return entries[current].URL
		}
	}
	require.Fail(b.t, "the tab does not get there", prefix)
	return ""
}

// startSSHD starts a server on the remote machine, and returns the arguments with which ssh reaches
// it.
func startSSHD(t *testing.T, remote []string) []string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"host", "user"} {
		out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, name)).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	require.NoError(t, os.MkdirAll("/run/sshd", 0o755))
	log, err := os.Create(filepath.Join(dir, "log"))
	require.NoError(t, err)
	defer log.Close()
	server := exec.CommandContext(t.Context(), "ip", append(remote, "/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-p", "2222",
		"-h", filepath.Join(dir, "host"), "-o", "AuthorizedKeysFile="+filepath.Join(dir, "user.pub"), "-o", "StrictModes=no",
		"-o", "PidFile=none", "-o", "PermitRootLogin=yes", "-o", "UsePAM=no")...)
	server.Stdout, server.Stderr = log, log
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	ssh := []string{"-F", "/dev/null", "-p", "2222", "-i", filepath.Join(dir, "user"), "-o", "UserKnownHostsFile=/dev/null",
		"-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR", "-o", "ExitOnForwardFailure=yes", "-o", "ConnectTimeout=5"}
	require.Eventually(t, func() bool {
		return exec.Command("ssh", append(ssh, "root@192.0.2.2", "true")...).Run() == nil
	}, pageWait, 50*time.Millisecond, "sshd does not respond")
	return ssh
}

// startTunnel runs ssh until the end of the test, and returns when its tunnel is there.
func startTunnel(t *testing.T, args []string) {
	t.Helper()
	tunnel := exec.CommandContext(t.Context(), "ssh", append([]string{"-N"}, args...)...)
	require.NoError(t, tunnel.Start())
	t.Cleanup(func() {
		_ = tunnel.Process.Kill()
		_ = tunnel.Wait()
	})
	require.Eventually(t, func() bool { return len(listening(t)) > 0 }, pageWait, 50*time.Millisecond, "there is no tunnel")
}
