package loopback_test

import "syscall"

// WSAEADDRNOTAVAIL, WSAEAFNOSUPPORT; WSAEADDRINUSE, WSAEACCES.
var (
	lackingErrors = []error{syscall.Errno(10049), syscall.Errno(10047)}
	inUseErrors   = []error{syscall.Errno(10048), syscall.Errno(10013)}
)
