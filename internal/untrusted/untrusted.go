// Package untrusted shows text that came from outside, such as what a server says about a failure.
// Such text must not carry a secret into an error or a log, and must not act on a terminal.
package untrusted

import (
	"html"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	maxText        = 4 << 10 // bytes of a text from outside that are read
	MaxDescription = 512     // bytes kept of what a server says about a failure
	MaxCode        = 64      // bytes kept of an error code
	secretRun      = 12      // bytes of a normalized secret that give it away
	MinSecret      = 4       // bytes of a normalized secret that can be told from ordinary text
	maxUnescapes   = 3       // a text may be escaped inside of something that is escaped itself
)

// Withheld stands for a whole text.
const Withheld = "(text withheld: it contains a secret)"

// Clean returns text that came from outside as an error shows it: on one line, without what does
// not print, and at most this many bytes. If it contains a part of a secret, however it is written
// there, the whole text is withheld. What open also has, such as the client ID, is not secret.
//
// The work is linear in the lengths of text, secrets and open: anyone can send a text.
func Clean(text string, most int, secrets, open []string) string {
	text = Cut(text, maxText)
	if text == "" {
		return ""
	}
	if givesAway(text, secrets, open) {
		return Withheld
	}
	return strings.TrimSpace(Cut(printable(text), most))
}

// givesAway reports whether text contains a secret, or 12 characters in a row of one. Letters and
// digits are compared, without case, in the text as it is and as it reads with its escapes undone.
func givesAway(text string, secrets, open []string) bool {
	readings := []string{Normalize(text)}
	for _, shown := range []string{text, printable(text)} { // without what does not print, other escapes are whole
		for range maxUnescapes {
			for _, unescape := range []func(string) string{unescapePercent, UnescapeJSON, html.UnescapeString} {
				if plain := unescape(shown); plain != shown {
					shown = plain
					readings = append(readings, Normalize(plain))
				}
			}
		}
	}
	known := Normalize(strings.Join(open, "\n"))
	var runs map[string]bool // of all readings; made for the first long secret
	for _, secret := range secrets {
		normal := Normalize(secret)
		switch {
		case len(normal) < MinSecret:
			if standsAlone(text, secret) || standsAlone(printable(text), secret) {
				return true
			}
		case len(normal) < secretRun:
			within := func(reading string) bool { return strings.Contains(reading, normal) }
			if slices.ContainsFunc(readings, within) && !within(known) {
				return true
			}
		default:
			if runs == nil {
				runs = runsOf(readings)
			}
			for i := range len(normal) - secretRun + 1 {
				if run := normal[i : i+secretRun]; runs[run] && !strings.Contains(known, run) {
					return true
				}
			}
		}
	}
	return false
}

// Normalize keeps letters and digits, in lower case.
func Normalize(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}

// runsOf returns every run of 12 bytes in the readings.
func runsOf(readings []string) map[string]bool {
	runs := map[string]bool{}
	for _, reading := range readings {
		for i := range len(reading) - secretRun + 1 {
			runs[reading[i:i+secretRun]] = true
		}
	}
	return runs
}

// standsAlone reports whether a secret that is too short for anything else is a word of text.
func standsAlone(text, secret string) bool {
	if secret == "" {
		return false
	}
	inWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	first, _ := utf8.DecodeRuneInString(secret)
	last, _ := utf8.DecodeLastRuneInString(secret)
	for from := 0; ; {
		at := strings.Index(text[from:], secret)
		if at < 0 {
			return false
		}
		at += from
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		after, size := utf8.DecodeRuneInString(text[at+len(secret):])
		if !(inWord(before) && inWord(first)) && !(inWord(last) && inWord(after) && size > 0) {
			return true
		}
		from = at + len(secret)
	}
}

// unescapePercent undoes the escapes of a URL or form, as far as they are whole.
func unescapePercent(text string) string {
	if !strings.Contains(text, "%") {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+3 <= len(text) {
			if c, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// UnescapeJSON undoes the escapes of JSON, and \x73 of other languages, as far as they are whole.
func UnescapeJSON(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		switch text[i] {
		case 'b', 'f', 'n', 'r', 't':
			b.WriteByte(' ')
		case 'x':
			if i+3 > len(text) {
				break
			}
			if c, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(c))
				i += 2
			}
		case 'u':
			char, size := unescapeUnits(text[i-1:])
			b.WriteString(char)
			i += size - 2
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String()
}

// unescapeUnits returns the character of \uXXXX, or of two of these that are a surrogate pair, at
// the beginning of text, and how many bytes these are. It returns `\u` if that is no escape.
func unescapeUnits(text string) (char string, size int) {
	unit := func(text string) (rune, bool) {
		if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
			return 0, false
		}
		v, err := strconv.ParseUint(text[2:6], 16, 16)
		return rune(v), err == nil
	}
	first, ok := unit(text)
	if !ok {
		return text[:2], 2
	}
	if second, ok := unit(text[6:]); ok {
		if pair := utf16.DecodeRune(first, second); pair != unicode.ReplacementChar {
			return string(pair), 12
		}
	}
	return string(first), 6
}

// printable drops what does not print (control and formatting characters, broken UTF-8) and turns
// white space into spaces, so that text stays on its line in a log and cannot act on a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == unicode.ReplacementChar, !unicode.IsPrint(r):
			return -1
		}
		return r
	}, text)
}

// Cut returns the first bytes of text, without half a character at the end.
func Cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "")
}
