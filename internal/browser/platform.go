package browser

import (
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
)

// A machine is what decides how a browser is opened.
type machine struct {
	goos    string
	getenv  func(string) string
	kernels []string // files that name the kernel of a Linux
}

func here() machine {
	return machine{runtime.GOOS, os.Getenv, []string{"/proc/sys/kernel/osrelease", "/proc/version"}}
}

// commands returns the commands to try, in this order. An error says that $BROWSER cannot be read.
func (m machine) commands() ([][]string, error) {
	commands, err := listed(m.getenv("BROWSER"), m.goos == "windows")
	if err != nil || len(commands) > 0 {
		return commands, err
	}
	const handler = "url.dll,FileProtocolHandler"
	switch {
	case m.goos == "darwin" || m.goos == "ios":
		return [][]string{{"open"}}, nil
	case m.goos == "windows":
		return [][]string{{"rundll32", handler}}, nil
	case m.isWSL():
		commands = [][]string{
			{"wslview"}, {"rundll32.exe", handler},
			{"/mnt/c/Windows/System32/rundll32.exe", handler}, // for a PATH without the folders of Windows
		}
	}
	// Without a display, xdg-open would start a browser in the terminal, where the user cannot use
	// it.
	if m.getenv("DISPLAY") != "" || m.getenv("WAYLAND_DISPLAY") != "" {
		commands = append(commands, []string{"xdg-open"})
	}
	return commands, nil
}

// isWSL reports whether this is Linux under Windows. A service or a Git hook may not have the
// variables that WSL sets, so the name of the kernel counts as well.
func (m machine) isWSL() bool {
	if m.getenv("WSL_DISTRO_NAME") != "" || m.getenv("WSL_INTEROP") != "" {
		return true
	}
	return m.goos == "linux" && slices.ContainsFunc(m.kernels, func(file string) bool {
		name := strings.ToLower(beginning(file))
		return strings.Contains(name, "microsoft") || strings.Contains(name, "wsl")
	})
}

// beginning returns the first 4 KiB of a file, or "" if it cannot be read.
func beginning(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	text, _ := io.ReadAll(io.LimitReader(f, 4<<10)) // what was read before an error may suffice
	return string(text)
}
