package tokens

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/robustio"

	"github.com/contentstack/csoauth/internal/atomicfile"
)

// A Dir is the path of a directory that has one file per key. It is a [Store] and a [Locker] for
// all processes of one user on one machine. It may be copied and is safe for concurrent use. A
// relative path counts from the working directory at the time of the call. The first swap or lock
// creates the directory.
//
// The directory must be on a local file system. Locks and renames over a network (NFS, SMB) do not
// keep the promises of a Store. For several machines use a database.
//
// The files hold the values in clear text, and only their user can read them (mode 0600). Use
// [Sealed] to encrypt them. On Unix, Dir refuses a directory that other users can write to, or
// whose owner is neither this user nor root. On Windows it does not check: choose a directory whose
// ACL excludes others, such as one in %LocalAppData%.
//
// A file is named by the SHA-256 of its key, and its first line holds the key. A file that is
// damaged, or was copied from another key's, is an error. Remove it, and its user logs in again. Do
// not remove the empty files in the folders swaps and locks: while a process runs, that breaks the
// locks.
type Dir string

// fileSuffix ends the names of the files that hold values.
const fileSuffix = ".token"

// The folders of the lock files: one for the moment of a swap, one for [Dir.Lock], which must not
// hold up swaps.
const (
	swapsFolder = "swaps"
	locksFolder = "locks"
)

// Load reads the value's file. It takes no lock: a file is only ever replaced as a whole.
func (d Dir) Load(ctx context.Context, key string) ([]byte, error) {
	value, err := d.load(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("tokens: load: %w", err)
	}
	return value, nil
}

func (d Dir) load(ctx context.Context, key string) ([]byte, error) {
	if err := checkCall(ctx, key); err != nil {
		return nil, err
	}
	dir, err := d.path()
	if err != nil {
		return nil, err
	}
	value, err := readValue(filepath.Join(dir, fileName(key)), key)
	if err == nil && value == nil {
		err = ErrNotFound
	}
	return value, err
}

// CompareAndSwap replaces the value's file and waits until the disk has it. An error other than
// [ErrConflict] says whether the value may have been replaced.
func (d Dir) CompareAndSwap(ctx context.Context, key string, old, new []byte) error {
	if err := d.swap(ctx, key, old, new); err != nil {
		return fmt.Errorf("tokens: swap: %w", err)
	}
	return nil
}

func (d Dir) swap(ctx context.Context, key string, old, new []byte) error {
	unlock, err := d.lock(ctx, key, swapsFolder)
	if err != nil {
		return unchanged(err)
	}
	defer unlock()
	dir, err := d.path() // made by now
	if err != nil {
		return unchanged(err)
	}
	file := filepath.Join(dir, fileName(key))
	current, err := readValue(file, key)
	switch {
	case err != nil:
		return unchanged(err)
	case sameValue(current, new) && new != nil:
		// An earlier swap may have been killed, or failed, after its rename and before it was on
		// the disk.
		return atomicfile.SyncDir(dir)
	case !sameValue(current, old) && !sameValue(current, new):
		return ErrConflict
	case new == nil: // also if there is nothing: what was removed a moment ago may not be on the disk
		return atomicfile.Remove(file)
	}
	return atomicfile.Write(file, encodeFile(key, new))
}

func unchanged(err error) error { return fmt.Errorf("%w; nothing was changed", err) }

// Lock waits for the lock of key, one of 256 in the directory. The operating system keeps it, and
// frees it when the process dies. Waiters of one process get it in turn; between processes, the
// system decides. If ctx ends, Lock returns at once; what it asked the system for is given back
// when it comes.
func (d Dir) Lock(ctx context.Context, key string) (unlock func(), err error) {
	unlock, err = d.lock(ctx, key, locksFolder)
	if err != nil {
		return nil, fmt.Errorf("tokens: lock: %w", err)
	}
	return unlock, nil
}

func (d Dir) lock(ctx context.Context, key, folder string) (unlock func(), err error) {
	if err := checkCall(ctx, key); err != nil {
		return nil, err
	}
	dir, err := d.makePath(folder)
	if err != nil {
		return nil, err
	}
	return lockFile(ctx, filepath.Join(dir, folder, fileName(key)[:2]))
}

// fileName returns the name of the file for key. Its first two characters name its lock files.
func fileName(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:]) + fileSuffix
}

// path returns the absolute path of the directory and checks who can write to it, if it is there.
func (d Dir) path() (string, error) {
	if d == "" {
		return "", errors.New("the path of the directory is empty")
	}
	path, err := filepath.Abs(string(d))
	if err != nil {
		return "", err
	}
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return path, checkParent(path)
	case err != nil:
		return "", err
	case !info.IsDir():
		return "", notDirectory(path)
	default:
		return path, checkPrivate(path, info)
	}
}

// checkParent returns why the missing directory at path cannot be made: a file is in its place, or
// the drive is missing. Windows reports both as not found, and nobody is logged out by that. Other
// systems report what is wrong.
func checkParent(path string) error {
	parent := filepath.Dir(path)
	switch info, err := os.Stat(parent); {
	case errors.Is(err, fs.ErrNotExist) && parent != path:
		return checkParent(parent)
	case err != nil:
		return err
	case !info.IsDir():
		return notDirectory(parent)
	}
	return nil
}

func notDirectory(path string) error {
	return fmt.Errorf("%s is not a directory: name another path, or move that file away", path)
}

// makePath is path, and makes the directory and one folder in it.
func (d Dir) makePath(folder string) (string, error) {
	path, err := d.path()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(path, folder)); err == nil {
		return path, nil
	}
	if err := atomicfile.Mkdir(filepath.Join(path, folder)); err != nil {
		return "", err
	}
	return d.path() // another process may have made the directory since the check
}

// readValue returns the value in the file of key, or nil if there is no file.
func readValue(file, key string) ([]byte, error) {
	data, err := robustio.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	value, err := decodeFile(key, data)
	if err != nil {
		return nil, fmt.Errorf("%s %w", file, err)
	}
	return value, nil
}
