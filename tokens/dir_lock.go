package tokens

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/rogpeppe/go-internal/lockedfile"

	"github.com/contentstack/csoauth/internal/atomicfile"
)

// A queue is where the goroutines of this process wait for one lock file. The system's own wait
// takes a thread and cannot be ended, so only the first in the queue is in it.
type queue struct {
	users int           // in the queue, at its head, or giving back; guarded by queues
	head  chan struct{} // has room for one; senders get in by the order in which they came
	dir   *openDir      // in which file was found
	// file is the locked file. It is here, and not only in unlock, so that a caller who loses
	// unlock keeps the lock: the garbage collector would close the file.
	file *lockedfile.File
}

// queues has the queue of each lock file that is in use in this process, by its absolute path. One
// that has two paths has two queues. That costs a thread, and the lock itself still holds.
var queues = struct {
	sync.Mutex
	byPath map[string]*queue
}{byPath: map[string]*queue{}}

// lock waits until this caller alone, in all processes, holds the lock file of key in a folder, and
// returns the directory that it is in. If ctx ends first, it has no lock, and returns at once.
// unlock closes the directory.
func (f folder) lock(ctx context.Context, key, folder string) (dir *openDir, unlock func(), err error) {
	if err := checkCall(ctx, key); err != nil {
		return nil, nil, err
	}
	path, err := f.absPath()
	if err != nil {
		return nil, nil, err
	}
	path = filepath.Join(path, folder, fileName(key)[:2])
	q := enter(path)
	select {
	case q.head <- struct{}{}:
	case <-ctx.Done():
		leave(path, q)
		return nil, nil, ctx.Err()
	}

	locked := make(chan error) // has no room, so that either it is received or the lock is given back
	go func() {
		var err error
		// Only the head opens the directory, so that a crowd does not use up the open files.
		if q.dir, err = f.openWith(folder); err == nil {
			q.file, err = q.dir.lockFile(folder + "/" + filepath.Base(path))
		}
		select {
		case locked <- err:
		case <-ctx.Done():
			giveBack(path, q)
		}
	}()
	select {
	case err = <-locked:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	if err != nil {
		giveBack(path, q)
		return nil, nil, err
	}
	return q.dir, sync.OnceFunc(func() { giveBack(path, q) }), nil
}

// lockFile locks the file of this name, and makes it if it is missing.
func (d *openDir) lockFile(name string) (*lockedfile.File, error) {
	path := filepath.Join(d.path, name)
	// The system locks what the path leads to, and makes nothing there.
	file, err := lockedfile.OpenFile(path, os.O_RDWR|openFlags, 0)
	if errors.Is(err, fs.ErrNotExist) {
		if err := d.makeLock(name); err != nil {
			return nil, err
		}
		file, err = lockedfile.OpenFile(path, os.O_RDWR|openFlags, 0)
	}
	if err != nil {
		if info, statErr := d.Lstat(name); statErr == nil && !info.Mode().IsRegular() {
			err = oddLock(path, d.checkFile(path, info, nil))
		}
		return nil, err
	}
	if err := d.checkLock(path, name, file.File); err != nil {
		_ = file.Close() // nothing was written to it
		return nil, err
	}
	return file, nil
}

// checkLock returns why the file that was locked is not the lock. Where a directory's owner is not
// checked, a file of another directory is no news.
func (d *openDir) checkLock(path, name string, file *os.File) error {
	if !hasOwners {
		return nil
	}
	got, err := file.Stat()
	if err != nil {
		return err
	}
	info, err := d.Lstat(name)
	if err != nil {
		return atomicfile.Named(d.Root, err)
	}
	if err := d.checkFile(path, info, func(mode fs.FileMode) error { return d.Chmod(name, mode) }); err != nil {
		return oddLock(path, err)
	}
	if !os.SameFile(got, info) {
		return fmt.Errorf("%s was replaced while it was being locked", path)
	}
	return nil
}

func oddLock(path string, err error) error {
	return fmt.Errorf("%s %w: end all processes that use the directory, and remove it", path, err)
}

func (d *openDir) makeLock(name string) error {
	f, err := atomicfile.Open(d.Root, name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if errors.Is(err, fs.ErrExist) {
		return nil // another process was faster
	} else if err != nil {
		return err
	}
	defer f.Close() // nothing was written to it
	if d.isShared() {
		return f.Chmod(d.fileMode())
	}
	return nil
}

// giveBack frees the lock, if the head of the queue has it, and lets in the next.
func giveBack(path string, q *queue) {
	if q.file != nil {
		// It unlocks and closes. There is nothing to do about an error: nothing was written, and a
		// file that is closed is unlocked.
		_ = q.file.Close()
		q.file = nil
	}
	if q.dir != nil {
		_ = q.dir.Close()
		q.dir = nil
	}
	<-q.head
	leave(path, q)
}

func enter(path string) *queue {
	queues.Lock()
	defer queues.Unlock()
	q := queues.byPath[path]
	if q == nil {
		q = &queue{head: make(chan struct{}, 1)}
		queues.byPath[path] = q
	}
	q.users++
	return q
}

func leave(path string, q *queue) {
	queues.Lock()
	defer queues.Unlock()
	if q.users--; q.users == 0 {
		delete(queues.byPath, path)
	}
}
