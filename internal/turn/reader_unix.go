//go:build unix

package turn

import (
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Read reads what is typed, once this program is in the foreground. A Read in the background would
// stop the process, and with it all that it does besides (SIGTTIN).
func (r *Reader) Read(p []byte) (n int, err error) {
	raw, err := r.File.SyscallConn()
	if err != nil {
		return 0, err
	}
	for {
		away := false
		waitErr := raw.Read(func(fd uintptr) (done bool) {
			if away = isAway(int(fd)); away {
				return true
			}
			for n, err = unix.Read(int(fd), p); err == unix.EINTR; {
				n, err = unix.Read(int(fd), p)
			}
			return err != unix.EAGAIN
		})
		switch {
		case waitErr != nil: // such as the end of the deadline
			return 0, waitErr
		case away:
			time.Sleep(poll)
		case err != nil:
			return 0, &os.PathError{Op: "read", Path: r.Name(), Err: err}
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// IsAway reports whether this program is in the background of the terminal.
func (r *Reader) IsAway() (is bool) {
	raw, err := r.File.SyscallConn()
	return err == nil && raw.Control(func(fd uintptr) { is = isAway(int(fd)) }) == nil && is
}

// isAway reports whether another program has this process's own terminal. A terminal that is not
// its own stops nobody.
func isAway(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group != ownGroup()
}
