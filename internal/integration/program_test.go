package integration_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// buildProgram builds a program of the root module, and returns where it is.
func buildProgram(t *testing.T, pkg string, flags ...string) string {
	t.Helper()
	return buildIn(t, filepath.Join("..", ".."), pkg, flags...)
}

// buildIn is buildProgram for the module in dir.
func buildIn(t *testing.T, dir, pkg string, flags ...string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "program.exe") // Windows wants the ending, and nobody else minds
	build := exec.CommandContext(t.Context(), "go", append(append([]string{"build", "-o", binary}, flags...), pkg)...)
	build.Dir = dir
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	return binary
}

// startProgram starts a program that ends with the test, and returns its standard output. What it
// writes to standard error goes into the file.
func startProgram(t *testing.T, stderr *os.File, program string, args ...string) io.Reader {
	t.Helper()
	return startKept(t, stderr, program, args...).stdout
}

// A kept program ends with the test, whatever becomes of that.
type kept struct {
	t      testing.TB
	keeper *exec.Cmd
	stdin  io.WriteCloser
	stdout io.Reader
	ended  chan struct{} // closed when the program has
	err    error         // of the keeper
	over   bool          // and that is no surprise
}

func startKept(t testing.TB, stderr *os.File, program string, args ...string) *kept {
	t.Helper()
	keeper := exec.Command(os.Args[0], append([]string{program}, args...)...)
	keeper.Env = append(os.Environ(), keeperEnv+"=1", "GORACE=atexit_sleep_ms=0") // or the race detector lets it sleep for a second
	keeper.Stderr = stderr
	stdin, err := keeper.StdinPipe()
	require.NoError(t, err)
	stdout, err := keeper.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, keeper.Start())
	k := &kept{t: t, keeper: keeper, stdin: stdin, stdout: stdout, ended: make(chan struct{})}
	go func() {
		k.err = keeper.Wait()
		close(k.ended)
	}()
	t.Cleanup(k.end)
	return k
}

// end ends the program in peace.
func (k *kept) end() {
	if k.over {
		return
	}
	k.over = true
	k.stdin.Close()
	<-k.ended
	assert.NoError(k.t, k.err, k.keeper.Args[1])
}

// gone reports whether the program has ended by itself, which is no failure of the test's then.
func (k *kept) gone() bool {
	select {
	case <-k.ended:
		k.over = true
		k.stdin.Close()
		return true
	default:
		return false
	}
}

// kill ends the program by SIGKILL.
func (k *kept) kill() {
	k.t.Helper()
	_, err := io.WriteString(k.stdin, killLine)
	require.NoError(k.t, err)
	k.over = true
	<-k.ended
	k.stdin.Close()
	require.NoError(k.t, k.err, k.keeper.Args[1])
}

// keeperEnv is set in the processes that startProgram starts, which are this test binary.
const keeperEnv = "CSOAUTH_INTEGRATION_KEEPER"

// keepProgram runs a program, and ends it when standard input closes: even if the test that began
// it panicked or was killed. It returns the program's exit code.
func keepProgram(args []string) int {
	program := exec.Command(args[0], args[1:]...)
	program.Stdout, program.Stderr = os.Stdout, os.Stderr
	if err := program.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var killed atomic.Bool
	go func() {
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			if lines.Text()+"\n" == killLine {
				killed.Store(true)
				program.Process.Kill()
			}
		}
		if runtime.GOOS != "windows" { // which has no such signal
			program.Process.Signal(os.Interrupt)
			time.Sleep(30 * time.Second)
		}
		program.Process.Kill()
	}()
	program.Wait() // the exit code tells
	if killed.Load() || runtime.GOOS == "windows" {
		return 0
	}
	return program.ProcessState.ExitCode()
}

// killLine on its standard input makes a keeper kill its program.
const killLine = "kill\n"
