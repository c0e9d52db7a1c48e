// Package atomicfile replaces and removes whole files in a directory that is open as an [os.Root].
// No reader ever sees half of a file, even after a process was killed or the power failed. Open
// such a file with [Open]: Windows may allow no reading while a file is replaced, and Open waits
// for that moment to pass.
//
// All but Mkdir works in the open directory, whatever its path leads to meanwhile. No link in it
// leads out of it, and a link in the place of a file is replaced or removed itself.
//
// The package takes no locks. Only one process may write or remove a file at a time, in a directory
// that no other user can write to.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/robustio"
)

// Step is called on the way through Write: at "written" (the temporary file has its content, which
// is not synced yet), "before rename" and "after rename" (the directory is not synced yet). It does
// nothing. A test sets it, in a process of its own, to kill that process there.
var Step = func(name string) {}

// SyncFile makes what a file or a directory holds outlive a crash. A test watches it, and makes it
// fail.
var SyncFile = (*os.File).Sync

// Suffix is what the name of the temporary file has more than that of the file. It is always the
// same, so a left-over of a killed process is overwritten and not joined by others.
const Suffix = ".tmp"

// ErrNoSync: all was done as asked, but the file system cannot sync a directory, as some that are
// shared or come over a network cannot. It alone decides what a crash leaves.
var ErrNoSync = errors.New("its file system cannot sync a directory")

// Write replaces the file of this name in dir by one with this content and mode, whatever the
// umask, or creates it. When it returns nil, the new content outlives a crash. The error says
// whether the file may have been replaced; with [ErrNoSync] it has been.
func Write(dir *os.Root, name string, data []byte, mode fs.FileMode) error {
	temp := name + Suffix
	err := writeTemp(dir, temp, data, mode)
	if err == nil {
		Step("before rename")
		err = retry(robustio.IsEphemeralError, func() error { return dir.Rename(temp, name) })
	}
	if err != nil {
		dir.Remove(temp) // it may hold a secret; if it cannot be removed, the next Write does
		return fmt.Errorf("%w; %s is as it was", Named(dir, err), name)
	}
	Step("after rename")
	if err := SyncDir(dir); err != nil {
		return fmt.Errorf("%w; %s may or may not hold the new content after a crash", err, name)
	}
	return nil
}

// writeTemp creates temp anew: a left-over could have another mode, or be a link to somewhere else.
func writeTemp(dir *os.Root, temp string, data []byte, mode fs.FileMode) error {
	const anew = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	f, err := open(dir, temp, anew, 0o600)
	if errors.Is(err, fs.ErrExist) {
		if err := remove(dir, temp); err != nil {
			return err
		}
		f, err = open(dir, temp, anew, 0o600)
	}
	if err != nil {
		return err
	}
	if mode != 0o600 {
		err = f.Chmod(mode)
	}
	if err == nil {
		_, err = f.Write(data)
	}
	if err == nil {
		Step("written")
		// Without this, a file system may bring the new name to the disk before the content.
		err = SyncFile(f)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// Remove removes the file of this name in dir, and what a killed Write left beside it. What is not
// there needs no removing. When it returns nil, the file stays away after a crash. The error says
// whether the file may have been removed; with [ErrNoSync] it has been.
func Remove(dir *os.Root, name string) error {
	// The temporary file goes first: it may hold newer content than the file, and must not outlive
	// it.
	for _, name := range []string{name + Suffix, name} {
		if err := remove(dir, name); err != nil {
			return fmt.Errorf("%w; %s is as it was", Named(dir, err), strings.TrimSuffix(name, Suffix))
		}
	}
	if err := SyncDir(dir); err != nil {
		return fmt.Errorf("%w; %s is gone, and may be back after a crash", err, name)
	}
	return nil
}

// remove removes one file.
func remove(dir *os.Root, name string) error {
	switch info, err := dir.Lstat(name); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir(): // Root.Remove would take an empty one
		return &fs.PathError{Op: "remove", Path: name, Err: errors.New("is a directory")}
	}
	err := retry(isBusy, func() error { return dir.Remove(name) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Open opens the file of this name in dir. It creates one only if flag says so.
func Open(dir *os.Root, name string, flag int) (*os.File, error) {
	f, err := open(dir, name, flag, 0o600)
	return f, Named(dir, err)
}

func open(dir *os.Root, name string, flag int, mode fs.FileMode) (f *os.File, err error) {
	err = retry(isBusy, func() (err error) {
		f, err = dir.OpenFile(name, flag, mode)
		return err
	})
	return f, err
}

// Mkdir makes the directory at path and the parents that are missing, for their user alone. What is
// there already stays as it is. When it returns nil, the directory outlives a crash, if the file
// system can sync one.
func Mkdir(path string) error {
	parent := filepath.Dir(path)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		// Another process may have made it this very moment, and not have come to the sync. If it
		// was there before, it may stand where we cannot sync, and need not.
		_ = syncPath(parent)
		return nil
	}
	if parent != path {
		if err := Mkdir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		if info, statErr := os.Stat(path); statErr != nil || !info.IsDir() {
			return err
		}
	}
	if err := syncPath(parent); !errors.Is(err, ErrNoSync) {
		return err
	}
	return nil
}

func syncPath(path string) error {
	return syncNames(func() (*os.File, error) { return os.Open(path) })
}

// SyncDir returns when the names in dir, as they are now, outlive a crash.
func SyncDir(dir *os.Root) error {
	return Named(dir, syncNames(func() (*os.File, error) { return dir.Open(".") }))
}

// syncNames syncs a directory. Windows has no such call, and writes names in order.
func syncNames(open func() (*os.File, error)) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := open()
	if err != nil {
		return err
	}
	defer dir.Close() // nothing was written to it
	err = SyncFile(dir)
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("%w: %w", ErrNoSync, err)
	}
	return err
}

// Named returns err with the path of the file in dir instead of its name alone.
func Named(dir *os.Root, err error) error {
	full := func(name string) string { return filepath.Join(dir.Name(), name) }
	switch e := err.(type) {
	case *fs.PathError:
		if !strings.HasPrefix(e.Path, dir.Name()) { // a write or a sync has it
			return &fs.PathError{Op: strings.TrimSuffix(e.Op, "at"), Path: full(e.Path), Err: e.Err}
		}
	case *os.LinkError:
		return &os.LinkError{Op: strings.TrimSuffix(e.Op, "at"), Old: full(e.Old), New: full(e.New), Err: e.Err}
	}
	return err
}

// isBusy reports whether Windows may allow what failed a moment later.
func isBusy(err error) bool {
	return robustio.IsEphemeralError(err) && !errors.Is(err, fs.ErrNotExist)
}

// retry repeats f for two seconds, as robustio does for what has a path and no directory.
func retry(passes func(error) bool, f func() error) error {
	err := f()
	end := time.Now().Add(2 * time.Second)
	for pause := time.Millisecond; err != nil && passes(err) && time.Now().Before(end); pause += pause / 2 {
		time.Sleep(pause)
		err = f()
	}
	return err
}
