//go:build unix

package tokens_test

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

func init() { children["dir-attacker"] = childSwapsTheDirectory }

// instead is the damage of something else in the file's place.
func instead(makes func(file string) error) dirDamage {
	return func(t *testing.T, file string, _ []byte) func() {
		require.NoError(t, os.Remove(file))
		require.NoError(t, makes(file))
		return func() {}
	}
}

// moved has the file at another path, beside a link to it.
func moved(where func(t *testing.T, file string) string, link func(to, from string) error) dirDamage {
	return func(t *testing.T, file string, whole []byte) func() {
		elsewhere := where(t, file)
		require.NoError(t, os.Rename(file, elsewhere))
		require.NoError(t, os.Chmod(elsewhere, 0o640))
		require.NoError(t, link(elsewhere, file))
		return func() {
			left, err := os.ReadFile(elsewhere)
			require.NoError(t, err)
			assert.Equal(t, string(whole), string(left), "what a link leads to is left alone")
			assert.Equal(t, fs.FileMode(0o640), modeOf(t, elsewhere))
		}
	}
}

// outside is a place on the same file system, and not in the directory.
func outside(_ *testing.T, file string) string {
	return filepath.Join(filepath.Dir(filepath.Dir(file)), "elsewhere")
}

func inside(_ *testing.T, file string) string { return filepath.Join(filepath.Dir(file), "elsewhere") }

// TestPutAndDeleteWinOverAnOddFile of a Dir: Load does not hang, follows no link and reads nothing,
// and a user who logs in or out replaces it.
func TestPutAndDeleteWinOverAnOddFile(t *testing.T) {
	odd := map[string]dirDamage{
		"a named pipe": instead(func(file string) error { return syscall.Mkfifo(file, 0o600) }),
		"a socket": instead(func(file string) error {
			at := filepath.Join(os.TempDir(), fmt.Sprint("csoauth", os.Getpid())) // a socket's path must be short
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: at, Net: "unix"})
			if err != nil {
				return err
			}
			l.SetUnlinkOnClose(false)
			defer l.Close()
			return os.Rename(at, file)
		}),
		"a link that leads out":         moved(outside, os.Symlink),
		"a link that stays in":          moved(inside, func(to, from string) error { return os.Symlink(filepath.Base(to), from) }),
		"a link to nothing":             instead(func(file string) error { return os.Symlink("nothing", file) }),
		"a link to nothing outside":     instead(func(file string) error { return os.Symlink("/nothing/at/all", file) }),
		"a link to itself":              instead(func(file string) error { return os.Symlink(filepath.Base(file), file) }),
		"a link to a device":            instead(func(file string) error { return os.Symlink("/dev/zero", file) }),
		"a file with two names":         moved(outside, os.Link),
		"a file with two names in here": moved(inside, os.Link),
		"a sparse file of 2 GiB": func(t *testing.T, file string, _ []byte) func() {
			require.NoError(t, os.Truncate(file, 2<<30))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			return func() {
				runtime.ReadMemStats(&after)
				assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20))
			}
		},
	}
	if os.Geteuid() == 0 { // TestDirFileOfAnotherUser has the rule for others, who cannot give a file away
		odd["a file of another user"] = func(t *testing.T, file string, _ []byte) func() {
			require.NoError(t, os.Chown(file, nobody, -1))
			return func() {}
		}
	}
	for name, damage := range odd {
		t.Run(name, func(t *testing.T) { putAndDeleteWin(t, damage) })
	}
}

