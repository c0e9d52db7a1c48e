package atomicfile_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/contentstack/csoauth/internal/atomicfile"
)

// The environment of a process that a test starts.
const (
	childEnv = "CSOAUTH_ATOMICFILE_CHILD" // the row of children that it runs
	pathEnv  = "CSOAUTH_ATOMICFILE_PATH"  // the file that it works on
	stepEnv  = "CSOAUTH_ATOMICFILE_STEP"  // the step at which it dies
)

// children are the other processes of the tests: this test binary, doing something else than
// testing.
var children = map[string]func(){"die": childDies}

func TestMain(m *testing.M) {
	if name := os.Getenv(childEnv); name != "" {
		children[name]()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// child returns a process that is about to run a row of children.
func child(t *testing.T, name, path string, env ...string) *exec.Cmd {
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe)
	// The race detector would let a process sleep for a second before it ends.
	cmd.Env = append(append(os.Environ(), childEnv+"="+name, pathEnv+"="+path, "GORACE=atexit_sleep_ms=0"), env...)
	return cmd
}

// inDir opens the directory of path for f, which gets the rest of the path as well.
func inDir(path string, f func(dir *os.Root, name string) error) error {
	dir, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return f(dir, filepath.Base(path))
}

func write(path string, data []byte) error {
	return inDir(path, func(dir *os.Root, name string) error { return atomicfile.Write(dir, name, data, 0o600) })
}

func remove(path string) error { return inDir(path, atomicfile.Remove) }
