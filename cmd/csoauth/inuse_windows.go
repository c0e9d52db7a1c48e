package main

import (
	"errors"
	"syscall"
)

// isInUse reports whether a listen error says that another program listens there: WSAEADDRINUSE of
// winsock2.h. The EADDRINUSE of package syscall is another number, which Windows never returns.
func isInUse(err error) bool { return errors.Is(err, syscall.Errno(10048)) }
