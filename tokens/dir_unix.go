//go:build unix

package tokens

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// checkPrivate returns why the directory at path is not safe to keep tokens in, and what to do
// about it.
func checkPrivate(path string, info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("cannot tell who owns %s", path)
	}
	return checkOwner(path, info.Mode(), int(stat.Uid), os.Geteuid())
}

// checkOwner is checkPrivate for a directory with this mode and owner, and a process of user us. A
// user who can write to a directory can replace its files, whatever their own modes are.
func checkOwner(path string, mode fs.FileMode, owner, us int) error {
	if owner != us && owner != 0 {
		return fmt.Errorf("%s belongs to user %d, and this process runs as %d: use a directory of its own (or chown %d %s, if no other user needs it)",
			path, owner, us, us, path)
	}
	if mode.Perm()&0o022 != 0 {
		return fmt.Errorf("others can write to %s (mode %04o): use a directory of your own, or chmod go-w %s", path, mode.Perm(), path)
	}
	return nil
}
