//go:build unix && !darwin

package keyring

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// reachable returns an error if there is no session bus, over which the Secret Service is reached.
// Without one, go-keyring would start a program that makes one.
func reachable() error {
	if address := os.Getenv(busVariable); address != "" && !strings.HasPrefix(address, "autolaunch:") {
		return nil
	}
	for _, dir := range []string{os.Getenv("XDG_RUNTIME_DIR"), fmt.Sprintf("/run/user/%d", os.Getuid())} {
		socket := filepath.Join(dir, "bus")
		info, err := os.Stat(socket)
		isPlain := !strings.ContainsFunc(socket, func(r rune) bool { // others would need escapes in an address
			return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_/.", r))
		})
		if filepath.IsAbs(dir) && err == nil && info.Mode()&os.ModeSocket != 0 && isPlain {
			return os.Setenv(busVariable, "unix:path="+socket)
		}
	}
	return errors.New("there is no session bus: $" + busVariable + " is not set, and $XDG_RUNTIME_DIR/bus does not exist")
}

const busVariable = "DBUS_SESSION_BUS_ADDRESS"
