package turn

import (
	"os"

	"golang.org/x/sys/windows"
)

// IsForeground reports whether f is a console. Windows has no programs in the background of one.
func IsForeground(f *os.File) bool {
	var mode uint32
	return windows.GetConsoleMode(windows.Handle(f.Fd()), &mode) == nil
}
