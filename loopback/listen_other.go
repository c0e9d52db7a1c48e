//go:build !unix && !windows

package loopback

import "syscall"

func exclusive(_, _ string, _ syscall.RawConn) error { return nil }

// The errors of these systems are not known, so each ends the login with its own text.

func isInUse(error) bool { return false }

func isLacking(error) bool { return false }

func isRefused(error) bool { return false }

func refused(_ string, err error) error { return err }
