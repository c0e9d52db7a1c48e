//go:build unix

package loopback

import (
	"errors"
	"fmt"
	"syscall"
)

// exclusive does nothing. No other program can listen at the same address, and one that listens on
// all interfaces does not get the connections to it.
func exclusive(_, _ string, _ syscall.RawConn) error { return nil }

func isInUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }

func isLacking(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)
}

func isRefused(err error) bool { return errors.Is(err, syscall.EACCES) }

func refused(at string, err error) error {
	return fmt.Errorf("the system does not let this program listen at %s, as is usual for ports below 1024: "+
		"register a redirect URI with another port: %w", at, err)
}
