package csoauth

import (
	"fmt"
	"html"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	maxDescription = 512     // bytes kept of what a provider says about a failure
	maxCode        = 64      // bytes kept of an error code
	maxSearch      = 1 << 20 // bytes of text times bytes of secrets; what takes longer to search is withheld
)

// clean returns text that came from outside without secrets, without what does not print, and without what is over
// most bytes. The unprintable go first: one of them inside a secret would hide it. The length is cut last: half a
// secret is not found.
func clean(text string, most int, secrets []string) string {
	if len(text)*len(strings.Join(secrets, "")) > maxSearch {
		return fmt.Sprintf("(%d bytes, too many to show)", len(text))
	}
	text = withoutSecrets(printable(text), secrets)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	return strings.TrimSpace(text)
}

// withoutSecrets replaces every secret in text, however it is written there; where two begin, the longer one.
func withoutSecrets(text string, secrets []string) string {
	var b strings.Builder
	for len(text) > 0 {
		longest := 0
		for _, secret := range secrets {
			longest = max(longest, written(text, secret))
		}
		if longest > 0 {
			b.WriteString(redacted)
			text = text[longest:]
		} else {
			b.WriteByte(text[0])
			text = text[1:]
		}
	}
	return b.String()
}

// written returns how many bytes at the beginning of text are secret, or 0. Each character may be written as it is or
// as a form, a URL, JSON or HTML escapes it: encoders differ in which ones they escape. As a character may be its own
// escape, such as \, more than one reading is followed at a time.
func written(text, secret string) int {
	ends := []int{0}
	for _, char := range secret {
		var next []int
		for _, end := range ends {
			for _, n := range spelled(text[end:], char) {
				if !slices.Contains(next, end+n) {
					next = append(next, end+n)
				}
			}
		}
		if len(next) == 0 {
			return 0
		}
		ends = next
	}
	return slices.Max(ends)
}

// spelled returns how long the spellings of char are with which text begins.
func spelled(text string, char rune) (lengths []int) {
	if r, size := utf8.DecodeRuneInString(text); size > 0 && r == char {
		lengths = append(lengths, size)
	}
	if text != "" && strings.IndexByte(`%+\&`, text[0]) >= 0 {
		for _, escape := range escapes(char) {
			if len(text) >= len(escape) && strings.EqualFold(text[:len(escape)], escape) {
				lengths = append(lengths, len(escape))
			}
		}
	}
	switch {
	case unicode.IsSpace(char) && char != ' ' && strings.HasPrefix(text, " "):
		lengths = append(lengths, 1) // printable has made it a blank
	case !unicode.IsPrint(char) && !unicode.IsSpace(char):
		lengths = append(lengths, 0) // printable has dropped it
	}
	return lengths
}

// escapes returns how encoders write char if they do not write it as it is. Hexadecimal digits are of either case.
func escapes(char rune) []string {
	var percent, inJSON strings.Builder
	for _, octet := range []byte(string(char)) {
		fmt.Fprintf(&percent, "%%%02X", octet)
	}
	for _, unit := range utf16.Encode([]rune{char}) {
		fmt.Fprintf(&inJSON, `\u%04X`, unit)
	}
	all := []string{percent.String(), inJSON.String(), fmt.Sprintf("&#%d;", char), fmt.Sprintf("&#x%X;", char)}
	if named := html.EscapeString(string(char)); strings.HasPrefix(named, "&") {
		all = append(all, named)
	}
	switch char {
	case ' ':
		all = append(all, "+")
	case '"':
		all = append(all, `\"`, "&quot;")
	case '\'':
		all = append(all, "&apos;")
	case '\\', '/':
		all = append(all, `\`+string(char))
	}
	return all
}

// printable drops what does not print (control and formatting characters, broken UTF-8) and turns white space into
// blanks, so that text stays on its line in a log and cannot act on a terminal.
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
