package archtest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestImportersGetNoKeyring: those who use neither clilogin nor tokens/keyring have nothing of
// go-keyring in their go.mod, go.sum or program, nor of what it needs.
func TestImportersGetNoKeyring(t *testing.T) {
	needs(t, "go")
	dir := t.TempDir()
	checkout, err := filepath.Abs(root)
	require.NoError(t, err)
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	ours, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	write("go.sum", string(ours)) // so that no checksum is looked up; go mod tidy takes out what is not needed
	write("go.mod", "module example.com/importer\n\ngo 1.26.0\n\nrequire "+module+" v0.0.0\n\nreplace "+module+" => "+checkout+"\n")
	run := func(args ...string) string {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off") // all is in the module cache
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	gets := func(packages ...string) map[string]string {
		text := "package main\n"
		for _, pkg := range packages {
			text += "import _ \"" + strings.TrimSuffix(module+"/"+pkg, "/") + "\"\n"
		}
		write("main.go", text+"func main() {}\n")
		run("mod", "tidy")
		got := map[string]string{"build": run("list", "-deps", ".")}
		for _, name := range []string{"go.mod", "go.sum"} {
			file, err := os.ReadFile(filepath.Join(dir, name))
			require.NoError(t, err)
			got[name] = string(file)
		}
		return got
	}
	theirs := []string{"go-keyring", "godbus", "wincred"}
	for where, text := range gets("", "tokens", "loopback", "csapi", "httplogin") {
		for _, name := range theirs {
			assert.NotContains(t, text, name, where)
		}
	}
	for _, name := range theirs {
		assert.Contains(t, string(ours), name, "these are their names")
	}
}
