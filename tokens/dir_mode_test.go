//go:build unix

package tokens_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
	"github.com/contentstack/csoauth/tokens/storetest"
)

// watchLog returns the lines that go to the default logger until t ends.
func watchLog(t *testing.T) func() []string {
	var mu sync.Mutex
	var out bytes.Buffer
	before, flags, writer := slog.Default(), log.Flags(), log.Writer()
	slog.SetDefault(slog.New(slog.NewTextHandler(lockedWriter{&mu, &out}, nil)))
	t.Cleanup(func() {
		slog.SetDefault(before)
		log.SetOutput(writer) // SetDefault has led it to slog
		log.SetFlags(flags)
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return strings.FieldsFunc(out.String(), func(r rune) bool { return r == '\n' })
	}
}

type lockedWriter struct {
	mu  *sync.Mutex
	out *bytes.Buffer
}

func (w lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(p)
}

func modeOf(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Lstat(path)
	require.NoError(t, err)
	return info.Mode()
}

// own gives path to this user and its group, so that any user may set any mode: in a directory of
// another group, the setgid bit would be lost.
func own(t *testing.T, path string) {
	t.Helper()
	require.NoError(t, os.Chown(path, os.Geteuid(), os.Getegid()))
}

// TestDirAfterFsGroup: Kubernetes gives each volume with an fsGroup these modes whenever a pod
// starts. All logins stay, and the modes are taken back, which is said once.
func TestDirAfterFsGroup(t *testing.T) {
	lines := watchLog(t)
	dir, file := dirOne(t, "value")
	unlock, err := dir.Lock(t.Context(), dirKey)
	require.NoError(t, err)
	unlock()
	start := func() {
		require.NoError(t, filepath.WalkDir(string(dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			own(t, path)
			if d.IsDir() {
				return os.Chmod(path, 0o770|fs.ModeSetgid)
			}
			return os.Chmod(path, 0o660)
		}))
	}
	for n := range 3 {
		start()
		assertDirHolds(t, dir, "value")
		assert.Equal(t, fs.ModeDir|fs.ModeSetgid|0o750, modeOf(t, string(dir)))
		assert.Equal(t, fs.FileMode(0o600), modeOf(t, file))
		unlock, err := dir.Lock(t.Context(), dirKey)
		require.NoError(t, err)
		unlock()
		require.NoError(t, dir.CompareAndSwap(t.Context(), dirKey, []byte("value"), []byte("value")))
		for _, folder := range []string{"locks", "swaps"} {
			path := filepath.Join(string(dir), folder)
			assert.Equal(t, fs.ModeDir|fs.ModeSetgid|0o750, modeOf(t, path))
			assert.Equal(t, fs.FileMode(0o600), modeOf(t, filepath.Join(path, filepath.Base(file)[:2])))
		}
		if n == 0 {
			said := strings.Join(lines(), "\n")
			for _, path := range []string{string(dir), file, filepath.Join(string(dir), "locks"), filepath.Join(string(dir), "swaps")} {
				assert.Equal(t, 1, strings.Count(said, "path="+path+" "), "%s in\n%s", path, said)
			}
			assert.Contains(t, said, "level=WARN")
			assert.Contains(t, said, "mode=0770 now=0750")
		}
	}
	assert.Len(t, lines(), 4, "each is said once, and the files of a directory together")
}

// TestDirThatOthersCanWriteTo is repaired if it is ours, and refused if it is meant to be shared.
func TestDirThatOthersCanWriteTo(t *testing.T) {
	_ = watchLog(t)
	for from, to := range map[fs.FileMode]fs.FileMode{
		0o720: 0o700, 0o702: 0o700, 0o770: 0o750, 0o777: 0o755, 0o775: 0o755, 0o755: 0o755, 0o750: 0o750, 0o700: 0o700,
	} {
		dir, _ := dirOne(t, "value")
		require.NoError(t, os.Chmod(string(dir), from))
		assertDirHolds(t, dir, "value")
		assert.Equal(t, to, modeOf(t, string(dir)).Perm(), "%o", from)
	}
	dir, _ := dirOne(t, "value")
	require.NoError(t, os.Chmod(string(dir), 0o777|fs.ModeSticky))
	assertDirRefuses(t, dir, fmt.Sprintf("others can write to %s (mode 0777): use a directory of your own, or chmod go-w %s", dir, dir))
	assert.Equal(t, fs.ModeDir|fs.ModeSticky|0o777, modeOf(t, string(dir)), "such as that of /tmp")
}

// TestDirFileWithAWrongMode is repaired.
func TestDirFileWithAWrongMode(t *testing.T) {
	_ = watchLog(t)
	dir, file := dirOne(t, "value")
	for _, mode := range []fs.FileMode{0o666, 0o644, 0o640, 0o604, 0o660} {
		require.NoError(t, os.Chmod(file, mode))
		assertDirHolds(t, dir, "value")
		assert.Equal(t, fs.FileMode(0o600), modeOf(t, file), "%o", mode)
	}
}

// TestDirFileThatItsUserMayNotRead is ours, so the mode is repaired. Root may read everything, so
// another process does it.
func TestDirFileThatItsUserMayNotRead(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Setenv("TMPDIR", "/tmp") // another directory may be root's alone, and the other process must get to it
	}
	dir, file := dirOne(t, "value")
	require.NoError(t, os.Chmod(filepath.Dir(filepath.Dir(string(dir))), 0o755)) // for the stranger to get there
	require.NoError(t, os.Chmod(file, 0o000))
	if os.Geteuid() == 0 {
		for _, path := range []string{string(dir), file} {
			require.NoError(t, os.Chown(path, nobody, -1))
		}
	}
	out, err := dirChild(t, "dir-loads", dir, "").Output()
	require.NoError(t, err)
	assert.Equal(t, "load: value <nil>\n", string(out))
	assert.Equal(t, fs.FileMode(0o600), modeOf(t, file))

	if os.Geteuid() == 0 { // and of one of another user, it says so
		require.NoError(t, os.Chown(file, 0, -1))
		out, err := dirChild(t, "dir-loads", dir, "").Output()
		require.NoError(t, err)
		assert.Contains(t, string(out), tokens.ErrUnreadable.Error()+": "+file+" may not be read by this process, which runs as user 65534 (mode 0600, user 0)")
	}
}

