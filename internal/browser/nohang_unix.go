//go:build unix && !aix

package browser

import "syscall"

const noHang = syscall.WNOHANG
