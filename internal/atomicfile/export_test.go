package atomicfile

import (
	"os"
	"testing"
)

// OnSync replaces, until t ends, what makes a file or a directory outlive a crash.
func OnSync(t *testing.T, f func(*os.File) error) {
	before := SyncFile
	SyncFile = f
	t.Cleanup(func() { SyncFile = before })
}

// Retry is what waits on Windows until a file is free.
var Retry = retry
