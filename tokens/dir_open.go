package tokens

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/contentstack/csoauth/internal/atomicfile"
)

// An openDir is the directory of one call. It was checked after it was opened, and it stays the
// same one, whatever its path leads to later.
type openDir struct {
	*os.Root
	path  string // absolute
	trust DirOptions
	mode  fs.FileMode
	known bool // this process had seen it in use before this call
}

// absPath returns the absolute path of the directory.
func (f folder) absPath() (string, error) {
	if f.path == "" {
		return "", errors.New("the path of the directory is empty")
	}
	return filepath.Abs(f.path)
}

// open opens the directory and checks who can write to it. If it is missing, and this process does
// not know it from before, that is ErrNotFound.
func (f folder) open() (*openDir, error) {
	path, err := f.absPath()
	if err != nil {
		return nil, err
	}
	known := knownDirs.has(path) // first, because another goroutine may make it this moment
	root, err := os.OpenRoot(path + onlyDir)
	if err != nil {
		if why := whyNotOpen(path, known); why != nil {
			return nil, why
		}
		if root, err = os.OpenRoot(path + onlyDir); err != nil { // another process may have made it this moment
			return nil, err
		}
	}
	dir := &openDir{Root: root, path: path, trust: f.trust, known: known}
	if hasOwners {
		info, err := root.Stat(".")
		if err == nil {
			dir.mode, err = dir.checkFolder(path, ".", info)
		}
		if err != nil {
			root.Close()
			return nil, err
		}
	}
	return dir, nil
}

// whyNotOpen returns why the directory at path cannot be opened; nil: it is there.
func whyNotOpen(path string, known bool) error {
	switch info, statErr := os.Stat(path); {
	case errors.Is(statErr, fs.ErrNotExist) && known:
		return goneError(path)
	case errors.Is(statErr, fs.ErrNotExist):
		if err := checkParent(path); err != nil {
			return err
		}
		return ErrNotFound
	case statErr != nil:
		return statErr
	case !info.IsDir():
		return notDirectory(path)
	}
	return nil
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

// goneError is a directory that this process has used, and that is gone or empty.
func goneError(path string) error {
	return fmt.Errorf("%s existed before, but its folder %s is gone: mount the volume if it is not mounted; if you removed the directory on purpose, restart this program or run: mkdir -p %s",
		path, swapsFolder, filepath.Join(path, swapsFolder))
}

// look returns an error if this directory was in use once and now is not, as the empty one that is
// left where a volume was mounted.
func (d *openDir) look() error {
	switch info, err := d.Lstat(swapsFolder); {
	case err == nil && info.IsDir():
		knownDirs.add(d.path)
	case err == nil:
		return notDirectory(filepath.Join(d.path, swapsFolder))
	case !errors.Is(err, fs.ErrNotExist):
		return atomicfile.Named(d.Root, err)
	case d.known:
		return goneError(d.path)
	}
	return nil
}

// openWith is open, and makes the directory and one folder in it.
func (f folder) openWith(folder string) (*openDir, error) {
	dir, err := f.open()
	if errors.Is(err, ErrNotFound) {
		if err := f.make(); err != nil {
			return nil, err
		}
		if dir, err = f.open(); errors.Is(err, ErrNotFound) {
			return nil, errors.New("another process has just removed the directory")
		}
	}
	if err != nil {
		return nil, err
	}
	if folder != swapsFolder { // which makeFolder looks at
		err = dir.look()
	}
	if err == nil {
		err = dir.makeFolder(folder)
	}
	if err != nil {
		dir.Close()
		return nil, err
	}
	if folder == swapsFolder {
		knownDirs.add(dir.path)
	}
	return dir, nil
}

func (f folder) make() error {
	path, err := f.absPath()
	if err != nil {
		return err
	}
	return atomicfile.Mkdir(path)
}

// makeFolder makes a folder in the directory, unless it is there, and checks who can write to it.
func (d *openDir) makeFolder(name string) error {
	info, err := d.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		if name == swapsFolder && d.known {
			return goneError(d.path)
		}
		if err = d.Mkdir(name, 0o700); err == nil && d.isShared() {
			err = d.Chmod(name, 0o770|fs.ModeSetgid)
		}
		if err == nil || errors.Is(err, fs.ErrExist) {
			if err = d.synced(atomicfile.SyncDir(d.Root)); err == nil {
				info, err = d.Lstat(name)
			}
		}
	}
	if err != nil {
		return atomicfile.Named(d.Root, err)
	}
	if !info.IsDir() {
		return notDirectory(filepath.Join(d.path, name))
	}
	_, err = d.checkFolder(filepath.Join(d.path, name), name, info)
	return err
}

// isShared reports whether the directory's group may share what is in it.
func (d *openDir) isShared() bool { return d.trust.InsecureGroup && d.mode.Perm()&0o020 != 0 }

// fileMode is the mode of a file that is made in the directory.
func (d *openDir) fileMode() fs.FileMode {
	if d.isShared() {
		return 0o660
	}
	return 0o600
}

// synced returns err, but says once, instead of returning, that there is no sync here.
func (d *openDir) synced(err error) error {
	if errors.Is(err, atomicfile.ErrNoSync) {
		sayOnce(d.path, d.path, "its file system cannot sync a directory: a power failure may undo what was stored last", "err", err.Error())
		return nil
	}
	return err
}

// clear makes room for a file in place of a directory. Anything else, a rename replaces.
func (d *openDir) clear(name string) error {
	info, err := d.Lstat(name)
	if err != nil || !info.IsDir() {
		return nil // the next step says what is wrong
	}
	if err := d.Remove(name); err != nil {
		return fmt.Errorf("%w: this directory is where a value's file belongs: move it away", atomicfile.Named(d.Root, err))
	}
	return nil
}
