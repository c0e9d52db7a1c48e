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
	require.NoError(t, write(path, []byte("new")))
	assertMode(t, path, 0o600)

	require.NoError(t, inDir(filepath.Join(dir, "opened"), func(dir *os.Root, name string) error {
		f, err := atomicfile.Open(dir, name, os.O_RDWR|os.O_CREATE)
		if err == nil {
			_, err = f.WriteString("content")
			require.NoError(t, f.Close())
		}
		return err
	}))
	assertMode(t, filepath.Join(dir, "opened"), 0o600)
}

// TestLeftOversAreNotUsed: neither their mode, nor what they link to.
func TestLeftOversAreNotUsed(t *testing.T) {
	dir := t.TempDir()
	path, elsewhere := filepath.Join(dir, "file"), filepath.Join(dir, "elsewhere")
	require.NoError(t, os.WriteFile(path+atomicfile.Suffix, []byte("a much longer left-over"), 0o644))
	require.NoError(t, os.Chmod(path+atomicfile.Suffix, 0o666))
	require.NoError(t, write(path, []byte("new")))
	assertFile(t, path, "new")
	assertMode(t, path, 0o600)

	require.NoError(t, os.WriteFile(elsewhere, []byte("elsewhere"), 0o600))
	require.NoError(t, os.Symlink(elsewhere, path+atomicfile.Suffix))
	require.NoError(t, write(path, []byte("newer")))
	assertFile(t, path, "newer")
	assertFile(t, elsewhere, "elsewhere")
	info, err := os.Lstat(path)
	require.NoError(t, err)
	assert.True(t, info.Mode().IsRegular())
}

// TestDirectoryThatIsMovedMeanwhile: the work goes on in the directory that was opened, and never
// in another one that has taken its path.
func TestDirectoryThatIsMovedMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dir", "file")
	dir := filepath.Dir(path)
	require.NoError(t, os.Mkdir(dir, 0o700))
	defer func() { atomicfile.Step = func(string) {} }()
	for _, step := range []string{"written", "before rename", "after rename"} {
		atomicfile.Step = func(name string) {
			if name == step {
				assert.NoError(t, os.Rename(dir, dir+" moved"))
				assert.NoError(t, os.Mkdir(dir, 0o777))
			}
		}
		require.NoError(t, write(path, []byte(step)))
		assertFile(t, filepath.Join(dir+" moved", "file"), step)
		require.NoError(t, os.Remove(dir), "it is empty")
		require.NoError(t, os.Rename(dir+" moved", dir))
	}
}

// TestLinkInPlaceOfTheFile: it is replaced or removed, and what it leads to stays.
func TestLinkInPlaceOfTheFile(t *testing.T) {
	elsewhere, path := filepath.Join(t.TempDir(), "elsewhere"), filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(elsewhere, []byte("kept"), 0o600))
	for _, do := range []func() error{
		func() error { return write(path, []byte("new")) },
		func() error { return remove(path) },
	} {
		_ = os.Remove(path)
		require.NoError(t, os.Symlink(elsewhere, path))
		_, err := read(path)
		require.Error(t, err, "it leads out of the directory")
		require.NoError(t, do())
		assertFile(t, elsewhere, "kept")
		info, err := os.Lstat(path)
		assert.True(t, os.IsNotExist(err) || info.Mode().IsRegular())
	}
}

// TestModeWhateverTheUmask: a group that shares a file must be able to read it.
func TestModeWhateverTheUmask(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, inDir(path, func(dir *os.Root, name string) error { return atomicfile.Write(dir, name, []byte("new"), 0o660) }))
	assertMode(t, path, 0o660)
}

// TestPathThatCannotBeLookedAt: it may be there all the same, so it must not count as removed.
func TestPathThatCannotBeLookedAt(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "no directory"), []byte("kept"), 0o600))
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer root.Close()
	name := "no directory/below"
	for what, err := range map[string]error{"Remove": atomicfile.Remove(root, name), "Write": atomicfile.Write(root, name, []byte("new"), 0o600)} {
		require.ErrorIs(t, err, syscall.ENOTDIR, what)
		assert.ErrorContains(t, err, filepath.Join(dir, name), what)
		assert.ErrorContains(t, err, "below is as it was", what)
	}
	assertFile(t, filepath.Join(dir, "no directory"), "kept")
}

// TestFullDisk uses a limit on the size of files, which a user may set as well as root: the system
// writes a part and then fails, as it does on a disk that is full.
func TestFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, write(path, []byte("old")))
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
	fmt.Println(write(os.Getenv(pathEnv), make([]byte, 20)))
}

// TestReadOnlyDirectory writes in another process, because root, which this one may be, can write
// everywhere.
func TestReadOnlyDirectory(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Setenv("TMPDIR", "/tmp") // another directory may be root's alone, and the other process must get to it
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	require.NoError(t, write(path, []byte("old")))
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
	fmt.Println("write:", write(path, []byte("new")))
	fmt.Println("remove:", remove(path))
	fmt.Println("mkdir:", atomicfile.Mkdir(path+".dir"))
}

func assertMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, want, info.Mode().Perm(), "%v", info.Mode())
}
