package tokens

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/contentstack/csoauth/internal/atomicfile"
)

// A Dir is the path of a directory with one file per key. It is a [Store] and a [Locker] for all
// processes of one user on one machine. It may be copied, and is safe for concurrent use. A
// relative path is relative to the working directory at the time of each call. The first swap or
// lock creates the directory.
//
// The directory must be on a local file system. Locks and renames over a network (NFS, SMB) do not
// keep the promises of a Store. Use a database for several machines. On a file system that cannot
// sync a directory, a swap succeeds, but a power failure may undo it.
//
// The files hold the values in clear text, and only their user can read them (mode 0600). Use
// [Sealed] to encrypt them. On Unix, Dir refuses a directory whose owner is neither this user nor
// root, and a directory that others can write to. There is one exception: if this user owns the
// directory, Dir removes the others' right to write. From files that others can read or write, it
// removes these rights. Some platforms set such modes on a whole volume at each start. Dir does not
// change a directory with the sticky bit, such as /tmp, because it is meant to be shared. For a
// directory that a platform owns, see [DirOptions].
//
// On Windows, Dir checks none of this. Choose a directory whose ACL excludes others, such as one in
// %LocalAppData%.
//
// Each call opens the directory once, checks the open directory, and works only in it. So someone
// who can rename the directory cannot replace it with another one after the check.
//
// The name of a file is the SHA-256 of its key, and its first line contains the key. Load returns
// [ErrUnreadable] for a file that is damaged, has a newer version or is over 2 MiB. It does so too
// if the file is a copy of another key's file or belongs to another user. It does the same for
// anything that is not a plain file with exactly one name. To replace such a file, pass the value
// that Load returned with the error to CompareAndSwap as old. Only a directory with something in it
// must be moved away by hand. Dir never writes through a link. Do not remove the empty files in the
// folders swaps and locks: if a process is running, that breaks the locks.
//
// If this process has used the directory before, and the folder swaps in it is gone, all calls fail
// and no user is logged out. The usual cause is a volume that is not mounted. A process that starts
// at that time cannot know this, and takes the directory for a new one. To log everyone out while
// processes run, remove only the files whose names end in .token. If you removed the whole
// directory on purpose, restart the processes, or create the folder swaps.
//
// Dir logs what it changes, and what the file system cannot do, to log/slog.Default at level Warn.
// It does so once per process and path.
type Dir string

// DirOptions are for a directory that a platform owns. Each option lets other users replace tokens,
// so allow only users whom you trust. The zero value means the same as a plain [Dir].
type DirOptions struct {
	// InsecureOwner is the user ID of another user who may own the directory and its files, besides
	// this process's user and root. That user can read and replace each value. Zero: there is no
	// other user.
	InsecureOwner int
	// InsecureGroup allows the directory's group to write to the directory and its files, as
	// Kubernetes does for an fsGroup. If the group can write to the directory, Dir gives it the
	// same rights to the files that Dir creates (mode 0660). So processes of several users can
	// share the directory. Set its setgid bit, as Kubernetes does. Every member of the group can
	// read and replace each value. Users outside the group get no rights, but the files may belong
	// to any user. False: the group may not write.
	InsecureGroup bool
}

// Dir returns a [Dir] with these options.
func (o DirOptions) Dir(path string) interface {
	Store
	Locker
} {
	return folder{path, o}
}

// Load reads the value's file. It needs no lock, because a file is always replaced as a whole.
func (d Dir) Load(ctx context.Context, key string) ([]byte, error) { return d.folder().Load(ctx, key) }

// CompareAndSwap replaces the value's file, and returns when the file is on the disk. An error
// other than ErrConflict says whether the value may have been replaced.
func (d Dir) CompareAndSwap(ctx context.Context, key string, old, new []byte) error {
	return d.folder().CompareAndSwap(ctx, key, old, new)
}

// Lock waits for the lock of key, one of 256 in the directory. The operating system keeps the lock,
// and frees it when the process dies. Waiters in one process get it in turn. Between processes, the
// system decides. If ctx ends, Lock returns at once. If the system grants the lock later, Dir frees
// it again.
func (d Dir) Lock(ctx context.Context, key string) (unlock func(), err error) {
	return d.folder().Lock(ctx, key)
}

func (d Dir) folder() folder { return folder{path: string(d)} }

// A folder is a Dir with its options.
type folder struct {
	path  string
	trust DirOptions
}

// fileSuffix ends the names of the files that hold values.
const fileSuffix = ".token"

// The folders of the lock files: one for the moment of a swap, one for [Dir.Lock], which must not
// hold up swaps.
const (
	swapsFolder = "swaps"
	locksFolder = "locks"
)

func (f folder) Load(ctx context.Context, key string) ([]byte, error) {
	value, err := f.load(ctx, key)
	if err != nil {
		return value, fmt.Errorf("tokens: load: %w", err)
	}
	return value, nil
}

func (f folder) load(ctx context.Context, key string) ([]byte, error) {
	if err := checkCall(ctx, key); err != nil {
		return nil, err
	}
	dir, err := f.open()
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	value, err := dir.read(key)
	if value != nil && dir.known {
		return value, err
	}
	if lost := dir.look(); value == nil && err == nil {
		if err = lost; err == nil {
			err = ErrNotFound
		}
	}
	return value, err
}

func (f folder) CompareAndSwap(ctx context.Context, key string, old, new []byte) error {
	if err := f.swap(ctx, key, old, new); err != nil {
		return fmt.Errorf("tokens: swap: %w", err)
	}
	return nil
}

func (f folder) swap(ctx context.Context, key string, old, new []byte) error {
	var data []byte
	if new != nil {
		if data = encodeFile(key, new); len(data) > maxFile {
			return unchanged(fmt.Errorf("the value has %d bytes, but a file has at most %d", len(new), maxFile))
		}
	}
	dir, unlock, err := f.lock(ctx, key, swapsFolder)
	if err != nil {
		return unchanged(err)
	}
	defer unlock()
	current, err := dir.read(key)
	// What cannot be read is replaced by those who have seen it. It is never new already.
	unreadable := errors.Is(err, ErrUnreadable) && current != nil
	isNew := !unreadable && sameValue(current, new)
	switch {
	case err != nil && !unreadable:
		return unchanged(err)
	case isNew && new != nil:
		// An earlier swap may have been killed, or failed, after its rename and before it was on
		// the disk.
		return dir.synced(atomicfile.SyncDir(dir.Root))
	case !isNew && !sameValue(current, old):
		return ErrConflict
	}
	name := fileName(key)
	if unreadable {
		if err := dir.clear(name); err != nil {
			return unchanged(err)
		}
	}
	if new == nil { // also if there is nothing: what was removed a moment ago may not be on the disk
		return dir.synced(atomicfile.Remove(dir.Root, name))
	}
	return dir.synced(atomicfile.Write(dir.Root, name, data, dir.fileMode()))
}

func unchanged(err error) error { return fmt.Errorf("%w; nothing was changed", err) }

func (f folder) Lock(ctx context.Context, key string) (unlock func(), err error) {
	dir, unlock, err := f.lock(ctx, key, locksFolder)
	if err != nil {
		return nil, fmt.Errorf("tokens: lock: %w", err)
	}
	dir.Close() // the lock needs only its file
	return unlock, nil
}

// fileName returns the name of the file for key. Its first two characters name its lock files.
func fileName(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:]) + fileSuffix
}
