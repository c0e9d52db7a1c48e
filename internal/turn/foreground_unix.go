//go:build unix

package turn

import (
	"os"

	"golang.org/x/sys/unix"
)

// IsForeground reports whether f is a terminal that this program may read from and that its user
// looks at: not one that another program has meanwhile, as after "program &" in a shell.
func IsForeground(f *os.File) bool {
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	group := -1
	if err := raw.Control(func(fd uintptr) { group, err = unix.IoctlGetInt(int(fd), unix.TIOCGPGRP) }); err != nil {
		return false
	}
	return err == nil && group == unix.Getpgrp()
}
