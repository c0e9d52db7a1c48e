package keyring

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/zalando/go-keyring"
	"go.uber.org/goleak"
)

// These tests are inside the package, and most are over go-keyring's mock. Those with a Secret
// Service are in internal/integration.

func TestMain(m *testing.M) {
	// No test asks this machine's keyring, nor writes to this user's directories.
	keyring.MockInit()
	home, err := os.MkdirTemp("", "keyring")
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "LocalAppData"} {
		os.Setenv(name, home)
	}
	os.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(home)
		os.Exit(code)
	}))
}

func TestKeyIsMadeOnce(t *testing.T) {
	keyring.MockInit()
	_, err := Find(t.Context(), "tool", "ada")
	require.ErrorIs(t, err, ErrNotFound)
	var all sync.WaitGroup
	keys := make([]string, 20)
	for n := range keys {
		all.Go(func() {
			key, err := Key(t.Context(), "tool", "ada")
			assert.NoError(t, err)
			assert.Len(t, key, KeySize)
			keys[n] = string(key)
		})
	}
	all.Wait()
	for _, key := range keys {
		require.Equal(t, keys[0], key)
	}
	for _, names := range [][2]string{{"tool", "alan"}, {"other", "ada"}} {
		other, err := Key(t.Context(), names[0], names[1])
		require.NoError(t, err)
		require.NotEqual(t, keys[0], string(other))
	}
	found, err := Find(t.Context(), "tool", "ada")
	require.NoError(t, err)
	require.Equal(t, keys[0], string(found))
	for range 2 {
		require.NoError(t, Delete(t.Context(), "tool", "ada"))
	}
	_, err = Find(t.Context(), "tool", "ada")
	require.ErrorIs(t, err, ErrNotFound)
}

func TestValueThatIsNoKey(t *testing.T) {
	keyring.MockInit()
	for _, value := range []string{"", "hello", strings.Repeat("ab", 31), strings.Repeat("ab", 33), strings.Repeat("xy", 32)} {
		require.NoError(t, keyring.Set("tool", "ada", value))
		for _, ask := range []func(context.Context, string, string) ([]byte, error){Key, Find} {
			key, err := ask(t.Context(), "tool", "ada")
			require.ErrorIs(t, err, ErrBroken)
			require.Nil(t, key)
			require.True(t, value == "" || !strings.Contains(err.Error(), value), "%v", err)
		}
	}
	require.NoError(t, keyring.Set("tool", "ada", strings.Repeat("aB", 32)+"\n"), "which some programs add")
	_, err := Find(t.Context(), "tool", "ada")
	require.NoError(t, err)
}

func TestKeyringThatFails(t *testing.T) {
	failed := errors.New("failed to unlock correct collection")
	keyring.MockInitWithError(failed)
	defer keyring.MockInit()
	for name, ask := range map[string]func() error{
		"key":    func() error { _, err := Key(t.Context(), "tool", "ada"); return err },
		"find":   func() error { _, err := Find(t.Context(), "tool", "ada"); return err },
		"delete": func() error { return Delete(t.Context(), "tool", "ada") },
	} {
		err := ask()
		require.ErrorIs(t, err, ErrUnavailable)
		require.ErrorIs(t, err, failed)
		require.EqualError(t, err, "keyring: "+name+": the keyring is not available: failed to unlock correct collection")
	}
}

// TestWithoutAPlaceForLocks a key can be made all the same.
func TestWithoutAPlaceForLocks(t *testing.T) {
	file := t.TempDir() + "/file"
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, home := range []string{"", file} {
		keyring.MockInit()
		for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "LocalAppData"} {
			t.Setenv(name, home)
		}
		key, err := Key(t.Context(), "tool", "ada")
		require.NoError(t, err)
		found, err := Find(t.Context(), "tool", "ada")
		require.NoError(t, err)
		require.Equal(t, key, found)
	}
}

func TestNamesThatCannotBe(t *testing.T) {
	for _, name := range []string{"", "a\nb", "a\x00b", "é", strings.Repeat("a", 201)} {
		_, err := Key(t.Context(), name, "ada")
		require.ErrorContains(t, err, "the service")
		_, err = Find(t.Context(), "tool", name)
		require.ErrorContains(t, err, "the user")
	}
}

// TestHang: a call that hangs is given up, the next ones do not wait, and once it has returned they
// go on.
func TestHang(t *testing.T) {
	outside := busy
	defer func() { busy = outside; stuck.Store(nil) }()
	synctest.Test(t, func(t *testing.T) {
		busy = make(chan struct{}, 1) // of this bubble
		hang := make(chan struct{})
		ask := func(ctx context.Context, do func()) (time.Duration, error) {
			began := time.Now()
			_, err := call(ctx, "key", "tool", "ada", func(context.Context) ([]byte, error) { do(); return nil, nil })
			return time.Since(began), err
		}
		took, err := ask(t.Context(), func() { <-hang })
		require.ErrorIs(t, err, ErrTimeout)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Minute, took)
		took, err = ask(t.Context(), func() { t.Error("it is asked") })
		require.ErrorIs(t, err, ErrTimeout)
		require.Zero(t, took)

		close(hang)
		synctest.Wait()
		took, err = ask(t.Context(), func() {})
		require.NoError(t, err)
		require.Zero(t, took)

		// One that waits for another is given up, too.
		hang = make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() {
			_, err := ask(t.Context(), func() { <-hang })
			assert.NoError(t, err)
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		took, err = ask(ctx, func() { t.Error("it is asked") })
		require.ErrorIs(t, err, ErrTimeout)
		require.Equal(t, time.Second, took)
		ended, end := context.WithCancel(t.Context())
		go func() { time.Sleep(time.Second); end() }()
		_, err = ask(ended, func() { t.Error("it is asked") })
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, ErrTimeout)
		_, err = ask(ended, func() { t.Error("it is asked") })
		require.ErrorIs(t, err, context.Canceled)
		late, end := context.WithTimeout(t.Context(), -1)
		defer end()
		_, err = ask(late, func() { t.Error("it is asked") })
		require.ErrorIs(t, err, ErrTimeout)
		close(hang)
		all.Wait()

		// A caller in a hurry does not spoil it for the next.
		hang = make(chan struct{})
		hurry, end := context.WithTimeout(t.Context(), time.Second)
		defer end()
		_, err = ask(hurry, func() { <-hang })
		require.ErrorIs(t, err, ErrTimeout)
		go func() { time.Sleep(time.Second); close(hang) }()
		took, err = ask(t.Context(), func() {})
		require.NoError(t, err)
		require.Equal(t, time.Second, took)
	})
}

// TestWithoutABus nothing is asked, and nothing launched.
func TestWithoutABus(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // the keyring is a part of the system
	}
	if info, err := os.Stat("/run/user/" + uid() + "/bus"); err == nil {
		t.Log("this user has a session bus: ", info.Name())
		return
	}
	keyring.MockInit()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/bus", nil, 0o600)) // no socket
	for _, address := range []string{"", "autolaunch:", "autolaunch:scope=*user"} {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
		for _, runtime := range []string{"", "relative", "/nonexistent", dir} {
			t.Setenv("XDG_RUNTIME_DIR", runtime)
			_, err := Key(t.Context(), "tool", "ada")
			require.ErrorIs(t, err, ErrUnavailable)
			require.ErrorContains(t, err, "there is no session bus")
		}
	}
}

func uid() string { return strconv.Itoa(os.Getuid()) }
