//go:build unix

package atomicfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/atomicfile"
)

// A syncLog keeps what is synced under top, and the steps of Write, in their order. What fails is
// synced with an error.
type syncLog struct {
	files []*os.File
	order []string
	fails map[string]error
}

func watchSyncs(t *testing.T, top string) *syncLog {
	log := &syncLog{fails: map[string]error{}}
	atomicfile.OnSync(t, func(f *os.File) error {
		name, err := filepath.Rel(top, f.Name())
		assert.NoError(t, err)
		if data, err := os.ReadFile(f.Name()); err == nil {
			name += "=" + string(data)
		}
		log.files, log.order = append(log.files, f), append(log.order, name)
		if err := log.fails[name]; err != nil {
			return err
		}
		return f.Sync()
	})
	atomicfile.Step = func(name string) { log.order = append(log.order, name) }
	t.Cleanup(func() { atomicfile.Step = func(string) {} })
	return log
}

// requireClosed fails if one of the files was left open.
func (l *syncLog) requireClosed(t *testing.T) {
	for _, f := range l.files {
		_, err := f.Stat()
		require.ErrorIs(t, err, os.ErrClosed, f.Name())
	}
}

func TestWhatIsSyncedAndWhen(t *testing.T) {
	top := t.TempDir()
	log := watchSyncs(t, top)
	path := filepath.Join(top, "a", "b", "file")
	for _, test := range []struct {
		name string
		do   func() error
		want []string
	}{
		{"new directories, each in its parent", func() error { return atomicfile.Mkdir(filepath.Dir(path)) }, []string{"..", ".", "a"}},
		{"a directory that is there: another process may have made it", func() error { return atomicfile.Mkdir(filepath.Dir(path)) }, []string{"a"}},
		{"the content before the rename, the name after it", func() error { return write(path, []byte("new")) },
			[]string{"written", "a/b/file.tmp=new", "before rename", "after rename", "a/b"}},
		{"the removal", func() error { return remove(path) }, []string{"a/b"}},
		{"a removal that another process made", func() error { return remove(path) }, []string{"a/b"}},
	} {
		log.order = nil
		require.NoError(t, test.do(), test.name)
		require.Equal(t, test.want, log.order, test.name)
	}
	log.requireClosed(t)
}

func TestSyncThatFails(t *testing.T) {
	errDisk := errors.New("input/output error")
	for _, test := range []struct {
		name, fails string // what is not synced
		do          func(path string) error
		want, left  string // the error's end, and what the file holds afterwards
	}{
		{"the content", "file.tmp=new", func(path string) error { return write(path, []byte("new")) },
			"; file is as it was", "old"},
		{"the name", ".", func(path string) error { return write(path, []byte("new")) },
			"; file may or may not hold the new content", "new"},
		{"the removal", ".", remove, "; file is gone, and may be back after a crash", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			top := t.TempDir()
			path := filepath.Join(top, "file")
			require.NoError(t, write(path, []byte("old")))
			log := watchSyncs(t, top)
			log.fails[test.fails] = errDisk
			err := test.do(path)
			require.ErrorIs(t, err, errDisk)
			assert.ErrorContains(t, err, test.want)
			log.requireClosed(t)
			assert.NoFileExists(t, path+atomicfile.Suffix, "it may hold a secret")
			if test.left == "" {
				assert.NoFileExists(t, path)
			} else {
				assertFile(t, path, test.left)
			}
		})
	}
	for _, unable := range []error{syscall.EINVAL, syscall.ENOTSUP, syscall.ENOSYS} {
		t.Run("a file system without it: "+unable.Error(), func(t *testing.T) {
			top := t.TempDir()
			path := filepath.Join(top, "file")
			log := watchSyncs(t, top)
			log.fails["."], log.fails["a"] = &os.PathError{Op: "sync", Path: top, Err: unable}, unable
			err := write(path, []byte("new"))
			require.ErrorIs(t, err, atomicfile.ErrNoSync)
			require.ErrorContains(t, err, "its file system cannot sync a directory: ")
			assertFile(t, path, "new")
			require.ErrorIs(t, remove(path), atomicfile.ErrNoSync)
			assert.NoFileExists(t, path)
			require.NoError(t, atomicfile.Mkdir(filepath.Join(top, "a", "b")))
			assert.DirExists(t, filepath.Join(top, "a", "b"))

			log.fails["file.tmp=newer"] = unable
			err = write(path, []byte("newer"))
			require.ErrorIs(t, err, unable)
			require.NotErrorIs(t, err, atomicfile.ErrNoSync, "it is the content that has no sync, and nothing was done")
			log.requireClosed(t)
		})
	}
	t.Run("a new directory", func(t *testing.T) {
		top := t.TempDir()
		log := watchSyncs(t, top)
		log.fails["a"] = errDisk
		require.ErrorIs(t, atomicfile.Mkdir(filepath.Join(top, "a", "b")), errDisk)
		require.NoError(t, atomicfile.Mkdir(filepath.Join(top, "a", "b")), "what is there may stand where nobody can sync")
		log.fails["."] = errDisk
		require.ErrorIs(t, atomicfile.Mkdir(filepath.Join(top, "c", "d")), errDisk)
		assert.NoDirExists(t, filepath.Join(top, "c", "d"), "it would be lost with its parent")
		log.requireClosed(t)
	})
}

// TestCloseThatFails: some file systems tell only then that the content did not arrive.
func TestCloseThatFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, write(path, []byte("old")))
	var syncErr error
	atomicfile.OnSync(t, func(f *os.File) error {
		assert.NoError(t, f.Close()) // so the next one fails
		return syncErr
	})
	err := write(path, []byte("new"))
	require.ErrorIs(t, err, os.ErrClosed)
	assert.ErrorContains(t, err, "; file is as it was")
	assertFile(t, path, "old")

	syncErr = errors.New("input/output error")
	require.ErrorIs(t, write(path, []byte("new")), syncErr, "the first failure is told")
}

// TestDirectoryThatAnotherProcessMakesMeanwhile comes between the look and the making.
func TestDirectoryThatAnotherProcessMakesMeanwhile(t *testing.T) {
	for _, test := range []struct {
		name string
		make func(path string) error
		is   error
	}{
		{"a directory", func(path string) error { return os.Mkdir(path, 0o700) }, nil},
		{"a file", func(path string) error { return os.WriteFile(path, nil, 0o600) }, os.ErrExist},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a", "b")
			made := 0
			atomicfile.OnSync(t, func(f *os.File) error {
				if made++; made == 2 { // "a" is there by now, and "b" is next
					assert.NoError(t, test.make(path))
				}
				return nil
			})
			require.ErrorIs(t, atomicfile.Mkdir(path), test.is)
		})
	}
}

// TestSyncOfADirectoryThatCannotBeOpened is a failure: nobody knows what a crash would leave.
func TestSyncOfADirectoryThatCannotBeOpened(t *testing.T) {
	dir, err := os.OpenRoot(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, dir.Close())
	require.ErrorIs(t, atomicfile.SyncDir(dir), os.ErrClosed)
}
