package main

import (
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

// BenchmarkToken starts "csoauth token" with a login whose key is in a file, and beside it the
// program in testdata/limit, which has net/http and prints a file. Compare cpu-ms/op: the time that
// a start takes depends on what else the machine does.
func BenchmarkToken(b *testing.B) {
	bin := b.TempDir()
	for name, pkg := range map[string]string{"csoauth": ".", "limit": "./testdata/limit"} {
		out, err := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(bin, name), pkg).CombinedOutput()
		require.NoError(b, err, "%s", out)
	}
	env := logInForBenchmark(b, filepath.Join(bin, "csoauth"))
	file := filepath.Join(bin, "token")
	require.NoError(b, os.WriteFile(file, []byte("0123456789abcdef0123456789abcdef\n"), 0o600))
	for _, args := range [][]string{{"csoauth", "token"}, {"limit", file}} {
		b.Run(args[0], func(b *testing.B) {
			var spent time.Duration
			for b.Loop() {
				cmd := exec.Command(filepath.Join(bin, args[0]), args[1:]...)
				cmd.Env = env
				out, err := cmd.Output()
				require.NoError(b, err)
				require.Len(b, string(out), 33)
				spent += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			}
			b.ReportMetric(float64(spent.Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
}

// logInForBenchmark logs a user in at an emulator, and returns the environment for later commands.
func logInForBenchmark(b *testing.B, csoauth string) []string {
	b.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	app := emulator.DefaultApp()
	app.RedirectURIs = []string{"http://" + free.Addr().String() + "/callback"}
	require.NoError(b, free.Close())
	e, err := emulator.New(emulator.Options{Apps: []emulator.App{app}})
	require.NoError(b, err)
	server := httptest.NewServer(e)
	b.Cleanup(server.Close)
	home := b.TempDir()
	browser, err := os.Executable() // the tests' own, as "person"
	require.NoError(b, err)
	person := filepath.Join(home, "person")
	require.NoError(b, os.Symlink(browser, person))
	env := []string{"HOME=" + home, "XDG_CONFIG_HOME=" + home, "XDG_CACHE_HOME=" + home, "BROWSER=" + person, "PATH=" + os.Getenv("PATH")}
	cmd := exec.Command(csoauth, "login", "--app-uid", app.UID, "--client-id", app.ClientID, "--redirect-uri", app.RedirectURIs[0], "--server", server.URL)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	require.NoError(b, err, "%s", out)
	return env
}
