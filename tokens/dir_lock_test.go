package tokens_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

// lockFileOf locks a lock file as another process would. file is that of the value.
func lockFileOf(t *testing.T, dir tokens.Dir, folder, file string) (release func()) {
	t.Helper()
	folder = filepath.Join(string(dir), folder)
	require.NoError(t, os.MkdirAll(folder, 0o700))
	f, err := lockedfile.OpenFile(filepath.Join(folder, filepath.Base(file)[:2]), os.O_RDWR|os.O_CREATE, 0o600)
	require.NoError(t, err)
	released := false
	release = func() {
		if !released {
			released = true
			assert.NoError(t, f.Close())
		}
	}
	t.Cleanup(release)
	return release
}

// waitFor looks until done.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	require.Eventually(t, done, time.Minute, time.Millisecond)
}

// TestDirWaitersTakeOneThread: a thread that waits for a file lock is lost to the rest of the
// program.
func TestDirWaitersTakeOneThread(t *testing.T) {
	const waiters = 1000
	dir, file := dirOne(t, "value")
	release := lockFileOf(t, dir, "locks", file)
	ctx, cancel := context.WithCancel(t.Context())
	errs := make(chan error)
	threads := pprof.Lookup("threadcreate")
	before := threads.Count()
	for range waiters {
		go func() {
			_, err := dir.Lock(ctx, dirKey)
			errs <- err
		}()
	}
	waitFor(t, func() bool { return tokens.Queued(string(dir)) == waiters })
	assert.Less(t, threads.Count()-before, 50)
	cancel()
	for range waiters {
		assert.ErrorIs(t, <-errs, context.Canceled)
	}
	assert.Equal(t, 1, tokens.Queued(string(dir)), "the one that asked the system must wait for its response")

	// It gives back what it gets.
	release()
	ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	unlock, err := dir.Lock(ctx, dirKey)
	require.NoError(t, err)
	unlock()
	waitFor(t, func() bool { return tokens.Queued(string(dir)) == 0 })
}

// TestDirWaitersGetTheLockInTurn: first come, first served.
func TestDirWaitersGetTheLockInTurn(t *testing.T) {
	const waiters = 20
	dir, _ := dirOne(t, "value")
	synctest.Test(t, func(t *testing.T) {
		unlock, err := dir.Lock(t.Context(), dirKey)
		require.NoError(t, err)
		turns := make(chan int, waiters)
		for i := range waiters {
			go func() {
				unlock, err := dir.Lock(t.Context(), dirKey)
				turns <- i
				if assert.NoError(t, err) {
					unlock()
				}
			}()
			synctest.Wait() // until it is in the queue
		}
		unlock()
		for i := range waiters {
			assert.Equal(t, i, <-turns)
		}
	})
}

// TestDirLockOfAnotherProcess is waited for by one, who gets it, while others give up.
func TestDirLockOfAnotherProcess(t *testing.T) {
	dir, file := dirOne(t, "value")
	release := lockFileOf(t, dir, "locks", file)
	ctx, cancel := context.WithCancel(t.Context())
	quitter := make(chan error)
	go func() {
		_, err := dir.Lock(ctx, dirKey)
		quitter <- err
	}()
	waitFor(t, func() bool { return tokens.Queued(string(dir)) == 1 })
	got := make(chan error)
	soon, cancelSoon := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancelSoon()
	go func() {
		unlock, err := dir.Lock(soon, dirKey)
		if err == nil {
			unlock()
			unlock()
		}
		got <- err
	}()
	waitFor(t, func() bool { return tokens.Queued(string(dir)) == 2 })
	cancel()
	require.ErrorIs(t, <-quitter, context.Canceled)
	release()
	require.NoError(t, <-got)
	waitFor(t, func() bool { return tokens.Queued(string(dir)) == 0 })
}

// TestDirLockThatIsLost: a caller who drops unlock keeps the lock. The garbage collector must not
// free it.
func TestDirLockThatIsLost(t *testing.T) {
	dir, _ := dirOne(t, "value")
	_, err := dir.Lock(t.Context(), dirKey)
	require.NoError(t, err)
	defer tokens.ForceUnlock(string(dir)) // Windows removes no file that is open
	for range 3 {
		runtime.GC()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = dir.Lock(ctx, dirKey)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestDirLockFileThatCannotBeOne(t *testing.T) {
	dir, file := dirOne(t, "value")
	require.NoError(t, os.MkdirAll(filepath.Join(string(dir), "locks", filepath.Base(file)[:2]), 0o700))
	for range 2 { // the first must not leave the queue blocked
		_, err := dir.Lock(t.Context(), dirKey)
		assertDirError(t, err, " is a directory and not a plain file: end all processes that use the directory, and remove it")
	}
	assert.Zero(t, tokens.Queued(string(dir)))
}
