package tokens_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
	"github.com/contentstack/csoauth/tokens/storetest"
)

func TestDir(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(_ testing.TB, dir string) tokens.Store { return tokens.Dir(dir) })
}

const dirKey = "user-1"

// dirOne returns a Dir with one value in it, and the path of its file.
func dirOne(t *testing.T, value string) (dir tokens.Dir, file string) {
	t.Helper()
	dir = tokens.Dir(filepath.Join(t.TempDir(), "tokens"))
	require.NoError(t, dir.CompareAndSwap(t.Context(), dirKey, nil, []byte(value)))
	return dir, dirFile(t, dir)
}

// dirFile returns the path of the only file in dir that holds a value.
func dirFile(t *testing.T, dir tokens.Dir) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(string(dir), "*.token"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	return files[0]
}

func TestDirThatIsMissing(t *testing.T) {
	dir := tokens.Dir(filepath.Join(t.TempDir(), "a", "b"))
	_, err := dir.Load(t.Context(), dirKey)
	assert.ErrorIs(t, err, tokens.ErrNotFound)
	assert.NoDirExists(t, string(dir), "Load makes nothing")
	unlock, err := dir.Lock(t.Context(), dirKey)
	require.NoError(t, err)
	unlock()
	assert.DirExists(t, string(dir))

	dir = tokens.Dir(filepath.Join(t.TempDir(), "a", "b"))
	require.NoError(t, dir.CompareAndSwap(t.Context(), dirKey, nil, []byte("value")))
	assertDirHolds(t, dir, "value")
}

func TestDirThatCannotBeOne(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for dir, want := range map[tokens.Dir]string{
		"":                                       "the path of the directory is empty",
		tokens.Dir(file):                         "is not a directory: name another path, or move that file away",
		tokens.Dir(filepath.Join(file, "below")): "not a directory",
		tokens.Dir(filepath.Join(file, "a", "b")): "not a directory",
	} {
		_, err := dir.Load(t.Context(), dirKey)
		assertDirError(t, err, want)
		err = dir.CompareAndSwap(t.Context(), dirKey, nil, []byte("value"))
		assertDirError(t, err, want)
		assert.ErrorContains(t, err, "; nothing was changed")
		_, err = dir.Lock(t.Context(), dirKey)
		assertDirError(t, err, want)
	}
}

func TestDirIsRelativeToTheWorkingDirectory(t *testing.T) {
	dir, _ := dirOne(t, "value")
	t.Chdir(filepath.Dir(string(dir)))
	assertDirHolds(t, "tokens", "value")
	assertDirHolds(t, "./x/../tokens/", "value")
}

// TestDirFileStaysTheSame: another form needs another version, and this one stays readable.
func TestDirFileStaysTheSame(t *testing.T) {
	dir, file := dirOne(t, "value\n")
	assert.Equal(t, "c6c289e49e9c05b2145860387b73bcb18df43fb09a1e4a4a9713c76c88bb541b.token", filepath.Base(file))
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "csoauth-token-store 1 dXNlci0x 6 1e1f2c881ae0608ec77ebf88a75c66d3099113a7343238f2f7a0ebb91a4ed335\nvalue\n", string(data))
	assertDirHolds(t, dir, "value\n")
}

// TestDirRefusesADamagedFile: whatever happened to the file, it is an error that names it, and
// neither a miss nor a value. Only who has seen what is there replaces it.
func TestDirRefusesADamagedFile(t *testing.T) {
	dir, file := dirOne(t, "value")
	whole, err := os.ReadFile(file)
	require.NoError(t, err)
	damaged := map[string]string{
		"foreign text":   "value",
		"foreign JSON":   `{"access_token":"x"}`,
		"a line":         "\n",
		"one byte more":  string(whole) + "\n",
		"twice":          string(whole) + string(whole),
		"kind only":      "csoauth-token-store\nvalue",
		"no version":     "csoauth-token-store x\nvalue",
		"version 0":      strings.Replace(string(whole), " 1 ", " 0 ", 1),
		"negative size":  strings.Replace(string(whole), " 5 ", " -5 ", 1),
		"a size in text": strings.Replace(string(whole), " 5 ", " five ", 1),
		"another size":   strings.Replace(string(whole), " 5 ", " 05 ", 1),
	}
	for n := range whole {
		damaged[fmt.Sprintf("cut off after %d bytes", n)] = string(whole[:n])
		flipped, zeroed := []byte(string(whole)), []byte(string(whole))
		flipped[n] ^= 1
		damaged[fmt.Sprintf("bit flipped in byte %d", n)] = string(flipped)
		clear(zeroed[n:])
		damaged[fmt.Sprintf("zeroed from byte %d on", n)] = string(zeroed)
	}
	for name, data := range damaged {
		require.NoError(t, os.WriteFile(file, []byte(data), 0o600))
		raw, err := dir.Load(t.Context(), dirKey)
		assertDirError(t, err, file+" ")
		assert.ErrorIs(t, err, tokens.ErrUnreadable)
		assert.Equal(t, data, string(raw), name)
		assert.ErrorContains(t, err, "restore that file, or remove it, which logs its user out", name)
		assert.NotContains(t, err.Error(), "value\n", name)
		for _, new := range [][]byte{nil, []byte("value"), []byte("new")} {
			if old := "value"; old != data {
				require.ErrorIs(t, dir.CompareAndSwap(t.Context(), dirKey, []byte(old), new), tokens.ErrConflict, name)
			}
			require.ErrorIs(t, dir.CompareAndSwap(t.Context(), dirKey, nil, new), tokens.ErrConflict, name)
		}
		// It is not the new value already, though the bytes are the same.
		require.ErrorIs(t, dir.CompareAndSwap(t.Context(), dirKey, nil, []byte(data)), tokens.ErrConflict, name)
		left, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, data, string(left), name)
	}

	require.NoError(t, os.Remove(file)) // as the error says
	_, err = dir.Load(t.Context(), dirKey)
	assert.ErrorIs(t, err, tokens.ErrNotFound)
	require.NoError(t, dir.CompareAndSwap(t.Context(), dirKey, nil, []byte("new")))
}

