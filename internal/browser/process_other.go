//go:build !unix

package browser

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

const tellsEnd = false

func ownSession() *syscall.SysProcAttr { return nil }

// isBatchFile reports whether Windows gives a file to cmd.exe, which takes an & in the address for
// the end of a command. Windows looks for a file without its extension, and ignores full stops and
// spaces at the end of a name.
func isBatchFile(path string) bool {
	if found, err := exec.LookPath(path); err == nil {
		path = found
	}
	extension := strings.ToLower(filepath.Ext(strings.TrimRight(path, ". ")))
	return extension == ".bat" || extension == ".cmd"
}

// ended never reports an end. This system has no zombies, so releasing the process is enough.
func ended(*os.Process) (bool, int) { return false, 0 }
