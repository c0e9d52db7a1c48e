package atomicfile_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/atomicfile"
)

func TestWriteCreatesAndReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, content := range []string{"first", "", "a longer second one", "x"} {
		require.NoError(t, write(path, []byte(content)))
		assertFile(t, path, content)
		assert.NoFileExists(t, path+atomicfile.Suffix)
	}
}

func TestRemove(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, remove(path), "what is not there needs no removing")
	require.NoError(t, write(path, []byte("content")))
	require.NoError(t, os.WriteFile(path+atomicfile.Suffix, []byte("of a killed process"), 0o600))
	require.NoError(t, remove(path))
	assert.NoFileExists(t, path)
	assert.NoFileExists(t, path+atomicfile.Suffix)
}

func TestRemoveTakesNoDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dir")
	require.NoError(t, os.MkdirAll(filepath.Join(path, "full"), 0o700))
	assert.EqualError(t, remove(path), "remove "+path+": is a directory; dir is as it was")
	assert.DirExists(t, filepath.Join(path, "full"))

	path = filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte("content"), 0o600))
	require.NoError(t, os.Mkdir(path+atomicfile.Suffix, 0o700))
	assert.EqualError(t, remove(path), "remove "+path+".tmp: is a directory; file is as it was")
	assertFile(t, path, "content")
}

// TestWriteSaysWhatItLeft: nobody can know it but by the error.
func TestWriteSaysWhatItLeft(t *testing.T) {
	t.Run("no temporary file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file")
		require.NoError(t, write(path, []byte("old")))
		require.NoError(t, os.Mkdir(path+atomicfile.Suffix, 0o700))
		assert.EqualError(t, write(path, []byte("new")), "remove "+path+".tmp: is a directory; file is as it was")
		assertFile(t, path, "old")
	})
	t.Run("no directory", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "missing", "file")
		require.NoError(t, os.Mkdir(filepath.Dir(path), 0o700))
		err := inDir(path, func(dir *os.Root, name string) error {
			assert.NoError(t, os.Remove(filepath.Dir(path)))
			return atomicfile.Write(dir, name, []byte("new"), 0o600)
		})
		require.ErrorIs(t, err, fs.ErrNotExist)
		assert.ErrorContains(t, err, "open "+path+".tmp: ")
		assert.ErrorContains(t, err, "; file is as it was")
	})
	t.Run("no rename", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file")
		require.NoError(t, os.MkdirAll(filepath.Join(path, "in the way"), 0o700))
		err := write(path, []byte("new"))
		assert.ErrorContains(t, err, "rename "+path+".tmp "+path+": ")
		assert.ErrorContains(t, err, "; file is as it was")
		_, isErrno := errors.AsType[syscall.Errno](err)
		assert.True(t, isErrno, "what the system said is in it")
		assert.NoFileExists(t, path+atomicfile.Suffix, "it may hold a secret")
	})
}

// TestNobodySeesHalfAFile reads twice during each write. Then the reader leaves a gap, as real ones
// do: Windows does not replace a file that someone always has open.
func TestNobodySeesHalfAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	contents := [][]byte{bytes.Repeat([]byte("a"), 1<<16), bytes.Repeat([]byte("b"), 1<<15)}
	require.NoError(t, write(path, contents[0]))
	writes := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for range writes {
			for range 2 {
				got, err := read(path)
				assert.NoError(t, err)
				assert.True(t, bytes.Equal(got, contents[0]) || bytes.Equal(got, contents[1]), "%d bytes", len(got))
			}
		}
	})
	defer reader.Wait()
	defer close(writes)
	for i := range 100 {
		writes <- struct{}{}
		require.NoError(t, write(path, contents[i%2]))
	}
}

func TestMkdir(t *testing.T) {
	top := t.TempDir()
	path := filepath.Join(top, "a", "b", "c")
	require.NoError(t, atomicfile.Mkdir(path))
	require.NoError(t, atomicfile.Mkdir(path), "it is there")
	assert.DirExists(t, path)

	file := filepath.Join(top, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	assert.Error(t, atomicfile.Mkdir(file))
	assert.Error(t, atomicfile.Mkdir(filepath.Join(file, "below")))

	t.Chdir(top)
	require.NoError(t, atomicfile.Mkdir(filepath.Join("d", "e")))
	assert.DirExists(t, filepath.Join(top, "d", "e"))
}

// TestKilledProcess dies at every step. Either the old or the new content is there, and the next
// process can go on.
func TestKilledProcess(t *testing.T) {
	for step, want := range map[string]string{"written": "old", "before rename": "old", "after rename": "new"} {
		t.Run(step, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			require.NoError(t, write(path, []byte("old")))
			require.Error(t, child(t, "die", path, stepEnv+"="+step).Run(), "it was not killed")
			assertFile(t, path, want)

			require.NoError(t, write(path, []byte("newer")))
			assertFile(t, path, "newer")
			assert.NoFileExists(t, path+atomicfile.Suffix)
		})
	}
}

// childDies is killed while it writes "new".
func childDies() {
	atomicfile.Step = func(name string) {
		if name != os.Getenv(stepEnv) {
			return
		}
		if self, err := os.FindProcess(os.Getpid()); err == nil {
			_ = self.Kill()
		}
		select {} // until it has come
	}
	_ = write(os.Getenv(pathEnv), []byte("new"))
}

func assertFile(t *testing.T, path, want string) {
	t.Helper()
	got, err := read(path)
	require.NoError(t, err)
	assert.Equal(t, want, string(got))
}

func read(path string) (content []byte, err error) {
	err = inDir(path, func(dir *os.Root, name string) error {
		f, err := atomicfile.Open(dir, name, os.O_RDONLY)
		if err != nil {
			return err
		}
		defer f.Close()
		content, err = io.ReadAll(f)
		return err
	})
	return content, err
}

// TestOpenNamesThePath of what is missing, in the words of os.
func TestOpenNamesThePath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	_, err := read(path)
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, "open "+path+": ")
}

// TestRetry waits two seconds for what passes, and not at all for what does not.
func TestRetry(t *testing.T) {
	errBusy, errBroken := errors.New("busy"), errors.New("broken")
	passes := func(err error) bool { return errors.Is(err, errBusy) }
	for _, test := range []struct {
		name        string
		errs        []error // one after the other, and the last for ever
		want        error
		least, most time.Duration
	}{
		{"done", []error{nil}, nil, 0, 0},
		{"broken", []error{errBroken}, errBroken, 0, 0},
		{"busy for a moment", []error{errBusy, errBusy, nil}, nil, time.Millisecond, time.Second},
		{"busy and then broken", []error{errBusy, errBroken}, errBroken, time.Millisecond, time.Second},
		{"busy for ever", []error{errBusy}, errBusy, 2 * time.Second, 4 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start, n := time.Now(), 0
				err := atomicfile.Retry(passes, func() error {
					n++
					return test.errs[min(n, len(test.errs))-1]
				})
				assert.Equal(t, test.want, err)
				assert.GreaterOrEqual(t, time.Since(start), test.least)
				assert.LessOrEqual(t, time.Since(start), test.most)
			})
		})
	}
}
