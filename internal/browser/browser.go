// Package browser opens the browser of the person at this machine.
package browser

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// A Process is a browser, or a program that asks one to open an address. It is in a session of its own, so that Ctrl-C in the
// terminal does not end it, and it outlives this program. It is not safe for concurrent use.
type Process struct {
	command string
	process *os.Process // nil: it has ended
}

// Open opens an http or https address, with what $BROWSER names, or else the platform's way: xdg-open, open, rundll32, and
// Windows' own browser under WSL. There is no shell, so nothing in the address means anything to one, and what the program writes
// goes nowhere. An error says that no browser could be started; that the one which was cannot open the address is for Failed to
// tell.
func Open(address string) (*Process, error) {
	if !strings.HasPrefix(address, "http://") && !strings.HasPrefix(address, "https://") {
		return nil, errors.New("the address is neither http nor https") // and might be taken for an option
	}
	commands := platform(runtime.GOOS, os.Getenv)
	if len(commands) == 0 {
		return nil, errors.New("there is no display, and $BROWSER is not set")
	}
	reap()
	var failed []string
	for _, command := range commands {
		p, err := start(command, address)
		if err == nil {
			return p, nil
		}
		failed = append(failed, err.Error())
	}
	return nil, errors.New(strings.Join(failed, "; "))
}

// start starts one command. There is no context: nothing may end a browser that the user reads in.
func start(command []string, address string) (*Process, error) {
	args := append([]string{}, command[1:]...)
	placed := false
	for i, arg := range args {
		args[i] = strings.ReplaceAll(arg, "%s", address)
		placed = placed || args[i] != arg
	}
	if !placed {
		args = append(args, address)
	}
	cmd := exec.Command(command[0], args...)
	cmd.SysProcAttr = ownSession()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &Process{command[0], cmd.Process}, nil
}

// Failed returns an error if the program has ended and says that it could not open the address. It does not wait.
func (p *Process) Failed() error {
	if p.process == nil {
		return nil
	}
	over, code := ended(p.process)
	if !over {
		return nil
	}
	_ = p.process.Release()
	p.process = nil
	if code != 0 {
		return fmt.Errorf("%q ended with code %d", p.command, code)
	}
	return nil
}

// Release lets go of the program, whether it has ended or not. One that ends later stays in the process table until the next Open:
// nobody waits for it, for that would take a goroutine as long as the user reads.
func (p *Process) Release() {
	if p.process == nil {
		return
	}
	left.Lock()
	left.processes = append(left.processes, p.process)
	left.Unlock()
	p.process = nil
	reap()
}

// left are the programs that were let go of and had not ended.
var left struct {
	sync.Mutex
	processes []*os.Process
}

// reap forgets those that have ended by now, or whose end is not to be known.
func reap() {
	left.Lock()
	defer left.Unlock()
	left.processes = slices.DeleteFunc(left.processes, func(p *os.Process) bool {
		over, _ := ended(p)
		if over || !tellsEnd {
			_ = p.Release()
		}
		return over || !tellsEnd
	})
}

// platform returns the commands to try, in this order.
func platform(goos string, getenv func(string) string) [][]string {
	if commands := listed(getenv("BROWSER")); len(commands) > 0 {
		return commands
	}
	switch {
	case goos == "darwin" || goos == "ios":
		return [][]string{{"open"}}
	case goos == "windows":
		return [][]string{{"rundll32", "url.dll,FileProtocolHandler"}}
	case getenv("WSL_DISTRO_NAME") != "":
		return [][]string{{"wslview"}, {"rundll32.exe", "url.dll,FileProtocolHandler"}}
	case getenv("DISPLAY") == "" && getenv("WAYLAND_DISPLAY") == "":
		return nil // xdg-open would start a browser in the terminal, where nobody could use it
	}
	return [][]string{{"xdg-open"}}
}

// listed reads $BROWSER: commands with a colon between them (a semicolon on Windows), %s for the address or else the address last.
// One that is the path of a program may have blanks in it.
func listed(list string) (commands [][]string) {
	for _, command := range filepath.SplitList(list) {
		if _, err := exec.LookPath(command); err == nil {
			commands = append(commands, []string{command})
		} else if fields := strings.Fields(command); len(fields) > 0 {
			commands = append(commands, fields)
		}
	}
	return commands
}
