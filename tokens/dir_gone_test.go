package tokens_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// TestDirThatGoesMissing as its volume is not mounted for a moment: nobody is logged out, nothing
// is written to what is there instead, and all goes on when it is back.
func TestDirThatGoesMissing(t *testing.T) {
	for name, instead := range map[string]func(path string) error{
		"nothing":              func(string) error { return nil },
		"an empty mount point": func(path string) error { return os.Mkdir(path, 0o700) },
		"a file":               func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"a folder without it":  func(path string) error { return os.MkdirAll(filepath.Join(path, "lost+found"), 0o700) },
		"a file in its folder": func(path string) error {
			return errors.Join(os.Mkdir(path, 0o700), os.WriteFile(filepath.Join(path, "swaps"), nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "tokens")
			dir, p := tokens.Dir(path), newProvider()
			m := newManager(p.config(), dir, nil)
			require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
			require.NoError(t, os.Rename(path, path+" unmounted"))
			require.NoError(t, instead(path))

			later := newManager(p.config(), dir, nil) // has nothing in memory
			for user, key := range map[string]string{"of this process": "user", "of nobody": "stranger"} {
				_, err := dir.Load(t.Context(), key)
				assertDirError(t, err, path)
				assertDirError(t, dir.CompareAndSwap(t.Context(), key, nil, []byte("value")), "; nothing was changed")
				assertDirError(t, dir.CompareAndSwap(t.Context(), key, []byte("value"), nil), "; nothing was changed")
				_, err = dir.Lock(t.Context(), key)
				assertDirError(t, err, path)
				_, err = later.Token(t.Context(), key)
				require.Error(t, err, user)
				assert.NotErrorIs(t, err, csoauth.ErrLoginRequired, user)
			}
			left, err := filepath.Glob(filepath.Join(path, "*", "*"))
			require.NoError(t, err)
			assert.Empty(t, left, "nothing was made in the wrong place")
			require.NoError(t, later.Close())

			require.NoError(t, os.RemoveAll(path))
			require.NoError(t, os.Rename(path+" unmounted", path))
			again := newManager(p.config(), dir, nil)
			assert.Equal(t, "access-user-1", access(t, again))
			_, err = dir.Load(t.Context(), "stranger")
			require.ErrorIs(t, err, tokens.ErrNotFound)
			require.NoError(t, again.Close())
			require.NoError(t, m.Close())
		})
	}
}

// TestDirThatWasRemovedOnPurpose: a process that runs goes on after what the error says. To log out
// all, it is enough to remove the files.
func TestDirThatWasRemovedOnPurpose(t *testing.T) {
	dir, file := dirOne(t, "value")
	require.NoError(t, os.Remove(file))
	_, err := dir.Load(t.Context(), dirKey)
	require.ErrorIs(t, err, tokens.ErrNotFound)

	require.NoError(t, os.RemoveAll(string(dir)))
	_, err = dir.Load(t.Context(), dirKey)
	assertDirError(t, err, "mkdir -p "+filepath.Join(string(dir), "swaps"))
	require.NoError(t, os.MkdirAll(filepath.Join(string(dir), "swaps"), 0o700))
	_, err = dir.Load(t.Context(), dirKey)
	require.ErrorIs(t, err, tokens.ErrNotFound)
	require.NoError(t, dir.CompareAndSwap(t.Context(), dirKey, nil, []byte("new")))
	assertDirHolds(t, dir, "new")
}

// TestDirIsKnownByItsAbsolutePath, and another directory that gets the same relative path is not.
func TestDirIsKnownByItsAbsolutePath(t *testing.T) {
	used := t.TempDir()
	t.Chdir(used)
	require.NoError(t, tokens.Dir("tokens").CompareAndSwap(t.Context(), dirKey, nil, []byte("value")))
	t.Chdir(t.TempDir())
	_, err := tokens.Dir("tokens").Load(t.Context(), dirKey)
	require.ErrorIs(t, err, tokens.ErrNotFound)
	require.NoError(t, os.Rename(filepath.Join(used, "tokens"), filepath.Join(used, "moved")))
	_, err = tokens.Dir(filepath.Join(used, "x", "..", "tokens")).Load(t.Context(), dirKey)
	gone, swaps := filepath.Join(used, "tokens"), filepath.Join(used, "tokens", "swaps")
	assert.ErrorContains(t, err, gone+" existed before, but its folder swaps is gone")
	assert.True(t, strings.HasSuffix(err.Error(), "run: mkdir -p "+swaps), err)
}

// TestMemoryOfDirsIsBounded: a program that uses a directory for each of many users must not grow.
func TestMemoryOfDirsIsBounded(t *testing.T) {
	paths := new(tokens.PathSet)
	for n := range 5000 {
		path := strconv.Itoa(n)
		assert.True(t, paths.Add(path), "new")
		assert.False(t, paths.Add(path), "known")
		assert.True(t, paths.Has(path))
		require.LessOrEqual(t, paths.Len(), 1024)
	}
	assert.Equal(t, 1024, paths.Len())
}

// TestDirThatIsBeingMade by others is there or not, and never an error of the store.
func TestDirThatIsBeingMade(t *testing.T) {
	for range 200 {
		path := filepath.Join(t.TempDir(), "a", "b")
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 20 {
					if _, err := tokens.Dir(path).Load(t.Context(), dirKey); err != nil {
						assert.ErrorIs(t, err, tokens.ErrNotFound)
					}
				}
			})
		}
		all.Go(func() { assert.NoError(t, os.MkdirAll(path, 0o700)) })
		all.Wait()
	}
}
