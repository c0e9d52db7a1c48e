//go:build !unix

package tokens

import "io/fs"

// checkPrivate finds nothing wrong: what the doc of [Dir] says about Windows holds for every system
// without Unix modes.
func checkPrivate(string, fs.FileInfo) error { return nil }
