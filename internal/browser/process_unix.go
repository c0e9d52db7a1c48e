//go:build unix

package browser

import (
	"os"
	"syscall"
)

const tellsEnd = true

func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// isBatchFile reports false: the files of other shells get the address as one argument.
func isBatchFile(string) bool { return false }

// ended reports whether the program has ended, and with which code. An ended program is then gone
// from the process table.
func ended(p *os.Process) (bool, int) {
	var status syscall.WaitStatus
	pid, err := syscall.Wait4(p.Pid, &status, noHang, nil)
	if err == syscall.ECHILD {
		return true, 0 // another part of the program has waited for it
	}
	if err != nil || pid != p.Pid {
		return false, 0
	}
	if status.Signaled() {
		return true, 128 + int(status.Signal())
	}
	return true, status.ExitStatus()
}
