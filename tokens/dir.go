package tokens

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/contentstack/csoauth/internal/atomicfile"
)

// A Dir is the path of a directory that has one file per key. It is a [Store] and a [Locker] for
// all processes of one user on one machine. It may be copied and is safe for concurrent use. A
// relative path counts from the working directory at the time of the call. The first swap or lock
// creates the directory.
//
// The directory must be on a local file system. Locks and renames over a network (NFS, SMB) do not
// keep the promises of a Store. For several machines use a database. On a file system that cannot
// sync a directory, a swap succeeds, but a power failure may undo it.
//
// The files hold the values in clear text, and only their user can read them (mode 0600). Use
// [Sealed] to encrypt them. On Unix, Dir refuses a directory whose owner is neither this user nor
// root, or that others can write to. But if this user owns the directory, Dir takes the right to
// write from the others, as for files that others can read or write: some platforms set such modes
// on a whole volume at each start. It does not do so to a directory with the sticky bit, which is
// meant to be shared, such as /tmp. For a directory that is a platform's own, see [DirOptions]. On
// Windows Dir checks none of this: choose a directory whose ACL excludes others, such as one in
// %LocalAppData%.
//
// Each call opens the directory once, checks what it has opened, and works in that, so nobody who
// can rename the directory can bring in another one after the check.
//
// A file is named by the SHA-256 of its key, and its first line holds the key. A file that is
// damaged, of a newer version, copied from another key's, over 2 MiB, of another user, or anything
// but a plain file with one name is an [ErrUnreadable]. A swap replaces it if its caller has loaded
// it: the value beside the error stands for it. Only a directory with something in it must be moved
// away by hand. Nothing is ever written through a link. Do not remove the empty files in the
// folders swaps and locks: while a process runs, that breaks the locks.
//
// If this process has used the directory before, and its folder swaps is gone, all calls fail, and
// nobody is logged out: most often a volume is not mounted. A process that starts meanwhile cannot
// know, and takes the directory for a new one. To log everybody out while processes run, remove
// only the files whose names end in .token. If you have removed the whole directory on purpose,
// restart the processes, or make the folder swaps.
//
// What Dir changes, or does without, it says once per process and path, at level Warn of
// [log/slog.Default].
type Dir string

// DirOptions are for a directory that a platform owns. Each lets others replace tokens, so name
// only those who may. The zero value is that of a [Dir].
type DirOptions struct {
	// InsecureOwner is the number of a user who may own the directory and its files, besides this
	// process's user and root. Zero: nobody. That user can read and replace each value.
	InsecureOwner int
	// InsecureGroup allows the directory's group to write to it and its files, as Kubernetes does
	// for an fsGroup. If the group can write to the directory, what Dir makes in it is the group's
	// too (mode 0660), so processes of several users can share it; set the directory's setgid bit,
	// as Kubernetes does. Every member of the group can read and replace each value. Users outside
	// the group get no rights, but what is in it may belong to any user. False: nobody in the group
	// may write.
	InsecureGroup bool
}

// Dir returns a [Dir] with these options.
func (o DirOptions) Dir(path string) interface {
	Store
	Locker
} {
	return folder{path, o}
}

// Load reads the value's file. It takes no lock: a file is only ever replaced as a whole.
func (d Dir) Load(ctx context.Context, key string) ([]byte, error) { return d.folder().Load(ctx, key) }

// CompareAndSwap replaces the value's file and waits until the disk has it. An error other than
// [ErrConflict] says whether the value may have been replaced.
func (d Dir) CompareAndSwap(ctx context.Context, key string, old, new []byte) error {
	return d.folder().CompareAndSwap(ctx, key, old, new)
}

// Lock waits for the lock of key, one of 256 in the directory. The operating system keeps it, and
// frees it when the process dies. Waiters of one process get it in turn; between processes, the
// system decides. If ctx ends, Lock returns at once; what it asked the system for is given back
// when it comes.
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
			return unchanged(fmt.Errorf("the value has %d bytes, and the file of a value may have %d", len(new), maxFile))
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
