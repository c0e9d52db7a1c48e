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
	made  map[string]bool   // the marks
	count map[string]int    // of each kind
	terms []string          // values to look for in texts, the longest first
	names map[string]string // words of names in lower case, to mark
}

func newMarks() *marks {
	return &marks{of: map[string]string{}, made: map[string]bool{}, count: map[string]int{}, names: map[string]string{}}
}

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
	m.of[value], m.made[mark] = mark, true
	m.lookFor(value)
	if kind == "name" || kind == "email" {
		for _, part := range words.FindAllString(value, -1) {
			for piece := range strings.SplitSeq(part, "_") {
				if name := strings.ToLower(piece); len(name) >= minTerm && m.names[name] == "" {
					m.names[name] = mark
				}
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
	numbers = regexp.MustCompile(`\+?\d[\d\s().,:_+/-]*\d`)
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
		if m.isHarmless(thing) {
			b.WriteString(thing)
		} else if mark := m.names[strings.ToLower(thing)]; mark != "" {
			b.WriteString(mark)
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
	// joined finds what makes an address of words: will.grant@studio.company, a:b, a/b.
	joined = regexp.MustCompile(`[\p{L}\p{N}_][.@:/\\%=]+[\p{L}\p{N}_]`)
)

// isHarmless reports whether each word of a thing is in the list, or a number of at most three
// digits. Words that are joined by _ or written in camel case count as several.
func (m *marks) isHarmless(thing string) bool {
	if m.made[thing] || isScope(thing) || slices.Contains(medias, thing) {
		return true
	}
	if joined.MatchString(thing) {
		return false
	}
	for _, word := range words.FindAllString(thing, -1) {
		if nameLike[strings.ToLower(word)] && strings.ToLower(word) != word {
			return false
		}
		for _, part := range append(strings.Split(word, "_"), humps.FindAllString(word, -1)...) {
			if m.names[strings.ToLower(part)] != "" {
				return false
			}
		}
	}
	return isOfHarmlessWords(thing)
}

// nameLike are words of the list that are also names. They stay in lower case alone.
var nameLike = map[string]bool{
	"will": true, "grant": true, "may": true, "studio": true, "global": true, "company": true, "brand": true, "launch": true, "gateway": true,
	"mobile": true, "city": true, "page": true, "field": true, "host": true, "media": true, "long": true, "given": true,
	"point": true, "hub": true, "lab": true, "team": true, "family": true, "branch": true, "store": true, "wait": true, "past": true, "share": true,
}

// isOfHarmlessWords reports whether each word of a thing is in the list.
func isOfHarmlessWords(thing string) bool {
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
