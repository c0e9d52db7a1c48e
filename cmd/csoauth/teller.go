package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/contentstack/csoauth/internal/emulator"
)

// A teller prints what the demo tells, in colour on a terminal.
type teller struct {
	w      io.Writer
	colour bool
}

const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	green = "32"
)

func newTeller(w io.Writer) *teller { return &teller{w, wantsColour(w)} }

// wantsColour holds https://no-color.org, and takes no chance on an old Windows console.
func wantsColour(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	if runtime.GOOS == "windows" && os.Getenv("WT_SESSION") == "" && os.Getenv("TERM") == "" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (t *teller) paint(code, s string) string {
	if !t.colour || code == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (t *teller) line(format string, args ...any) { fmt.Fprintf(t.w, format+"\n", args...) }

func (t *teller) heading(number int, title string) {
	t.line("\n%s", t.paint(bold, fmt.Sprintf("%d. %s", number, title)))
}

// text tells a paragraph.
func (t *teller) text(paragraph string) { t.wrapped("", "  ", paragraph) }

func (t *teller) sent(what string, pairs []string) {
	t.wrapped(dim, "   ->", what+" "+strings.Join(pairs, " "))
}

func (t *teller) received(status int, outcome string, pairs []string) {
	t.wrapped(dim, "   <-", fmt.Sprint(status, " ", outcome, " ", strings.Join(pairs, " ")))
}

// finding tells a rule that a client broke. allowed is whether that was to be expected.
func (t *teller) finding(f emulator.Finding, allowed bool) {
	colour, mark := red, ""
	if allowed {
		colour, mark = dim, " (allowed)"
	}
	t.wrapped(colour, "  ", fmt.Sprintf("%s%s, %s, %d times, last at %s", f.ID, mark, cmp.Or(f.Client, "no known client"), f.Count, f.Request))
	t.wrapped("", "    ", f.Fault+" ("+f.Source+")")
}

// returned tells the error that the library returned.
func (t *teller) returned(err error) { t.wrapped("", "   error:", err.Error()) }

// wrapped prints text after a head, at most 80 columns wide, the lines below it indented like the
// first.
func (t *teller) wrapped(colour, head, text string) {
	const width = 80
	text = strings.Map(func(r rune) rune { // a client's path must not act on the terminal
		if unicode.IsPrint(r) || unicode.IsSpace(r) {
			return r
		}
		return -1
	}, text)
	indent, line := strings.Repeat(" ", len(head)), head
	for word := range strings.FieldsSeq(text) {
		if utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			t.line("%s", t.paint(colour, line))
			line = indent
		}
		line += " " + word
	}
	t.line("%s", t.paint(colour, line))
}

func (t *teller) ok() { t.line("   %s", t.paint(green, "as it should be")) }

func (t *teller) surprise(err error) { t.line("   %s", t.paint(red, "SURPRISE: "+err.Error())) }