func init() { children["dir-loads"] = childLoadsWithoutRights }

func childLoadsWithoutRights() {
	if os.Geteuid() == 0 {
		if err := syscall.Setuid(nobody); err != nil {
			panic(err)
		}
	}
	value, err := tokens.Dir(os.Getenv(childDir)).Load(context.Background(), dirKey)
	if err != nil {
		value = nil
	}
	fmt.Println("load:", string(value), err)
}

// TestDirOptions has who may own a directory, and who may write to it, by the options.
func TestDirOptions(t *testing.T) {
	const us, stranger, root, platform = 1000, 1001, 0, 65534
	owner, group := tokens.DirOptions{InsecureOwner: platform}, tokens.DirOptions{InsecureGroup: true}
	both := tokens.DirOptions{InsecureOwner: platform, InsecureGroup: true}
	for _, test := range []struct {
		name  string
		owner int
		mode  fs.FileMode
		may   []tokens.DirOptions
	}{
		{"ours", us, 0o700, []tokens.DirOptions{{}, owner, group, both}},
		{"root's", root, 0o755, []tokens.DirOptions{{}, owner, group, both}},
		{"root's, and its group may write", root, 0o775, []tokens.DirOptions{group, both}},
		{"root's, and all may write", root, 0o777, nil},
		{"the platform's", platform, 0o755, []tokens.DirOptions{owner, both}},
		{"the platform's, and its group may write", platform, 0o770, []tokens.DirOptions{both}},
		{"the platform's, and all may write", platform, 0o777, nil},
		{"a stranger's", stranger, 0o700, nil},
		{"a stranger's, and its group may write", stranger, 0o770, nil},
		{"ours, and all may write, as to /tmp", us, 0o777 | fs.ModeSticky, nil},
	} {
		for _, o := range []tokens.DirOptions{{}, owner, group, both} {
			err := tokens.CheckOwner("/var/tokens", fs.ModeDir|test.mode, test.owner, us, o)
			allowed := false
			for _, may := range test.may {
				allowed = allowed || may == o
			}
			assert.Equal(t, allowed, err == nil, "%s, %+v: %v", test.name, o, err)
			if err != nil && (test.owner == us || test.owner == root) {
				advised := strings.Contains(err.Error(), "DirOptions.InsecureGroup")
				assert.Equal(t, test.mode.Perm()&0o002 == 0, advised, "the option helps only where the group alone may write: %v", err)
			}
		}
	}
}

