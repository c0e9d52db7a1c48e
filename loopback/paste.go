package loopback

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/contentstack/csoauth/internal/turn"
)

// A paste is what the user has pasted so far.
type paste struct {
	login *login
	begun string // the beginning of an address, which may go on in the next line
	wrong int
}

// maxPasted is how many lines may be wrong. More of them are not from a person.
const maxPasted = 10

// take takes a line. It returns the callback, or what to tell the user, without a last sentence of
// what to do then.
func (p *paste) take(line string) (callback url.Values, problem string) {
	line = p.login.joined(p.begun, line)
	callback, problem = p.login.pasted(line)
	if problem == "" {
		return callback, ""
	}
	p.begun = ""
	p.wrong++
	if p.login.isBeginning(line) {
		p.begun = line
		return nil, notOurs + ".\nPaste the rest of it, or the whole address that the browser shows:"
	}
	return nil, problem + ".\nPaste the address that the browser shows:"
}

// openIn returns what the user's lines come from, and a function that closes what was opened. The
// terminal that standard input is, is opened a second time, so that a Read can be interrupted. That
// does not work on macOS and Windows.
func (l *login) openIn() (in io.Reader, done func()) {
	if l.o.In != nil {
		if f, ok := l.o.In.(*os.File); ok && isTerminal(f) && isInterruptible(f) {
			return &turn.Reader{File: f}, func() {}
		}
		return l.o.In, func() {}
	}
	if isTerminal(os.Stdin) {
		if terminal, err := os.Open("/dev/tty"); err == nil {
			if isInterruptible(terminal) {
				return &turn.Reader{File: terminal}, func() { terminal.Close() }
			}
			terminal.Close()
		}
	}
	return os.Stdin, func() {}
}

// isTerminal reports whether f is a device that is not the null device.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// pastes are the lines that the user pastes while the login listens. After each line, nothing is
// read until the receiver asks for more, because the text after the address is for the program.
// Nil: there are no such lines.
type pastes struct {
	lines chan string
	more  chan struct{} // has room for the one who asks
}

func newPastes() *pastes { return &pastes{make(chan string), make(chan struct{}, 1)} }

// next has the next line, if there are any.
func (p *pastes) next() <-chan string {
	if p == nil {
		return nil
	}
	return p.lines
}

// readAside returns the lines that the user pastes while the login listens, and a function that
// stops the reading completely. There are lines only from a terminal whose Read can be interrupted.
// Otherwise the next line that the user types for the program would be lost. isAway: the program is
// in the background of that terminal, and no line comes before it is in the foreground again.
func (l *login) readAside(ctx context.Context) (pasted *pastes, isAway bool, end func()) {
	in, done := l.openIn()
	terminal, ok := in.(*turn.Reader)
	if !ok {
		done()
		return nil, false, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	pasted = newPastes()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		lines := lines{in: in}
		defer lines.finish()
		for {
			line, err := lines.next(ctx)
			if err != nil {
				return
			}
			select {
			case pasted.lines <- line:
			case <-ctx.Done():
				return
			}
			select {
			case <-pasted.more:
			case <-ctx.Done():
				return
			}
		}
	}()
	return pasted, terminal.IsAway(), sync.OnceFunc(func() {
		cancel()
		<-ended
		done()
	})
}

// loginByHand lets the user carry the address from the browser to the terminal.
func (l *login) loginByHand(ctx context.Context) error {
	if err := l.begin(0); err != nil {
		return err
	}
	l.uri = l.uris[0]
	in, done := l.openIn()
	defer done()
	t := newTerminal(l.o.Out)
	t.inviteByHand(l.config.AuthorizeURL(l.request), l.request.RedirectURI)
	l.hintAtRoute(t)
	lines := lines{in: in}
	defer lines.finish()
	for p := (paste{login: l}); p.wrong < maxPasted; {
		line, err := lines.next(ctx)
		switch {
		case ctx.Err() != nil:
			return ended(ctx)
		case err != nil:
			return fmt.Errorf("no address was pasted: %w", err)
		}
		callback, problem := p.take(line)
		if problem == "" {
			l.come(callback, false)
			return l.err
		}
		t.say("%s", problem)
	}
	return fmt.Errorf("none of %d lines was the address", maxPasted)
}

const notOurs = "That address is of another login, or not whole"

// isBlank reports whether a line has nothing in it, as when the user presses Enter while waiting.
func isBlank(line string) bool { return strings.TrimSpace(line) == "" }
