package loopback

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"

	"github.com/contentstack/csoauth"
)

// loginByHand lets the user carry the address from the browser to the terminal.
func (l *login) loginByHand(ctx context.Context) error {
	if err := l.begin(0); err != nil {
		return err
	}
	l.uri = l.uris[0]
	in := l.o.In
	if in == nil {
		terminal, done := openTerminal()
		defer done()
		in = terminal
	}
	t := newTerminal(l.o.Out)
	t.inviteByHand(l.config.AuthorizeURL(l.request), l.request.RedirectURI)
	if l.config.AuthorizeRoute == csoauth.RouteHash {
		t.hint()
	}
	lines := lines{in: in}
	defer lines.finish()
	begun := "" // the beginning of an address, which may go on in the next line
	for range maxPasted {
		line, err := lines.next(ctx)
		switch {
		case ctx.Err() != nil:
			return ended(ctx)
		case err != nil:
			return fmt.Errorf("no address was pasted: %w", err)
		}
		line = l.joined(begun, line)
		callback, problem := l.pasted(line)
		if problem == "" {
			l.come(callback)
			return l.err
		}
		begun = ""
		if l.isBeginning(line) {
			begun = line
			t.say("%s.\nPaste the rest of it, or the whole address that the browser shows:", notOurs)
			continue
		}
		t.say("%s.\nPaste the address that the browser shows:", problem)
	}
	return fmt.Errorf("none of %d lines was the address", maxPasted)
}

// maxPasted is how many lines may be wrong. More of them are not from a person.
const maxPasted = 10

const notOurs = "That address is of another login, or not whole"

// pasted reads what the user pasted, and checks it as a request to the redirect URI is checked. The
// problem is for the user, and does not repeat a code.
func (l *login) pasted(line string) (callback url.Values, problem string) {
	u, err := url.Parse(cleaned(line))
	if err != nil || !l.isRedirectURI(u) {
		return nil, "That is not an address at " + l.request.RedirectURI
	}
	callback, err = csoauth.ParseCallback(u.RawQuery)
	if err != nil || !l.isOurs(callback) {
		return nil, notOurs
	}
	return callback, ""
}

// isRedirectURI reports whether an address is at the redirect URI. Some browsers show https, where
// nothing would have answered. That does not matter, because nothing is sent there.
func (l *login) isRedirectURI(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && l.isAt(u.Host, u.EscapedPath())
}

// openTerminal returns standard input, and a function that closes what was opened. A terminal is
// opened a second time, so that a Read can be interrupted. That does not work on macOS and Windows.
func openTerminal() (in io.Reader, done func()) {
	info, err := os.Stdin.Stat()
	null, nullErr := os.Stat(os.DevNull)
	if err == nil && info.Mode()&os.ModeCharDevice != 0 && (nullErr != nil || !os.SameFile(info, null)) {
		if terminal, err := os.Open("/dev/tty"); err == nil {
			if isInterruptible(terminal) {
				return terminal, func() { terminal.Close() }
			}
			terminal.Close()
		}
	}
	return os.Stdin, func() {}
}
