//go:build !plan9 && !windows

package main

import (
	"errors"
	"syscall"
)

// isInUse reports whether a listen error says that another program listens there.
func isInUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }
