package tokens

import (
	"context"
	"os"
	"sync"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// A queue is where the goroutines of this process wait for one lock file. The system's own wait
// takes a thread and cannot be ended, so only the first in the queue is in it.
type queue struct {
	users int           // in the queue, at its head, or giving back; guarded by queues
	head  chan struct{} // has room for one; senders get in by the order in which they came
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

// lockFile waits until this caller alone, in all processes, holds the lock of the file at path, and
// makes the file if it is missing. If ctx ends first, it has no lock, and returns at once.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	q := enter(path)
	select {
	case q.head <- struct{}{}:
	case <-ctx.Done():
		leave(path, q)
		return nil, ctx.Err()
	}

	locked := make(chan error) // has no room, so that either it is received or the lock is given back
	go func() {
		file, err := lockedfile.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		q.file = file
		select {
		case locked <- err:
		case <-ctx.Done():
			giveBack(path, q)
		}
	}()
	select {
	case err = <-locked:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err != nil {
		giveBack(path, q)
		return nil, err
	}
	return sync.OnceFunc(func() { giveBack(path, q) }), nil
}

// giveBack frees the lock, if the head of the queue has it, and lets in the next.
func giveBack(path string, q *queue) {
	if q.file != nil {
		// It unlocks and closes. There is nothing to do about an error: nothing was written, and a
		// file that is closed is unlocked.
		_ = q.file.Close()
		q.file = nil
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
