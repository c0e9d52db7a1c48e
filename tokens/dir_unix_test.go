//go:build unix

package tokens_test

import (
	"context"
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
	"github.com/contentstack/csoauth/tokens"
)

func init() {
	children["dir-full"] = childWithFullDisk
	children["dir-stranger"] = childWithoutRights
}

const nobody = 65534

func TestDirModes(t *testing.T) {
	dir, file := dirOne(t, "value")
	unlock, err := dir.Lock(t.Context(), dirKey)
	require.NoError(t, err)
	unlock()
	for path, want := range map[string]fs.FileMode{
		string(dir):                         0o700,
		filepath.Join(string(dir), "swaps"): 0o700,
		filepath.Join(string(dir), "locks"): 0o700,
		file:                                0o600,
		filepath.Join(string(dir), "swaps", filepath.Base(file)[:2]): 0o600,
		filepath.Join(string(dir), "locks", filepath.Base(file)[:2]): 0o600,
	} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, want, info.Mode().Perm(), path)
	}
}

// TestDirBelowAFile: it is missing, but a miss would hide a mistake.
func TestDirBelowAFile(t *testing.T) {
	_, file := dirOne(t, "value")
	assertDirRefuses(t, tokens.Dir(filepath.Join(file, "below")), "not a directory")
}

func TestDirOfSomebodyElse(t *testing.T) {
	const us, stranger, root = 1000, 1001, 0
	for _, test := range []struct {
		owner, us int
		ok        bool
	}{
		{us, us, true}, {root, us, true}, {root, root, true}, {stranger, us, false}, {stranger, root, false},
	} {
		err := tokens.CheckOwner("/var/tokens", fs.ModeDir|0o700, test.owner, test.us, tokens.DirOptions{})
		if test.ok {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, fmt.Sprintf("/var/tokens belongs to user %d, and this process runs as %d: use a directory of its own", test.owner, test.us))
		}
	}
	if os.Geteuid() == 0 { // nobody else can give a directory away
		dir, _ := dirOne(t, "value")
		require.NoError(t, os.Chown(string(dir), nobody, -1))
		assertDirRefuses(t, dir, "belongs to user 65534, and this process runs as 0")
	}
}

func assertDirRefuses(t *testing.T, dir tokens.Dir, want string) {
	t.Helper()
	_, err := dir.Load(t.Context(), dirKey)
	assertDirError(t, err, want)
	assertDirError(t, dir.CompareAndSwap(t.Context(), dirKey, []byte("value"), []byte("new")), want)
	_, err = dir.Lock(t.Context(), dirKey)
	assertDirError(t, err, want)
}

// TestDirSaysThatTheSwapMayBeDone if the name of the file does not get to the disk.
func TestDirSaysThatTheSwapMayBeDone(t *testing.T) {
	dir, _ := dirOne(t, "value")
	failSyncOfDirs(t, syscall.EIO)
	err := dir.CompareAndSwap(t.Context(), dirKey, []byte("value"), []byte("new"))
	require.ErrorIs(t, err, syscall.EIO)
	assertDirError(t, err, "may or may not hold the new content")
	assertDirHolds(t, dir, "new")
	err = dir.CompareAndSwap(t.Context(), dirKey, []byte("new"), nil)
	require.ErrorIs(t, err, syscall.EIO)
	assertDirError(t, err, "is gone, and may be back after a crash")
}

// failSyncOfDirs makes the sync of each directory fail until t ends. Files are synced.
func failSyncOfDirs(t *testing.T, err error) {
	before := atomicfile.SyncFile
	t.Cleanup(func() { atomicfile.SyncFile = before })
	atomicfile.SyncFile = func(f *os.File) error {
		if info, statErr := f.Stat(); statErr == nil && info.IsDir() {
			return &fs.PathError{Op: "sync", Path: f.Name(), Err: err}
		}
		return f.Sync()
	}
}

// TestDirOnAFullDisk uses a limit on the size of files, which a user may set as well as root: the
// system writes a part and then fails, as it does on a disk that is full.
func TestDirOnAFullDisk(t *testing.T) {
	dir, file := dirOne(t, "old")
	out, err := dirChild(t, "dir-full", dir, "").Output()
	require.NoError(t, err)
	assert.Contains(t, string(out), "file too large; "+filepath.Base(file)+" is as it was\ndelete: <nil>\ncreate: tokens: swap: ")
	_, err = dir.Load(t.Context(), dirKey)
	require.ErrorIs(t, err, tokens.ErrNotFound)
	assert.NoFileExists(t, file+".tmp", "it may hold a token")
	require.NoError(t, dir.CompareAndSwap(t.Context(), dirKey, nil, []byte("new")))
}

// childWithFullDisk can still log out.
func childWithFullDisk() {
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 20, Max: 20}); err != nil {
		panic(err)
	}
	dir, ctx := tokens.Dir(os.Getenv(childDir)), context.Background()
	fmt.Println("replace:", dir.CompareAndSwap(ctx, dirKey, []byte("old"), []byte("new")))
	fmt.Println("delete:", dir.CompareAndSwap(ctx, dirKey, []byte("old"), nil))
	fmt.Println("create:", dir.CompareAndSwap(ctx, dirKey, nil, []byte("new")))
}

// TestDirThatIsReadOnly is read in another process, because root, which this one may be, can write
// everywhere.
func TestDirThatIsReadOnly(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Setenv("TMPDIR", "/tmp") // another directory may be root's alone, and the other process must get to it
	}
	dir, file := dirOne(t, "old")
	require.NoError(t, os.Chmod(filepath.Dir(filepath.Dir(string(dir))), 0o755)) // for the stranger to get there
	require.NoError(t, filepath.WalkDir(string(dir), func(path string, d fs.DirEntry, err error) error {
		if err == nil && os.Geteuid() == 0 {
			err = os.Chown(path, nobody, -1)
		}
		if err == nil && d.IsDir() {
			err = os.Chmod(path, 0o500)
		}
		return err
	}))
	defer func() {
		assert.NoError(t, os.Chmod(string(dir), 0o700))
		assert.NoError(t, os.Chmod(filepath.Join(string(dir), "swaps"), 0o700))
	}()
	out, err := dirChild(t, "dir-stranger", dir, "").Output()
	require.NoError(t, err)
	swap := "tokens: swap: open " + file + ".tmp: permission denied; " + filepath.Base(file) + " is as it was\n"
	assert.Contains(t, string(out), "load: old <nil>\nreplace: "+swap)
	assert.Contains(t, string(out), "lock: tokens: lock: mkdir "+filepath.Join(string(dir), "locks")+": permission denied\n")
	assert.Contains(t, string(out), "another: tokens: swap: open "+filepath.Join(string(dir), "swaps"))
	assert.Contains(t, string(out), ": permission denied; nothing was changed\n")
}

func childWithoutRights() {
	if os.Geteuid() == 0 {
		if err := syscall.Setuid(nobody); err != nil {
			panic(err)
		}
	}
	dir, ctx := tokens.Dir(os.Getenv(childDir)), context.Background()
	value, err := dir.Load(ctx, dirKey)
	fmt.Println("load:", string(value), err)
	fmt.Println("replace:", dir.CompareAndSwap(ctx, dirKey, []byte("old"), []byte("new")))
	_, err = dir.Lock(ctx, dirKey)
	fmt.Println("lock:", err)
	fmt.Println("another:", dir.CompareAndSwap(ctx, "another key", nil, []byte("new")))
}
