package clilogin

import "io"

// Fingerprint is in the state.
var Fingerprint = fingerprint

// SetForeground has every writer be a terminal whose user looks at the program, or none. It returns
// what undoes that.
func SetForeground(is bool) (undo func()) {
	before := isForeground
	isForeground = func(io.Writer) bool { return is }
	return func() { isForeground = before }
}
