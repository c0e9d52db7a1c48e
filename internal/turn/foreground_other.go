//go:build !unix && !windows

package turn

import "os"

// IsForeground reports false: here we cannot tell.
func IsForeground(*os.File) bool { return false }