// TestDirOfAGroup: what is made in it is the group's too, and nobody else's. Its modes are left
// alone.
func TestDirOfAGroup(t *testing.T) {
	lines := watchLog(t)
	path := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.Mkdir(path, 0o700))
	own(t, path)
	require.NoError(t, os.Chmod(path, 0o770|fs.ModeSetgid))
	dir := tokens.DirOptions{InsecureGroup: true}.Dir(path)
	require.NoError(t, dir.CompareAndSwap(t.Context(), dirKey, nil, []byte("value")))
	unlock, err := dir.Lock(t.Context(), dirKey)
	require.NoError(t, err)
	unlock()
	file := dirFile(t, tokens.Dir(path))
	for below, mode := range map[string]fs.FileMode{
		"": fs.ModeDir | fs.ModeSetgid | 0o770, "swaps": fs.ModeDir | fs.ModeSetgid | 0o770, "locks": fs.ModeDir | fs.ModeSetgid | 0o770,
		"swaps/c6": 0o660, "locks/c6": 0o660, filepath.Base(file): 0o660,
	} {
		assert.Equal(t, mode, modeOf(t, filepath.Join(path, below)), "%q", below)
	}
	require.NoError(t, os.Chmod(file, 0o666))
	value, err := dir.Load(t.Context(), dirKey)
	require.NoError(t, err)
	assert.Equal(t, "value", string(value))
	assert.Equal(t, fs.FileMode(0o660), modeOf(t, file), "for the group, and not for all")
	assert.Len(t, lines(), 1)
}

// TestDirOfAGroupOfSeveralUsers: they work with the same values and locks. Only root can be several
// users; for others, it is the same one three times.
func TestDirOfAGroupOfSeveralUsers(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Setenv("TMPDIR", "/tmp") // another directory may be root's alone, and the other process must get to it
	}
	path := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.Chmod(filepath.Dir(filepath.Dir(path)), 0o755)) // for the members to get there
	require.NoError(t, os.Mkdir(path, 0o700))
	own(t, path)
	if os.Geteuid() == 0 {
		require.NoError(t, os.Chown(path, 0, nobody))
	}
	require.NoError(t, os.Chmod(path, 0o770|fs.ModeSetgid))
	for n, member := range []string{"1001", "1002", "1001"} {
		out, err := dirChild(t, "dir-member", tokens.Dir(path), member).Output()
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprintf("lock <nil>, load %d, swap <nil>", n), string(out), member)
	}
}

func init() { children["dir-member"] = childOfAGroup }

// childOfAGroup adds a byte to the value.
func childOfAGroup() {
	if os.Geteuid() == 0 {
		for _, err := range []error{syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(must(strconv.Atoi(os.Getenv(childArg))))} {
			if err != nil {
				panic(err)
			}
		}
	}
	dir, ctx := tokens.DirOptions{InsecureGroup: true}.Dir(os.Getenv(childDir)), context.Background()
	_, lockErr := dir.Lock(ctx, dirKey)
	value, err := dir.Load(ctx, dirKey)
	if err != nil && !errors.Is(err, tokens.ErrNotFound) {
		panic(err)
	}
	fmt.Printf("lock %v, load %d, swap %v", lockErr, len(value), dir.CompareAndSwap(ctx, dirKey, value, append(value, '+')))
}

// TestDirOfAPlatform keeps the contract of a Store, whatever the options.
func TestDirOfAPlatform(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB, dir string) tokens.Store {
		require.NoError(t, os.Chmod(dir, 0o770))
		return tokens.DirOptions{InsecureOwner: nobody, InsecureGroup: true}.Dir(dir)
	})
}

// TestDirThatCannotBeSynced: the swap is done, and what is missing is said once. A disk that fails
// is another matter: see TestDirSaysThatTheSwapMayBeDone.
func TestDirThatCannotBeSynced(t *testing.T) {
	for _, unable := range []error{syscall.EINVAL, syscall.ENOTSUP} {
		t.Run(unable.Error(), func(t *testing.T) {
			lines := watchLog(t)
			failSyncOfDirs(t, unable)
			dir, _ := dirOne(t, "value")
			require.NoError(t, dir.CompareAndSwap(t.Context(), dirKey, []byte("value"), []byte("new")))
			require.NoError(t, dir.CompareAndSwap(t.Context(), dirKey, []byte("value"), []byte("new")), "a repeat")
			assertDirHolds(t, dir, "new")
			require.NoError(t, dir.CompareAndSwap(t.Context(), dirKey, []byte("new"), nil))
			_, err := dir.Load(t.Context(), dirKey)
			require.ErrorIs(t, err, tokens.ErrNotFound)
			require.Len(t, lines(), 1)
			assert.Contains(t, lines()[0], "cannot sync a directory")
			assert.Contains(t, lines()[0], "path="+string(dir))
		})
	}
}
