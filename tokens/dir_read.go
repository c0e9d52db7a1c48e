package tokens

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/contentstack/csoauth/internal/atomicfile"
)

// maxFile bounds how much of a file is read, and written. A value of a Manager's has 4 KiB at most.
const maxFile = 2 << 20

// read returns the value of key, or nil if it has no file. If there is something that cannot be
// read, the error wraps ErrUnreadable, and what is returned beside it stands for it: the content of
// a file that is damaged, and otherwise the standIn.
func (d *openDir) read(key string) ([]byte, error) {
	name := fileName(key)
	f, err := atomicfile.Open(d.Root, name, os.O_RDONLY|openFlags)
	if err != nil {
		return d.cannotOpen(name, key, err)
	}
	defer f.Close() // nothing was written to it
	return d.readOpen(f, name, key)
}

func (d *openDir) readOpen(f *os.File, name, key string) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	// An os.Root follows links that stay inside, and the file was opened at once, so that it cannot
	// be another one by now. What was replaced meanwhile is what the value was a moment ago.
	if hasOwners {
		if now, err := d.Lstat(name); err == nil && now.Mode()&fs.ModeSymlink != 0 {
			info = now
		}
	}
	path := filepath.Join(d.path, name)
	if err := d.checkFile(path, info, f.Chmod); err != nil {
		return standIn(info), unreadable(path, unusable("%w", err))
	}
	if info.Size() > maxFile {
		return standIn(info), unreadable(path, unusable("has %d bytes, more than any value (%d)", info.Size(), maxFile))
	}
	data := make([]byte, info.Size())
	n, err := io.ReadFull(f, data)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	value, err := decodeFile(key, data[:n])
	if err != nil {
		return data[:n], unreadable(path, err)
	}
	return value, nil
}

// cannotOpen returns what err of opening a file means. There may be no file.
func (d *openDir) cannotOpen(name, key string, err error) ([]byte, error) {
	if !hasOwners && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	path := filepath.Join(d.path, name)
	info, statErr := d.Lstat(name) // there may be a link to nothing
	switch {
	case errors.Is(statErr, fs.ErrNotExist):
		return nil, nil
	case statErr != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return standIn(info), unreadable(path, unusable("%w", d.checkFile(path, info, nil)))
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil // it was not there when it was opened
	case !errors.Is(err, fs.ErrPermission):
		return nil, err
	}
	owner, links, known := ownerOf(info)
	if !known {
		return nil, err
	}
	if owner != os.Geteuid() || links > 1 {
		return standIn(info), unreadable(path, unusable("may not be read by this process, which runs as user %d (mode %04o, user %d)", os.Geteuid(), info.Mode().Perm(), owner))
	}
	if err := d.Chmod(name, d.fileMode()); err != nil {
		return nil, atomicfile.Named(d.Root, err)
	}
	d.sayMode(path, info.Mode(), d.fileMode())
	f, err := atomicfile.Open(d.Root, name, os.O_RDONLY|openFlags)
	if err != nil {
		return nil, err
	}
	defer f.Close() // nothing was written to it
	return d.readOpen(f, name, key)
}

func unreadable(path string, err error) error {
	return fmt.Errorf("%w: %s %w", ErrUnreadable, path, err)
}

// standIn returns what stands for a file whose content is not to be read. It changes with the file.
func standIn(info fs.FileInfo) []byte {
	return fmt.Appendf(nil, "csoauth does not read this: %v, %d bytes, of %s", info.Mode(), info.Size(), info.ModTime().UTC().Format(time.RFC3339Nano))
}
