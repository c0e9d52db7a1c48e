package loopback

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// A terminal tells the user what to do. Where it is one, it shows how long is left. What cannot be
// written is lost: the login does not depend on it.
type terminal struct {
	out    io.Writer
	live   bool // a line can be written over
	colour bool
	waits  bool   // it has been said
	typed  bool   // the user may type meanwhile, so no line is written over
	shown  string // in the line that will be written over
}

func newTerminal(out io.Writer) *terminal {
	t := &terminal{out: out}
	if f, ok := out.(*os.File); ok && os.Getenv("TERM") != "dumb" {
		info, err := f.Stat()
		t.live = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	t.colour = t.live && os.Getenv("NO_COLOR") == "" && runtime.GOOS != "windows"
	return t
}

// invite asks the user to log in. advice is for a browser on another machine; it may be empty.
func (t *terminal) invite(address, advice string) {
	t.say("Log in to Contentstack in your browser. If it does not open, open this address:\n\n  %s\n", t.bold(address))
	if advice != "" {
		t.say("%s\n", advice)
	}
}

func (t *terminal) inviteByHand(address, redirectURI string) {
	t.say("Open this address in a browser, here or on another machine, to log in to\nContentstack:\n\n  %s\n", t.bold(address))
	t.say("When you have allowed access, the browser says that it cannot connect to\n%s\n"+
		"Copy the whole address that it shows then, and paste it here:", redirectURI)
}

// waiting shows how long is left, or says once that there is something to wait for.
func (t *terminal) waiting(left time.Duration) {
	if !t.live || t.typed {
		switch {
		case t.waits:
		case t.live:
			t.say("Waiting for the browser, until %s.", time.Now().Add(left).Format(time.TimeOnly))
		default:
			t.say("Waiting for the browser.")
		}
		t.waits = true
		return
	}
	seconds := int(max(0, left+time.Second/2) / time.Second)
	line := fmt.Sprintf("Waiting for the browser. %d:%02d left.", seconds/60, seconds%60)
	t.rewrite(line)
}

func (t *terminal) hint() {
	t.say("If you see your stacks instead of a page that asks for your consent, open the\n" +
		"address again: you are logged in now. (A program avoids this with RoutePath.)")
}

func (t *terminal) sayNotOpened(err error) {
	t.say("No browser opened (%v). Open the address yourself.", err)
}

// say writes a line above the one that shows the time.
func (t *terminal) say(format string, args ...any) {
	t.rewrite("")
	fmt.Fprintf(t.out, format+"\n", args...)
}

// rewrite writes line over what it wrote before.
func (t *terminal) rewrite(line string) {
	if line == t.shown {
		return
	}
	blank := strings.Repeat(" ", max(0, len(t.shown)-len(line)))
	fmt.Fprintf(t.out, "\r%s%s", t.dim(line), blank)
	if line == "" {
		fmt.Fprint(t.out, "\r")
	}
	t.shown = line
}

func (t *terminal) bold(s string) string { return t.styled("1", s) }

func (t *terminal) dim(s string) string { return t.styled("2", s) }

func (t *terminal) styled(code, s string) string {
	if !t.colour || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
