//go:build !unix

package main

import "time"

// cpuTime is not known on this system.
func cpuTime() (spent time.Duration, known bool) { return 0, false }