// TestDirSaysWhatIsWrongWithAFile, and what to do.
func TestDirSaysWhatIsWrongWithAFile(t *testing.T) {
	dir, file := dirOne(t, "value")
	for what, makes := range map[string]func() error{
		"is a named pipe and not a plain file":                      func() error { return syscall.Mkfifo(file, 0o600) },
		"is a symbolic link and not a plain file":                   func() error { return os.Symlink("swaps", file) },
		"is a directory and not a plain file":                       func() error { return os.Mkdir(file, 0o700) },
		"has 2147483648 bytes, more than any value (2097152)":       func() error { return errorsOf(os.WriteFile(file, nil, 0o600), os.Truncate(file, 2<<30)) },
		"has 2 names (hard links), so someone can change it under ": func() error { return os.Link(filepath.Join(string(dir), "swaps", "c6"), file) },
	} {
		require.NoError(t, os.Remove(file))
		require.NoError(t, makes())
		_, err := dir.Load(t.Context(), dirKey)
		require.ErrorIs(t, err, tokens.ErrUnreadable)
		assertDirError(t, err, file+" "+what)
		assert.ErrorContains(t, err, ": restore that file, or remove it, which logs its user out")
	}
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestDirFileOfAnotherUser: whose file may be read, whichever user runs the tests.
func TestDirFileOfAnotherUser(t *testing.T) {
	const us, stranger, root, platform = 1000, 1001, 0, 65534
	owner := tokens.DirOptions{InsecureOwner: platform}
	for _, test := range []struct {
		name   string
		o      tokens.DirOptions
		owner  int
		mode   fs.FileMode
		links  uint64
		shared bool
		want   string // empty: it may be read
	}{
		{"ours", tokens.DirOptions{}, us, 0o600, 1, false, ""},
		{"ours, replaced at this moment", tokens.DirOptions{}, us, 0o600, 0, false, ""},
		{"root's", tokens.DirOptions{}, root, 0o644, 1, false, ""},
		{"root's, and others can write", tokens.DirOptions{}, root, 0o646, 1, false, "can be written by others (mode 0646, user 0)"},
		{"a stranger's", tokens.DirOptions{}, stranger, 0o644, 1, false, "belongs to user 1001, and this process runs as 1000 (chown 1000)"},
		{"the platform's", tokens.DirOptions{}, platform, 0o644, 1, false, "belongs to user 65534"},
		{"the platform's, as the options say", owner, platform, 0o644, 1, false, ""},
		{"a member's of the group", tokens.DirOptions{InsecureGroup: true}, stranger, 0o660, 1, true, ""},
		{"a member's, and all can write", tokens.DirOptions{InsecureGroup: true}, stranger, 0o666, 1, true, "can be written by others"},
		{"with another name", tokens.DirOptions{}, us, 0o600, 2, false, "has 2 names"},
	} {
		err := tokens.CheckFile(test.o, test.mode, test.owner, us, test.links, test.shared)
		switch {
		case test.want == "":
			assert.NoError(t, err, test.name)
		case strings.HasPrefix(test.want, "belongs to user 1001"):
			assert.EqualError(t, err, test.want, test.name)
		default:
			assert.ErrorContains(t, err, test.want, test.name)
		}
	}
}

// TestDirInPlaceOfAPipe: the directory's own path hangs nobody.
func TestDirInPlaceOfAPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := tokens.Dir(path).Load(t.Context(), dirKey)
		assertDirError(t, err, path+" is not a directory")
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		require.Fail(t, "it hangs")
	}
}

// TestDirLockFileThatIsOdd: nobody hangs, and nothing is made where a link leads to.
func TestDirLockFileThatIsOdd(t *testing.T) {
	for name, makes := range map[string]func(path string) error{
		"a named pipe": func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a link out": func(path string) error {
			return os.Symlink(filepath.Join(filepath.Dir(path), "..", "..", "made"), path)
		},
		"a link in": func(path string) error { return os.Symlink("../made", path) },
	} {
		dir, file := dirOne(t, "value")
		path := filepath.Join(string(dir), "swaps", filepath.Base(file)[:2])
		require.NoError(t, os.Remove(path))
		require.NoError(t, makes(path))
		assertDirError(t, dir.CompareAndSwap(t.Context(), dirKey, []byte("value"), nil), path+" is a ")
		assert.NoFileExists(t, filepath.Join(string(dir), "made"), name)
		assert.NoFileExists(t, filepath.Join(filepath.Dir(string(dir)), "made"), name)
		assertDirHolds(t, dir, "value")
	}
}

