package turn_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/contentstack/csoauth/internal/turn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ada = turn.Holder{Program: "ada", Profile: "default", PID: 7, Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)}

func nobody(turn.Holder) {}

func TestLockIsForOneAtATime(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a", "b")
	first, second := turn.New(folder, "x"), turn.New(folder, "x")
	leave, ok, err := first.Try(ada)
	require.NoError(t, err)
	require.True(t, ok)
	require.True(t, ada.Since.Equal(second.Holder().Since))
	require.Equal(t, `"ada", profile "default" (process 7, since 03:04:05)`, second.Holder().String())
	_, ok, err = second.Try(turn.Holder{})
	require.NoError(t, err)
	require.False(t, ok)
	leaveOther, ok, err := turn.New(folder, "y").Try(turn.Holder{})
	require.NoError(t, err)
	require.True(t, ok, "another name")
	leaveOther()

	var told []turn.Holder
	waits := make(chan bool, 10)
	got := make(chan error)
	go func() {
		again, err := second.Take(t.Context(), turn.Holder{Program: "alan"}, func(h turn.Holder) {
			told = append(told, h)
			waits <- true
		})
		if err == nil {
			again()
		}
		got <- err
	}()
	<-waits
	leave()
	require.NoError(t, <-got)
	require.Len(t, told, 1)
	require.Equal(t, "ada", told[0].Program)
	require.Equal(t, turn.Holder{}, first.Holder(), "nobody has it")
	require.Equal(t, "another program", first.Holder().String())
}

func TestManyTakeTurns(t *testing.T) {
	lock := turn.New(t.TempDir(), "x")
	var all sync.WaitGroup
	var mu sync.Mutex
	for range 20 {
		all.Go(func() {
			leave, err := lock.Take(t.Context(), ada, nobody)
			if assert.NoError(t, err) {
				assert.True(t, mu.TryLock(), "one at a time")
				time.Sleep(time.Millisecond)
				mu.Unlock()
				leave()
			}
		})
	}
	all.Wait()
}

func TestWaitEndsWithItsContext(t *testing.T) {
	lock := turn.New(t.TempDir(), "x")
	leave, _, err := lock.Try(ada)
	require.NoError(t, err)
	defer leave()
	late := errors.New("late")
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, late)
	defer cancel()
	_, err = lock.Take(ctx, ada, nobody)
	require.ErrorIs(t, err, late)
	ended, end := context.WithCancel(t.Context())
	end()
	_, err = turn.New(t.TempDir(), "free").Take(ended, ada, nobody)
	require.ErrorIs(t, err, context.Canceled)
}

// TestHolderThatCannotBeRead, for example because it is being written, is unknown.
func TestHolderThatCannotBeRead(t *testing.T) {
	folder := t.TempDir()
	for _, text := range []string{"", "{", `{"program":`} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, "x.holder"), []byte(text), 0o600))
		require.Equal(t, "another program", turn.New(folder, "x").Holder().String())
	}
	require.Equal(t, `"ada" (process 7, since 03:04:05)`, turn.Holder{Program: "ada", PID: 7, Since: ada.Since}.String())
}

func TestFolderThatCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := turn.New(file, "x").Take(t.Context(), ada, nobody)
	require.ErrorContains(t, err, file)
}

func TestBase(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Setenv("HOME", "")
		t.Setenv("LocalAppData", "")
		_, err := turn.Base()
		require.Error(t, err)
		return
	}
	for name, row := range map[string]struct{ home, config, want, err string }{
		"config":          {"/users/ada", "/conf", "/conf", ""},
		"home":            {"/users/ada", "", "/users/ada/.config", ""},
		"none":            {"", "", "", "set HOME or XDG_CONFIG_HOME"},
		"relative home":   {"ada", "", "", `is "ada/.config", which is relative`},
		"relative config": {"/users/ada", "conf", "", "XDG_CONFIG_HOME"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("HOME", row.home)
			t.Setenv("XDG_CONFIG_HOME", row.config)
			base, err := turn.Base()
			if row.err != "" {
				require.ErrorContains(t, err, row.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, row.want, base)
		})
	}
}

func TestFolder(t *testing.T) {
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} {
		t.Setenv(name, "")
	}
	_, err := turn.Folder()
	require.Error(t, err)
	cache := t.TempDir()
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} {
		t.Setenv(name, cache)
	}
	folder, err := turn.Folder()
	require.NoError(t, err)
	rel, err := filepath.Rel(cache, folder)
	require.NoError(t, err)
	require.True(t, filepath.IsLocal(rel), folder)
	if runtime.GOOS == "linux" {
		t.Setenv("XDG_CACHE_HOME", "here")
		_, err = turn.Folder()
		require.Error(t, err)
	}
}

func TestWhatIsNoTerminal(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	require.NoError(t, err)
	require.False(t, turn.IsForeground(file))
	require.NoError(t, file.Close())
	require.False(t, turn.IsForeground(file), "closed")
	null, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer null.Close()
	require.False(t, turn.IsForeground(null))
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	defer reader.Close()
	defer writer.Close()
	require.False(t, turn.IsForeground(writer))
}

// TestHolderIsTheSameInAnyTimeZone, and is told once.
func TestHolderIsTheSameInAnyTimeZone(t *testing.T) {
	other := ada
	other.Since = ada.Since.In(time.FixedZone("there", 5*3600+1800))
	require.True(t, ada.Is(other))
	other.PID++
	require.False(t, ada.Is(other))
	other = ada
	other.Since = ada.Since.Add(time.Second)
	require.False(t, ada.Is(other))
}
