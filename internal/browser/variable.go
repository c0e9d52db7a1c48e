package browser

import (
	"fmt"
	"os/exec"
	"strings"
)

// listed reads $BROWSER. It has commands with colons between them, or semicolons on Windows, and
// its words are split as a shell splits them, but nothing else of a shell is done. On Windows, as
// there, a backslash is a part of a path, and only double quotes are quotes. A command that is the
// path of a program, and has no arguments, needs no quotes.
func listed(list string, windows bool) (commands [][]string, err error) {
	separator := ":"
	if windows {
		separator = ";"
	}
	for rest := list; rest != ""; {
		var words []string
		path, after, _ := strings.Cut(rest, separator)
		if _, err := exec.LookPath(path); err == nil {
			words, rest = []string{path}, after
		} else {
			s := splitter{text: rest, separator: separator[0], windows: windows}
			if words, rest = s.split(); s.quote != 0 {
				return nil, fmt.Errorf("$BROWSER is %q: the quote %c is not closed", list, s.quote)
			}
		}
		if len(words) > 0 {
			commands = append(commands, words)
		}
	}
	return commands, nil
}

// A splitter splits the first command of a list into words.
type splitter struct {
	text      string
	separator byte
	windows   bool

	words []string
	word  []byte
	begun bool // word is one, even if it is empty
	quote byte // the one that is open, or 0
}

// split returns the words of the command, and what follows its separator.
func (s *splitter) split() (words []string, rest string) {
	for i := 0; i < len(s.text); i++ {
		c := s.text[i]
		switch {
		case c == s.quote:
			s.quote = 0
		case c == '\\' && !s.windows && s.quote != '\'' && i+1 < len(s.text):
			i++
			s.escaped(s.text[i])
		case s.quote != 0:
			s.add(c)
		case c == '"' || c == '\'' && !s.windows:
			s.quote, s.begun = c, true
		case c == s.separator && !strings.HasPrefix(s.text[i:], "://"): // a URL is one word
			s.end()
			return s.words, s.text[i+1:]
		case c == ' ' || c == '\t' || c == '\n':
			s.end()
		default:
			s.add(c)
		}
	}
	s.end()
	return s.words, ""
}

// escaped adds the character after a backslash. In double quotes, the backslash stays before most
// characters. An escaped end of a line is left out.
func (s *splitter) escaped(c byte) {
	if s.quote == '"' && !strings.ContainsRune("$`\"\\\n", rune(c)) {
		s.add('\\')
	}
	if c != '\n' {
		s.add(c)
	}
}

func (s *splitter) add(c byte) { s.word, s.begun = append(s.word, c), true }

func (s *splitter) end() {
	if s.begun {
		s.words = append(s.words, string(s.word))
	}
	s.word, s.begun = nil, false
}

// arguments returns words with the address for each %s and a percent sign for each %%. Without a
// %s, the address comes last. It is never split, so it is a part of one argument.
func arguments(words []string, address string) []string {
	marks := strings.NewReplacer("%%", "%", "%s", address)
	args, placed := make([]string, len(words)), false
	for i, word := range words {
		args[i] = marks.Replace(word)
		placed = placed || strings.Contains(strings.ReplaceAll(word, "%%", ""), "%s")
	}
	if !placed {
		args = append(args, address)
	}
	return args
}
