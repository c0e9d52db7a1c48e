//go:build unix

package loopback

import (
	"errors"
	"syscall"
)

// exclusive does nothing: nobody else can listen at an address that we listen at.
func exclusive(_, _ string, _ syscall.RawConn) error { return nil }

func isInUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }

func isLacking(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)
}
