//go:build !unix

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
)

// replaceProcess runs the command and waits for it. Ctrl-C is the command's: the console sends it
// to both.
func replaceProcess(path string, args, env []string) error {
	signal.Ignore(os.Interrupt)
	cmd := &exec.Cmd{Path: path, Args: args, Env: env, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return &exitError{exit.ExitCode(), nil}
	}
	if err != nil {
		return &exitError{exitCannotRun, fmt.Errorf("run: %w", err)}
	}
	return nil
}
