package tokens

import (
	"fmt"
	"io/fs"
	"os"
)

// trusts reports whether a user may own the directory or a file of a process of user us.
func (o DirOptions) trusts(owner, us int) bool {
	return owner == us || owner == 0 || owner == o.InsecureOwner
}

// A finding is what is to be done about a mode and an owner.
type finding struct {
	err   error       // why it cannot be used
	chmod bool        // it is ours: set mode
	mode  fs.FileMode // with what others must not do taken off
}

// folder judges a directory at path with this mode and owner, for a process of user us. A user who
// can write to a directory can replace its files, whatever their own modes are.
// shared: it is in a directory whose group may do all this.
func (o DirOptions) folder(path string, mode fs.FileMode, owner, us int, shared bool) finding {
	others := fs.FileMode(0o022)
	if o.InsecureGroup {
		others = 0o002
	}
	switch {
	case !shared && !o.trusts(owner, us):
		return finding{err: fmt.Errorf("%s belongs to user %d, and this process runs as %d: use a directory of its own (or chown %d %s, if no other user needs it; or set DirOptions.InsecureOwner, if a platform owns it)",
			path, owner, us, us, path)}
	case mode.Perm()&others == 0:
		return finding{mode: mode}
	case owner == us && mode&fs.ModeSticky == 0:
		return finding{chmod: true, mode: mode &^ others}
	}
	advice := "use a directory of your own, or chmod go-w " + path
	if mode.Perm()&0o002 == 0 {
		advice += "; or set DirOptions.InsecureGroup, if a platform wants the group to write"
	}
	return finding{err: fmt.Errorf("others can write to %s (mode %04o): %s", path, mode.Perm(), advice)}
}

// file is folder for a file. shared: the group may do with it what its user may. The error
// continues a sentence that begins with the file's name.
func (o DirOptions) file(mode fs.FileMode, owner, us int, links uint64, shared bool) finding {
	others := fs.FileMode(0o077)
	if shared {
		others = 0o007
	}
	switch {
	case !shared && !o.trusts(owner, us):
		return finding{err: fmt.Errorf("belongs to user %d, and this process runs as %d (chown %d)", owner, us, us)}
	case links > 1:
		return finding{err: fmt.Errorf("has %d names (hard links), so someone can change it under another name", links)}
	case mode.Perm()&others == 0:
		return finding{mode: mode}
	case owner == us:
		return finding{chmod: true, mode: mode &^ others}
	case mode.Perm()&others&0o022 != 0:
		return finding{err: fmt.Errorf("can be written by others (mode %04o, user %d)", mode.Perm(), owner)}
	}
	return finding{mode: mode}
}

// checkFolder returns why the folder of this name, whose path is for errors, is not safe to keep
// tokens in. It repairs the mode of one that is ours, and returns the mode.
func (d *openDir) checkFolder(path, name string, info fs.FileInfo) (fs.FileMode, error) {
	owner, _, known := ownerOf(info)
	if !known {
		return info.Mode(), nil
	}
	// What is in a shared directory was made by any of its group.
	found := d.trust.folder(path, info.Mode(), owner, os.Geteuid(), name != "." && d.isShared())
	if found.chmod {
		f, err := d.Open(name)
		if err == nil {
			err = f.Chmod(found.mode)
			f.Close() // nothing was written to it
		}
		if err != nil {
			return 0, fmt.Errorf("others can write to %s (mode %04o), and this process cannot change that: %w", path, info.Mode().Perm(), err)
		}
		sayOnce(path, path, whatMode, "mode", octal(info.Mode()), "now", octal(found.mode))
	}
	return found.mode, found.err
}

// checkFile returns why a file is not to be used, in words that continue a sentence which begins
// with its path. It repairs the mode of one that is ours.
func (d *openDir) checkFile(path string, info fs.FileInfo, chmod func(fs.FileMode) error) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("is %s and not a plain file", kindOf(info.Mode()))
	}
	owner, links, known := ownerOf(info)
	if !known {
		return nil
	}
	found := d.trust.file(info.Mode(), owner, os.Geteuid(), links, d.isShared())
	if found.chmod {
		if err := chmod(found.mode); err == nil {
			d.sayMode(path, info.Mode(), found.mode)
		} else if info.Mode().Perm()&0o022 != 0 {
			return fmt.Errorf("can be written by others (mode %04o), and this process cannot change that: %w", info.Mode().Perm(), err)
		}
	}
	return found.err
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "of an unknown kind"
}

const whatMode = "removed the rights that other users had"

// sayMode says that the mode of a file was repaired. What sets the modes of files sets those of all
// of them, and there may be one for each user, so only the first of a directory is named.
func (d *openDir) sayMode(path string, from, to fs.FileMode) {
	sayOnce(d.path+" files", path, whatMode+"; other files here may follow", "mode", octal(from), "now", octal(to))
}

func octal(mode fs.FileMode) string { return fmt.Sprintf("%04o", mode.Perm()) }
