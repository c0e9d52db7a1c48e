package loopback

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
)

// An elsewhere says why the user's browser is likely to be on another machine, and what then leads
// from there to this program.
type elsewhere struct {
	remote    bool   // over SSH
	container bool   // in a container
	noDisplay bool   // no browser can be shown here
	tunnel    string // the command that makes a tunnel, with remote
}

// whereBrowserIs looks at this process's environment.
func (l *login) whereBrowserIs(u *url.URL) (e elsewhere) {
	if from := strings.Fields(os.Getenv("SSH_CONNECTION")); len(from) == 4 {
		e.remote = true
		e.tunnel = tunnel(u, os.Getenv("USER"), from[2], from[3])
	}
	e.container = os.Getenv("container") != "" || slices.ContainsFunc(containerFiles, exists)
	switch runtime.GOOS {
	case "linux", "freebsd", "openbsd", "netbsd", "dragonfly":
		e.noDisplay = os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" && os.Getenv("BROWSER") == "" && l.o.OpenBrowser == nil && os.Getenv("WSL_DISTRO_NAME") == ""
	}
	return e
}

// containerFiles are those that Docker and Podman put into each container.
var containerFiles = []string{"/.dockerenv", "/run/.containerenv"}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// tunnel returns the command that lets a browser where it runs reach the redirect URI here. What
// does not belong into a command is left out: the user sees it, and may run it.
func tunnel(u *url.URL, user, host, port string) string {
	command := fmt.Sprintf("ssh -L %s:%s", u.Port(), net.JoinHostPort(u.Hostname(), u.Port()))
	if port != "22" && isWord(port) {
		command += " -p " + port
	}
	if !isWord(host) {
		host = "HOST"
	}
	if isWord(user) {
		host = user + "@" + host
	}
	return command + " " + host
}

// isWord reports whether a shell takes s for one word as it is.
func isWord(s string) bool {
	return s != "" && !strings.HasPrefix(s, "-") && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._-:%", r))
	})
}

// advice says how the login comes back to this program, in two lines at most. pastes: the user can
// paste an address here. published: the address at which the program listens, if not the redirect
// URI's.
func (e elsewhere) advice(port string, pastes bool, published string) string {
	way := ""
	switch {
	case e.remote:
		way = "first run where it is: " + e.tunnel
	case published != "":
		way = fmt.Sprintf("publish the port, as \"docker run -p 127.0.0.1:%s:%s\" does", port, portOf(published))
	}
	const paste = "If your browser cannot connect at the end, paste here the address that it shows"
	switch {
	case pastes && way != "":
		return paste + ",\nor " + way
	case pastes && (e.container || e.noDisplay):
		return paste + "."
	case pastes:
		return "If that browser is on another machine, paste here the address that it ends at."
	case way != "":
		return "If your browser cannot connect at the end,\n" + way
	}
	return ""
}

func portOf(address string) string {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return port
}
