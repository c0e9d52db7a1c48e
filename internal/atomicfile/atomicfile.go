// Package atomicfile replaces and removes whole files. No reader ever sees half of a file, even
// after a process was killed or the power failed. Read such a file with robustio.ReadFile: Windows
// allows no reading while a file is replaced, and ReadFile waits for that moment to pass.
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

	"github.com/rogpeppe/go-internal/robustio"
)

// Step is called on the way through Write: at "written" (the temporary file has its content, which
// is not synced yet), "before rename" and "after rename" (the directory is not synced yet). It does
// nothing. A test sets it, in a process of its own, to kill that process there.
var Step = func(name string) {}

// syncFile makes what a file or a directory holds outlive a crash. A test watches it, and makes it
// fail.
var syncFile = (*os.File).Sync

// Suffix is what the name of the temporary file has more than that of the file. It is always the
// same, so a left-over of a killed process is overwritten and not joined by others.
const Suffix = ".tmp"

// Write replaces the file at path by one with content data that only its user can read, or creates
// it. When it returns nil, the new content outlives a crash. The error says whether the file may
// have been replaced.
func Write(path string, data []byte) error {
	temp := path + Suffix
	if err := writeTemp(temp, data); err != nil {
		os.Remove(temp) // it may hold a secret; if it cannot be removed, the next Write does
		return fmt.Errorf("%w; %s is as it was", err, filepath.Base(path))
	}
	Step("before rename")
	if err := robustio.Rename(temp, path); err != nil {
		os.Remove(temp)
		return fmt.Errorf("%w; %s is as it was", err, filepath.Base(path))
	}
	Step("after rename")
	if err := SyncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("%w; %s may or may not hold the new content", err, filepath.Base(path))
	}
	return nil
}

// writeTemp creates temp anew: a left-over could have another mode, or be a link to somewhere else.
func writeTemp(temp string, data []byte) error {
	if err := remove(temp); err != nil {
		return err
	}
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		Step("written")
		// Without this, a file system may bring the new name to the disk before the content.
		err = syncFile(f)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// Remove removes the file at path, and what a killed Write left beside it. What is not there needs
// no removing. When it returns nil, the file stays away after a crash. The error says whether the
// file may have been removed.
func Remove(path string) error {
	// The temporary file goes first: it may hold newer content than the file, and must not outlive
	// it.
	for _, name := range []string{path + Suffix, path} {
		if err := remove(name); err != nil {
			return fmt.Errorf("%w; %s is as it was", err, filepath.Base(path))
		}
	}
	if err := SyncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("%w; %s is gone, and may be back after a crash", err, filepath.Base(path))
	}
	return nil
}

// remove removes one file and waits, on Windows, until nobody has it open.
func remove(path string) error {
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir(): // RemoveAll would take what is in it, too
		return &fs.PathError{Op: "remove", Path: path, Err: errors.New("is a directory")}
	}
	return robustio.RemoveAll(path)
}

// Mkdir makes the directory at path and the parents that are missing, for their user alone. What is
// there already stays as it is. When it returns nil, the directory outlives a crash.
func Mkdir(path string) error {
	parent := filepath.Dir(path)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		// Another process may have made it this very moment, and not have come to the sync. If it
		// was there before, it may stand where we cannot sync, and need not.
		_ = SyncDir(parent)
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
	return SyncDir(parent)
}

// SyncDir returns when the names in the directory at path, as they are now, outlive a crash.
// Windows has no such call, and writes names in order.
func SyncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close() // nothing was written to it
	return syncFile(dir)
}
