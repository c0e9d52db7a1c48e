package loopback

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
)

// Numbers of winsock2.h that package syscall does not have.
const (
	exclusiveAddrUse = ^syscall.SO_REUSEADDR
	wsaEACCES        = syscall.Errno(10013)
	wsaEAFNOSUPPORT  = syscall.Errno(10047)
	wsaEADDRINUSE    = syscall.Errno(10048)
	wsaEADDRNOTAVAIL = syscall.Errno(10049)
)

// exclusive keeps other programs from taking over the port, which Windows allows otherwise. With
// this option, a port that another program has is always WSAEADDRINUSE.
func exclusive(_, _ string, conn syscall.RawConn) (err error) {
	controlErr := conn.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(syscall.Handle(fd), syscall.SOL_SOCKET, exclusiveAddrUse, 1)
	})
	return errors.Join(controlErr, err)
}

func isInUse(err error) bool { return errors.Is(err, wsaEADDRINUSE) }

func isLacking(err error) bool {
	return errors.Is(err, wsaEADDRNOTAVAIL) || errors.Is(err, wsaEAFNOSUPPORT)
}

// isRefused reports whether the port is in a range that Windows keeps for itself, often for
// Hyper-V.
func isRefused(err error) bool { return errors.Is(err, wsaEACCES) }

func refused(at string, err error) error {
	family := "ipv4"
	if strings.HasPrefix(at, "[") {
		family = "ipv6"
	}
	return fmt.Errorf("the port of %s is reserved by Windows, not used by a program (netsh interface %s show excludedportrange protocol=tcp "+
		"shows the ranges): register a redirect URI with another port: %w", at, family, err)
}
