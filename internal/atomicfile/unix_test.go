//go:build unix

package atomicfile_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/atomicfile"
)

func init() {
	children["full"] = childWithFullDisk
	children["stranger"] = childWithoutRights
}

func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	require.NoError(t, atomicfile.Mkdir(dir))
	assertMode(t, dir, 0o700)
	assertMode(t, filepath.Dir(dir), 0o700)

	path := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o644))
	require.NoError(t, atomicfile.Write(path, []byte("new")))
	assertMode(t, path, 0o600)
}

// TestLeftOversAreNotUsed: neither their mode, nor what they link to.
func TestLeftOversAreNotUsed(t *testing.T) {
	dir := t.TempDir()
	path, elsewhere := filepath.Join(dir, "file"), filepath.Join(dir, "elsewhere")
	require.NoError(t, os.WriteFile(path+atomicfile.Suffix, []byte("a much longer left-over"), 0o644))
	require.NoError(t, os.Chmod(path+atomicfile.Suffix, 0o666))
	require.NoError(t, atomicfile.Write(path, []byte("new")))
	assertFile(t, path, "new")
	assertMode(t, path, 0o600)

	require.NoError(t, os.WriteFile(elsewhere, []byte("elsewhere"), 0o600))
	require.NoError(t, os.Symlink(elsewhere, path+atomicfile.Suffix))
	require.NoError(t, atomicfile.Write(path, []byte("newer")))
	assertFile(t, path, "newer")
	assertFile(t, elsewhere, "elsewhere")
	info, err := os.Lstat(path)
	require.NoError(t, err)
	assert.True(t, info.Mode().IsRegular())
}

// TestErrorAfterTheRename: the directory goes away between the rename and its sync.
func TestErrorAfterTheRename(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	require.NoError(t, os.Mkdir(dir, 0o700))
	atomicfile.Step = func(name string) {
		if name == "after rename" {
			assert.NoError(t, os.Rename(dir, dir+" moved"))
		}
	}
	defer func() { atomicfile.Step = func(string) {} }()
	err := atomicfile.Write(filepath.Join(dir, "file"), []byte("new"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	assert.ErrorContains(t, err, "; file may or may not hold the new content")
	assertFile(t, filepath.Join(dir+" moved", "file"), "new")
}

// TestPathThatCannotBeLookedAt: it may be there all the same, so it must not count as removed.
func TestPathThatCannotBeLookedAt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "no directory")
	require.NoError(t, os.WriteFile(file, []byte("kept"), 0o600))
	path := filepath.Join(file, "below")
	for name, err := range map[string]error{"Remove": atomicfile.Remove(path), "Write": atomicfile.Write(path, []byte("new"))} {
		require.ErrorIs(t, err, syscall.ENOTDIR, name)
		assert.ErrorContains(t, err, "lstat ", name)
		assert.ErrorContains(t, err, "; below is as it was", name)
	}
	assertFile(t, file, "kept")
}

// TestFullDisk uses a limit on the size of files, which a user may set as well as root: the system writes a part and then
// fails, as it does on a disk that is full.
func TestFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, atomicfile.Write(path, []byte("old")))
	out, err := child(t, "full", path).Output()
	require.NoError(t, err)
	assert.Contains(t, string(out), "file too large; file is as it was")
	assertFile(t, path, "old")
	assert.NoFileExists(t, path+atomicfile.Suffix, "it may hold a secret")
}

func childWithFullDisk() {
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 10, Max: 10}); err != nil {
		panic(err)
	}
	fmt.Println(atomicfile.Write(os.Getenv(pathEnv), make([]byte, 20)))
}

// TestReadOnlyDirectory writes in another process, because root, which this one may be, can write everywhere.
func TestReadOnlyDirectory(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Setenv("TMPDIR", "/tmp") // another directory may be root's alone, and the other process must get to it
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	require.NoError(t, atomicfile.Write(path, []byte("old")))
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755)) // for the stranger to get there
	require.NoError(t, os.Chmod(dir, 0o555))
	defer func() { assert.NoError(t, os.Chmod(dir, 0o700)) }()
	out, err := child(t, "stranger", path).Output()
	require.NoError(t, err)
	assert.Contains(t, string(out), "write: open "+path+".tmp: permission denied; file is as it was\n")
	assert.Contains(t, string(out), path+": permission denied; file is as it was\nmkdir: ") // what remove says
	assert.Contains(t, string(out), "mkdir: mkdir "+path+".dir: permission denied\n")
	assertFile(t, path, "old")
}

func childWithoutRights() {
	if os.Geteuid() == 0 {
		const nobody = 65534
		if err := syscall.Setuid(nobody); err != nil {
			panic(err)
		}
	}
	path := os.Getenv(pathEnv)
	fmt.Println("write:", atomicfile.Write(path, []byte("new")))
	fmt.Println("remove:", atomicfile.Remove(path))
	fmt.Println("mkdir:", atomicfile.Mkdir(path+".dir"))
}

func assertMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, want, info.Mode().Perm(), "%v", info.Mode())
}
