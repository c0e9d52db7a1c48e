//go:build !linux

package main

import "github.com/rogpeppe/go-internal/testscript"

// terminal is for Linux alone: the scripts have [linux] before it.
func terminal(ts *testscript.TestScript, _ bool, _ []string) { ts.Fatalf("no terminal here") }
