package loopback

import (
	"errors"
	"syscall"
)

// Numbers of winsock2.h that package syscall does not have.
const (
	exclusiveAddrUse = ^syscall.SO_REUSEADDR
	wsaEACCES        = syscall.Errno(10013) // the port is another's exclusively, or reserved
	wsaEAFNOSUPPORT  = syscall.Errno(10047)
	wsaEADDRINUSE    = syscall.Errno(10048)
	wsaEADDRNOTAVAIL = syscall.Errno(10049)
)

// exclusive keeps others from taking the port over, which Windows lets anybody do otherwise.
func exclusive(_, _ string, conn syscall.RawConn) (err error) {
	controlErr := conn.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(syscall.Handle(fd), syscall.SOL_SOCKET, exclusiveAddrUse, 1)
	})
	return errors.Join(controlErr, err)
}

func isInUse(err error) bool { return errors.Is(err, wsaEADDRINUSE) || errors.Is(err, wsaEACCES) }

func isLacking(err error) bool {
	return errors.Is(err, wsaEADDRNOTAVAIL) || errors.Is(err, wsaEAFNOSUPPORT)
}
