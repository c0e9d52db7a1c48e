//go:build unix

package main

import (
	"fmt"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// replaceProcess has the command run in this process's place: signals and the terminal are its own
// then. It returns only if that fails.
func replaceProcess(path string, args, env []string) error {
	signal.Reset(syscall.SIGINT, syscall.SIGTERM)
	err := unix.Exec(path, args, env)
	if err == unix.ENOEXEC { // a script without #!, which every shell runs, and env
		err = unix.Exec("/bin/sh", append([]string{"sh", path}, args[1:]...), env)
	}
	return &exitError{exitCannotRun, fmt.Errorf("run: %s: %w", path, err)}
}
