//go:build unix

package loopback_test

import "syscall"

var (
	lackingErrors = []error{syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT}
	inUseErrors   = []error{syscall.EADDRINUSE}
)
