package probe

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Marks replace what nobody else may read. Equal values get equal marks, such as uid#1, so that a
// reader sees what is the same. Nothing is kept because it looks harmless: a text keeps only words
// that are in a list, and no value of a member is kept that is not one of a few known ones.
type marks struct {
	of    map[string]string // value to mark
	count map[string]int    // of each kind
	terms []string          // values to look for in texts, the longest first
}

func newMarks() *marks { return &marks{of: map[string]string{}, count: map[string]int{}} }

// minTerm is the shortest value that is looked for in texts, in bytes.
const minTerm = 3

// mark returns the mark of a value. kind names its first part, if the value has none yet.
func (m *marks) mark(kind, value string) string {
	if value == "" {
		return ""
	}
	if mark, ok := m.of[value]; ok {
		return mark
	}
	m.count[kind]++
	mark := fmt.Sprintf("%s#%d", kind, m.count[kind])
	m.of[value] = mark
	m.lookFor(value)
	if kind == "name" || kind == "email" {
		for _, part := range words.FindAllString(value, -1) {
			if m.of[part] == "" && part != value {
				m.of[part] = mark
				m.lookFor(part)
			}
		}
	}
	return mark
}

func (m *marks) lookFor(value string) {
	if len(value) < minTerm {
		return
	}
	i, _ := slices.BinarySearchFunc(m.terms, len(value), func(term string, length int) int { return length - len(term) })
	m.terms = slices.Insert(m.terms, i, value)
}

var (
	words = regexp.MustCompile(`[\p{L}\p{N}_]+`)
	// numbers are groups of digits as in a telephone number.
	numbers = regexp.MustCompile(`\+?\d[\d\s().+/-]*\d`)
	digit   = regexp.MustCompile(`\d`)
	// things are words that punctuation holds together, such as an address.
	things = regexp.MustCompile(`[\p{L}\p{N}_]+(?:[-.@+%/:=~!$&*#^\\|]+[\p{L}\p{N}_]+)*`)
)

// maxText is how much of a text from outside is shown, in bytes.
const maxText = 512

// text returns a text from outside. What is marked elsewhere has its mark in it, and each thing
// with a word that is not in the list of harmless words has one, too. Of the rest only ASCII
// punctuation stays.
func (m *marks) text(s string) string {
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "") + " …"
	}
	for _, term := range m.terms {
		if strings.Contains(s, term) {
			s = replaceWhole(s, term, m.of[term])
		}
	}
	s = numbers.ReplaceAllStringFunc(s, func(run string) string {
		if len(digit.FindAllString(run, -1)) < 5 {
			return run
		}
		return m.mark("number", run)
	})
	var b strings.Builder
	at := 0
	for _, span := range things.FindAllStringIndex(s, -1) {
		b.WriteString(punctuation(s[at:span[0]]))
		thing := s[span[0]:span[1]]
		if isHarmless(thing) {
			b.WriteString(thing)
		} else {
			b.WriteString(m.mark("word", thing))
		}
		at = span[1]
	}
	b.WriteString(punctuation(s[at:]))
	return strings.Join(strings.Fields(b.String()), " ")
}

// replaceWhole replaces old where it does not stand inside a longer word.
func replaceWhole(s, old, mark string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, old)
		if i < 0 {
			return b.String() + s
		}
		b.WriteString(s[:i])
		if endsInWord(s[:i]) && startsWithWord(old) || endsInWord(old) && startsWithWord(s[i+len(old):]) {
			b.WriteString(s[i : i+len(old)])
		} else {
			b.WriteString(mark)
		}
		s = s[i+len(old):]
	}
}

func endsInWord(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(s)
	return isOfWord(r)
}

func startsWithWord(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return isOfWord(r)
}

func isOfWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) }

// punctuation keeps what stands between words, without what Markdown or HTML would act on.
func punctuation(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '…', r > ' ' && r <= '~' && !strings.ContainsRune("<>`|", r):
			return r
		}
		return ' '
	}, s)
}

//go:embed words.txt
var harmlessWords string

// harmless are words that tell nothing about anyone: of errors, of OAuth, of the members of
// Contentstack's responses.
var harmless = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(harmlessWords) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for word := range strings.FieldsSeq(line) {
			all[word] = true
		}
	}
	return all
})

var (
	humps = regexp.MustCompile(`[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^A-Za-z0-9_]+`)
	small = regexp.MustCompile(`^[0-9]{1,3}$`)
	// isMark finds marks, which text has put in itself.
	isMark = regexp.MustCompile(`^[a-z_]+#[0-9]+$`)
)

// isHarmless reports whether each word of a thing is in the list, or a number of at most three
// digits. Words that are joined by _ or written in camel case count as several.
func isHarmless(thing string) bool {
	if isMark.MatchString(thing) {
		return true
	}
	for _, word := range words.FindAllString(thing, -1) {
		for part := range strings.SplitSeq(word, "_") {
			if part == "" || small.MatchString(part) || harmless()[strings.ToLower(part)] {
				continue
			}
			for _, hump := range humps.FindAllString(part, -1) {
				if !harmless()[strings.ToLower(hump)] {
					return false
				}
			}
		}
	}
	return true
}
