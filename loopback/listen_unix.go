//go:build unix

package loopback

import (
	"errors"
	"syscall"
)

// exclusive does nothing: nobody else can listen at the same address, and one who listens on all interfaces does not get what comes to it.
func exclusive(_, _ string, _ syscall.RawConn) error { return nil }

func isInUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }

func isLacking(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)
}
