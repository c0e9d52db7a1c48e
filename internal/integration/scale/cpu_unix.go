//go:build unix

package main

import (
	"syscall"
	"time"
)

// cpuTime is the CPU time that this process has had.
func cpuTime() (spent time.Duration, known bool) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, false
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), true
}
