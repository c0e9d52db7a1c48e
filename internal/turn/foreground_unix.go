//go:build unix

package turn

import (
	"os"

	"golang.org/x/sys/unix"
)

// IsForeground reports whether f is a terminal that this program may read from and that its user
// looks at: not one that another program has meanwhile, as after "program &" in a shell.
func IsForeground(f *os.File) (is bool) {
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	err = raw.Control(func(fd uintptr) {
		group, err := unix.IoctlGetInt(int(fd), unix.TIOCGPGRP)
		is = err == nil && group == ownGroup()
	})
	return err == nil && is
}

// ownGroup returns this process's group.
func ownGroup() int {
	group, err := unix.Getpgid(0)
	if err != nil {
		return -1 // cannot be
	}
	return group
}
