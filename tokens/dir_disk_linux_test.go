//go:build fulldisk

package tokens_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

// TestHolderOnAFullDisk is TestHolderThatRunsLosesNothing in real time, on a disk of 1 MiB that is
// full for 2.2 s and free for 0.8 s in turn. It mounts that disk, so it must run as root, and the
// build tag fulldisk keeps it out of other runs (make test-disk).
func TestHolderOnAFullDisk(t *testing.T) {
	path := t.TempDir()
	require.NoError(t, syscall.Mount("tmpfs", path, "tmpfs", 0, "size=1m,mode=0700"))
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(path, 0)) })
	dir := tokens.Dir(filepath.Join(path, "tokens"))

	const logins, rounds = 20, 10
	const lease = 3 * time.Second
	p := newProvider()
	p.lives, p.takes = 2*lease, lease/5
	options := &tokens.Options{Lease: lease, MaxRefreshesPerHost: logins}
	ms := []*tokens.Manager{newManager(p.config(), dir, options), newManager(p.config(), dir, options)}
	for n := range logins {
		key := fmt.Sprint("user", n)
		require.NoError(t, ms[0].Put(t.Context(), key, p.login(key)))
	}

	end, full := make(chan struct{}), 0
	var filler, all sync.WaitGroup
	filler.Go(func() {
		file := filepath.Join(path, "ballast")
		for {
			if fill(file) {
				full++
			}
			if endsWithin(end, 2200*time.Millisecond) {
				return
			}
			_ = os.Remove(file)
			if endsWithin(end, 800*time.Millisecond) {
				return
			}
		}
	})
	for n := range logins {
		for _, m := range ms {
			all.Go(func() {
				for until := time.Now().Add(rounds * p.lives); time.Now().Before(until); time.Sleep(200 * time.Millisecond) {
					_, _ = m.Token(t.Context(), fmt.Sprint("user", n))
				}
			})
		}
	}
	all.Wait()
	close(end)
	filler.Wait()
	_ = os.Remove(filepath.Join(path, "ballast"))
	for _, m := range ms {
		require.NoError(t, m.Close())
	}
	require.Greater(t, full, rounds, "the disk was full")
	require.Greater(t, p.asked(), logins*rounds/4, "and there were refreshes")
	lost := 0
	for n := range logins {
		now := readStoredOf(t, dir, fmt.Sprint("user", n))
		if !p.isAlive(&now.token) {
			lost++
		}
	}
	t.Logf("%d refreshes, the disk was full %d times, %d logins lost", p.asked(), full, lost)
	assert.Zero(t, lost)
}

// fill writes until the disk is full, and reports whether it is.
func fill(file string) bool {
	f, err := os.Create(file)
	if err != nil {
		return errors.Is(err, syscall.ENOSPC)
	}
	defer f.Close()
	block := make([]byte, 4096)
	for range 1024 {
		if _, err := f.Write(block); err != nil {
			return errors.Is(err, syscall.ENOSPC)
		}
	}
	return false
}

// endsWithin reports whether end was closed meanwhile.
func endsWithin(end <-chan struct{}, d time.Duration) bool {
	select {
	case <-end:
		return true
	case <-time.After(d):
		return false
	}
}