// TestDirInAParentThatOthersCanWrite: another process makes the path lead to its own directory and
// back, all the time. Its value is never loaded, and nothing is written to its directory.
func TestDirInAParentThatOthersCanWrite(t *testing.T) {
	parent := t.TempDir()
	require.NoError(t, os.Chmod(parent, 0o777))
	ours, theirs := tokens.Dir(filepath.Join(parent, "ours")), tokens.Dir(filepath.Join(parent, "theirs"))
	require.NoError(t, ours.CompareAndSwap(t.Context(), dirKey, nil, []byte("ours")))
	require.NoError(t, theirs.CompareAndSwap(t.Context(), dirKey, nil, []byte("theirs")))
	planted := dirFile(t, theirs)
	before, err := os.ReadFile(planted)
	require.NoError(t, err)
	if os.Geteuid() == 0 {
		require.NoError(t, os.Chown(string(theirs), nobody, -1))
	} else { // nobody else can give a directory away, and this mode is refused just as well
		require.NoError(t, os.Chmod(string(theirs), 0o777|fs.ModeSticky))
	}
	entries := func() (names []string) {
		require.NoError(t, filepath.WalkDir(string(theirs), func(path string, _ fs.DirEntry, err error) error {
			names = append(names, path)
			return err
		}))
		return names
	}
	had := entries()

	dir := tokens.Dir(filepath.Join(parent, "tokens"))
	require.NoError(t, os.Symlink("ours", string(dir)))
	attacker := dirChild(t, "dir-attacker", dir, "")
	require.NoError(t, attacker.Start())
	defer func() {
		_ = attacker.Process.Kill()
		_ = attacker.Wait()
	}()
	var loaded, refused, swapped, notSwapped int
	end := time.Now().Add(time.Minute)
	for n := 0; n < 20_000 || loaded == 0 || refused == 0 || swapped == 0 || notSwapped == 0; n++ {
		require.True(t, time.Now().Before(end) || n < 20_000, "it got ours %d times and refused theirs %d times; swapped %d, not %d",
			loaded, refused, swapped, notSwapped)
		value, err := dir.Load(t.Context(), dirKey)
		switch {
		case err == nil:
			loaded++
			require.Equal(t, "ours", string(value))
		default:
			refused++
			require.NotErrorIs(t, err, tokens.ErrNotFound)
			require.Nil(t, value)
		}
		if n%100 == 0 {
			if err := dir.CompareAndSwap(t.Context(), dirKey, []byte("ours"), []byte("ours")); err == nil {
				swapped++
			} else {
				notSwapped++
			}
			if err := dir.CompareAndSwap(t.Context(), "another", nil, nil); err == nil {
				swapped++
			}
			if unlock, err := dir.Lock(t.Context(), dirKey); err == nil {
				unlock()
			}
		}
	}
	after, err := os.ReadFile(planted)
	require.NoError(t, err)
	assert.Equal(t, string(before), string(after))
	assert.Equal(t, had, entries())
	t.Logf("ours %d times, theirs refused %d times", loaded, refused)
}

// childSwapsTheDirectory makes the path lead to theirs and to ours by turns, until it is killed.
func childSwapsTheDirectory() {
	path := os.Getenv(childDir)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	for n := 0; ctx.Err() == nil; n++ {
		_ = os.Symlink([]string{"theirs", "ours"}[n%2], path+".next")
		if err := os.Rename(path+".next", path); err != nil {
			return // the test is over
		}
	}
}

// TestDirLocksWhatItHasOpened, and no file of the same name in a directory that has come in its
// place: two processes would not keep each other out.
func TestDirLocksWhatItHasOpened(t *testing.T) {
	dir, _ := dirOne(t, "value")
	require.NoError(t, tokens.LockAfter(string(dir), func() {}))
	err := tokens.LockAfter(string(dir), func() {
		require.NoError(t, os.Rename(string(dir), string(dir)+" moved"))
		require.NoError(t, os.MkdirAll(filepath.Join(string(dir), "locks"), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(string(dir), "locks", "00"), nil, 0o600))
	})
	require.ErrorContains(t, err, filepath.Join(string(dir), "locks", "00")+" was replaced while it was being locked")
}
