package loopback

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

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
	for range maxPasted {
		line, err := readLine(ctx, in)
		switch {
		case ctx.Err() != nil:
			return ended(ctx)
		case err != nil:
			return fmt.Errorf("no address was pasted: %w", err)
		}
		callback, problem := l.pasted(line)
		if problem == "" {
			l.come(callback)
			return l.err
		}
		t.say("%s.\nPaste the address that the browser shows:", problem)
	}
	return fmt.Errorf("none of %d lines was the address", maxPasted)
}

// maxPasted is how many lines may be wrong: more of them are not from a person.
const maxPasted = 10

// pasted reads what the user pasted, and checks it as a request to the redirect URI is checked. The problem is for the user, and does
// not repeat a code.
func (l *login) pasted(line string) (callback url.Values, problem string) {
	u, err := url.Parse(cleaned(line))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !l.isAt(u.Host, u.EscapedPath()) {
		return nil, "That is not an address at " + l.request.RedirectURI
	}
	callback, err = csoauth.ParseCallback(u.RawQuery)
	if err != nil || !l.isOurs(callback) {
		return nil, "That address is of another login, or not whole"
	}
	return callback, ""
}

// cleaned takes away what terminals, chats and shells put around an address, and adds what browsers leave out of it. Some show https,
// where nothing would have answered: no matter, for nothing is sent there.
func cleaned(line string) string {
	text := strings.NewReplacer("\x1b[200~", "", "\x1b[201~", "", `\`, "").Replace(line) // bracketed paste, escapes for a shell
	text = strings.Trim(text, " \t\r\n\"'`<>")
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	return text
}

// openTerminal returns standard input, and a function that lets go of it. If it is the terminal, it
// is opened once more, so that a Read can be interrupted: not on macOS or Windows.
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

// maxLine bounds what is pasted, in bytes.
const maxLine = 16 << 10

// readLine reads to the end of a line and no further, until ctx ends.
func readLine(ctx context.Context, in io.Reader) (string, error) {
	if !isInterruptible(in) {
		return readLineAside(ctx, in)
	}
	d := in.(deadliner)
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(interrupted)
		_ = d.SetReadDeadline(time.Unix(1, 0)) // it worked before
	})
	defer func() {
		if !stop() {
			<-interrupted
			_ = d.SetReadDeadline(time.Time{}) // for those who read after us
		}
	}()
	return line(in)
}

type deadliner interface{ SetReadDeadline(time.Time) error }

// isInterruptible reports whether a Read of in can be interrupted. It takes away a deadline.
func isInterruptible(in io.Reader) bool {
	d, ok := in.(deadliner)
	return ok && d.SetReadDeadline(time.Time{}) == nil
}

func line(in io.Reader) (string, error) {
	var text []byte
	for one := make([]byte, 1); len(text) < maxLine; {
		n, err := in.Read(one)
		text = append(text, one[:n]...)
		if n > 0 && one[0] == '\n' || err == io.EOF && len(text) > 0 {
			return strings.TrimSuffix(string(text), "\n"), nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("the line has more than %d bytes", maxLine)
}