func TestDirRefusesANewerFile(t *testing.T) {
	dir, file := dirOne(t, "value")
	require.NoError(t, os.WriteFile(file, []byte("csoauth-token-store 2 something else\n"), 0o600))
	_, err := dir.Load(t.Context(), dirKey)
	require.ErrorIs(t, err, tokens.ErrUnreadable)
	assertDirError(t, err, file+" has version 2, but this csoauth reads at most version 1: update every program that uses the directory")
}

// TestDirRefusesACopiedFile: a file under another key's name must not hand one user's token to
// another.
func TestDirRefusesACopiedFile(t *testing.T) {
	dir, file := dirOne(t, "value")
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.Remove(file))
	require.NoError(t, dir.CompareAndSwap(t.Context(), "user-2", nil, []byte("other")))
	require.NoError(t, os.WriteFile(dirFile(t, dir), data, 0o600))
	_, err = dir.Load(t.Context(), "user-2")
	assertDirError(t, err, "holds the value of another key, so it was copied or renamed")
	assert.NotContains(t, err.Error(), dirKey)
	require.ErrorIs(t, err, tokens.ErrUnreadable)
	require.ErrorIs(t, dir.CompareAndSwap(t.Context(), "user-2", []byte("value"), []byte("new")), tokens.ErrConflict)
}

func TestDirOverwritesALeftOver(t *testing.T) {
	dir, file := dirOne(t, "value")
	leave := func() { require.NoError(t, os.WriteFile(file+".tmp", []byte("half a fi"), 0o600)) }
	leave()
	assertDirHolds(t, dir, "value")
	require.NoError(t, dir.CompareAndSwap(t.Context(), dirKey, []byte("value"), []byte("new")))
	assertDirHolds(t, dir, "new")
	assert.NoFileExists(t, file+".tmp")

	leave()
	require.NoError(t, dir.CompareAndSwap(t.Context(), dirKey, []byte("new"), nil))
	assert.NoFileExists(t, file+".tmp", "it may hold a token, and this was a logout")
	leave()
	require.NoError(t, dir.CompareAndSwap(t.Context(), dirKey, []byte("new"), nil), "a repeat")
	assert.NoFileExists(t, file+".tmp")
}

// TestDirSwapHeedsItsContext while another process is in the middle of a swap.
func TestDirSwapHeedsItsContext(t *testing.T) {
	dir, file := dirOne(t, "value")
	release := lockFileOf(t, dir, "swaps", file)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- dir.CompareAndSwap(ctx, dirKey, []byte("value"), []byte("new")) }()
	waitFor(t, func() bool { return tokens.Queued(string(dir)) == 1 })
	cancel()
	err := <-done
	assertDirError(t, err, "; nothing was changed")
	assert.ErrorIs(t, err, context.Canceled)
	release()
	waitFor(t, func() bool { return tokens.Queued(string(dir)) == 0 })
	assertDirHolds(t, dir, "value")
}

func TestDirKeepsItsLockFiles(t *testing.T) {
	dir, file := dirOne(t, "value")
	unlock, err := dir.Lock(t.Context(), dirKey)
	require.NoError(t, err)
	unlock()
	require.NoError(t, dir.CompareAndSwap(t.Context(), dirKey, []byte("value"), nil))
	assert.NoFileExists(t, file)
	for _, folder := range []string{"swaps", "locks"} {
		info, err := os.Stat(filepath.Join(string(dir), folder, filepath.Base(file)[:2]))
		require.NoError(t, err, "removing it would let two in: one who has it open, and one who makes it anew")
		assert.Zero(t, info.Size())
	}
}

func assertDirHolds(t *testing.T, dir tokens.Dir, want string) {
	t.Helper()
	got, err := dir.Load(t.Context(), dirKey)
	require.NoError(t, err)
	assert.Equal(t, want, string(got))
}

// assertDirError: an error with this text that no caller can take for a result.
func assertDirError(t *testing.T, err error, want string) {
	t.Helper()
	require.ErrorContains(t, err, want)
	assert.ErrorContains(t, err, "tokens: ")
	assert.False(t, errors.Is(err, tokens.ErrNotFound) || errors.Is(err, tokens.ErrConflict), "%v", err)
}

func ExampleDir() {
	parent, err := os.MkdirTemp("", "csoauth")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(parent)
	ctx := context.Background()

	store := tokens.Dir(filepath.Join(parent, "tokens"))
	err = store.CompareAndSwap(ctx, "user-1", nil, []byte("a value"))
	fmt.Println("create:", err)
	value, err := store.Load(ctx, "user-1")
	fmt.Printf("load: %s, %v\n", value, err)
	err = store.CompareAndSwap(ctx, "user-1", []byte("what it was before"), []byte("another"))
	fmt.Println("replace something else:", err)
	// Output:
	// create: <nil>
	// load: a value, <nil>
	// replace something else: tokens: swap: another process changed it
}
