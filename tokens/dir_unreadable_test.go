package tokens_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// A dirDamage does something to the file of a value, whose content is whole. It returns a check of
// what must not have changed when the value was replaced.
type dirDamage func(t *testing.T, file string, whole []byte) (unharmed func())

// fillFile is the damage of other content.
func fillFile(change func(whole []byte) []byte) dirDamage {
	return func(t *testing.T, file string, whole []byte) func() {
		require.NoError(t, os.WriteFile(file, change(whole), 0o600))
		return func() {}
	}
}

// TestPutAndDeleteWinOverADamagedFile of a Dir, sealed or not.
func TestPutAndDeleteWinOverADamagedFile(t *testing.T) {
	for name, damage := range map[string]dirDamage{
		"empty":           fillFile(func([]byte) []byte { return nil }),
		"cut off":         fillFile(func(whole []byte) []byte { return whole[:len(whole)-1] }),
		"in its head":     fillFile(func(whole []byte) []byte { return whole[:10] }),
		"of another key":  fillFile(func(whole []byte) []byte { return bytes.Replace(whole, []byte(" dXNlcg "), []byte(" dXNlcx "), 1) }),
		"a newer version": fillFile(func(whole []byte) []byte { return bytes.Replace(whole, []byte(" 1 "), []byte(" 2 "), 1) }),
		"rubbish":         fillFile(func([]byte) []byte { return []byte{0, 255, 1} }),
		"too large":       fillFile(func(whole []byte) []byte { return append(whole, make([]byte, 3<<20)...) }),
		"an empty folder": func(t *testing.T, file string, _ []byte) func() {
			require.NoError(t, os.Remove(file))
			require.NoError(t, os.Mkdir(file, 0o700))
			return func() {}
		},
	} {
		t.Run(name, func(t *testing.T) { putAndDeleteWin(t, damage) })
	}
}

func putAndDeleteWin(t *testing.T, damage dirDamage) {
	for _, how := range []string{"Put", "Delete", "Put, sealed", "Delete, sealed"} {
		t.Run(how, func(t *testing.T) {
			dir, p := tokens.Dir(filepath.Join(t.TempDir(), "tokens")), newProvider()
			var store tokens.Store = dir
			if strings.Contains(how, "sealed") {
				store = sealed(t, dir, key32(1))
			}
			before := newManager(p.config(), store, nil)
			require.NoError(t, before.Put(t.Context(), "user", p.login("user")))
			require.NoError(t, before.Close())
			file := dirFile(t, dir)
			whole, err := os.ReadFile(file)
			require.NoError(t, err)
			unharmed := damage(t, file, whole)

			done := make(chan struct{})
			go func() { // some of these files hang a process that opens them
				defer close(done)
				m := newManager(p.config(), store, nil)
				_, err := m.Token(t.Context(), "user")
				assert.ErrorIs(t, err, tokens.ErrUnreadable)
				assert.ErrorContains(t, err, file)
				assert.NotErrorIs(t, err, csoauth.ErrLoginRequired)
				if strings.HasPrefix(how, "Delete") {
					assert.NoError(t, m.Delete(t.Context(), "user"))
					_, err := dir.Load(t.Context(), "user")
					assert.ErrorIs(t, err, tokens.ErrNotFound)
				} else {
					assert.NoError(t, m.Put(t.Context(), "user", p.login("user")))
					assert.Equal(t, "access-user-2", access(t, m))
					_, err := store.Load(t.Context(), "user")
					assert.NoError(t, err)
				}
				assert.NoError(t, m.Close())
			}()
			select {
			case <-done:
			case <-time.After(time.Minute):
				require.Fail(t, "it hangs")
			}
			unharmed()
		})
	}
}

// TestDirDoesNotEmptyAFolder in the place of a value's file: nobody knows what is in it.
func TestDirDoesNotEmptyAFolder(t *testing.T) {
	dir, file := dirOne(t, "value")
	require.NoError(t, os.Remove(file))
	require.NoError(t, os.MkdirAll(filepath.Join(file, "full"), 0o700))
	shown, err := dir.Load(t.Context(), dirKey)
	require.ErrorIs(t, err, tokens.ErrUnreadable)
	for _, new := range [][]byte{nil, []byte("new")} {
		err = dir.CompareAndSwap(t.Context(), dirKey, shown, new)
		assertDirError(t, err, file)
		assert.ErrorContains(t, err, "move it away; nothing was changed")
	}
	assert.DirExists(t, filepath.Join(file, "full"))
}

// TestDirReplacesOnlyWhatWasSeen: what was loaded may have been repaired meanwhile.
func TestDirReplacesOnlyWhatWasSeen(t *testing.T) {
	dir, file := dirOne(t, "value")
	whole, err := os.ReadFile(file)
	require.NoError(t, err)
	large := append(bytes.Clone(whole), make([]byte, 3<<20)...)
	require.NoError(t, os.WriteFile(file, large, 0o600))
	shown, err := dir.Load(t.Context(), dirKey)
	require.ErrorIs(t, err, tokens.ErrUnreadable)
	assert.Less(t, len(shown), 200)
	assert.NotContains(t, string(shown), "value")
	require.NoError(t, os.WriteFile(file, large[:len(large)-1], 0o600))
	require.ErrorIs(t, dir.CompareAndSwap(t.Context(), dirKey, shown, nil), tokens.ErrConflict)
	require.NoError(t, os.WriteFile(file, whole, 0o600))
	require.ErrorIs(t, dir.CompareAndSwap(t.Context(), dirKey, shown, nil), tokens.ErrConflict)
	assertDirHolds(t, dir, "value")
}

// TestDirStoresOnlyWhatItCanLoad: a value that is too large is refused before it is in the way.
func TestDirStoresOnlyWhatItCanLoad(t *testing.T) {
	dir, _ := dirOne(t, "value")
	err := dir.CompareAndSwap(t.Context(), dirKey, []byte("value"), make([]byte, 2<<20))
	assertDirError(t, err, "the value has 2097152 bytes")
	assert.ErrorContains(t, err, "; nothing was changed")
	assertDirHolds(t, dir, "value")
	largest := string(make([]byte, 2<<20-200))
	require.NoError(t, dir.CompareAndSwap(t.Context(), dirKey, []byte("value"), []byte(largest)))
	assertDirHolds(t, dir, largest)
}
