package integration_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// buildProgram builds a program of the root module, and returns where it is.
func buildProgram(t *testing.T, pkg string, flags ...string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "program.exe") // Windows wants the ending, and nobody else minds
	build := exec.CommandContext(t.Context(), "go", append(append([]string{"build", "-o", binary}, flags...), pkg)...)
	build.Dir = filepath.Join("..", "..")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	return binary
}

// startProgram starts a program that ends with the test, and returns its standard output. What it writes to standard error
// goes into the file.
func startProgram(t *testing.T, stderr *os.File, program string, args ...string) io.Reader {
	t.Helper()
	keeper := exec.Command(os.Args[0], append([]string{program}, args...)...)
	keeper.Env = append(os.Environ(), keeperEnv+"=1")
	keeper.Stderr = stderr
	stdin, err := keeper.StdinPipe()
	require.NoError(t, err)
	stdout, err := keeper.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, keeper.Start())
	t.Cleanup(func() {
		stdin.Close()
		assert.NoError(t, keeper.Wait(), program)
	})
	return stdout
}

// keeperEnv is set in the processes that startProgram starts, which are this test binary.
const keeperEnv = "CSOAUTH_INTEGRATION_KEEPER"

// keepProgram runs a program, and ends it when standard input closes: even if the test that began it panicked or was killed. It
// returns the program's exit code.
func keepProgram(args []string) int {
	program := exec.Command(args[0], args[1:]...)
	program.Stdout, program.Stderr = os.Stdout, os.Stderr
	if err := program.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		if runtime.GOOS != "windows" { // which has no such signal
			program.Process.Signal(syscall.SIGTERM)
			time.Sleep(30 * time.Second)
		}
		program.Process.Kill()
	}()
	program.Wait() // the exit code tells
	if runtime.GOOS == "windows" {
		return 0
	}
	return program.ProcessState.ExitCode()
}
