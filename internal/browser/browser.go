// Package browser opens the browser of the user at this machine.
package browser

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// A Process is a browser, or a program that asks one to open an address. It has its own session, so
// that Ctrl-C in the terminal does not end it, and it outlives this program. It is not safe for
// concurrent use.
type Process struct {
	command  string
	process  *os.Process // nil: it has ended
	explorer bool        // it is Windows' explorer.exe
}

// Open opens an http or https address with the program that $BROWSER names, or in the platform's
// way: xdg-open, open, rundll32, and under WSL the browser of Windows. No shell is started, so
// nothing in the address is a command, and the output of the program is discarded. An error means
// that no program could be started. Failed tells later whether the program could open the address.
func Open(address string) (*Process, error) { return here().open(address) }

func (m machine) open(address string) (*Process, error) {
	if !strings.HasPrefix(address, "http://") && !strings.HasPrefix(address, "https://") {
		return nil, errors.New("the address is neither http nor https") // and might be taken for an option
	}
	commands, err := m.commands()
	if err != nil {
		return nil, err
	}
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
	args := arguments(command[1:], address)
	cmd := exec.Command(command[0], args...)
	if isBatchFile(cmd.Path) {
		return nil, fmt.Errorf("%q is a batch file, whose shell would read the address as commands: name a program", command[0])
	}
	cmd.SysProcAttr = ownSession()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &Process{command[0], cmd.Process, isExplorer(cmd.Path)}, nil
}

// isExplorer reports whether a program, or what its link leads to, is explorer.exe.
func isExplorer(path string) bool {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	return strings.EqualFold(filepath.Base(path), "explorer.exe")
}

// Failed returns an error if the program has ended with a code that says that it could not open the
// address. It does not wait.
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
	if p.explorer && code == 1 {
		return nil // it ends so when it has opened the address, too
	}
	if code != 0 {
		return fmt.Errorf("%q ended with code %d", p.command, code)
	}
	return nil
}

// Release lets go of the program, whether it has ended or not. A program that ends later stays in
// the process table until the next Open. Waiting for it would take a goroutine for as long as the
// user reads.
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

// left has the programs that had not ended when Release was called.
var left struct {
	sync.Mutex
	processes []*os.Process
}

// reap removes the programs that have ended, and those whose end this system does not tell.
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
