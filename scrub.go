package csoauth

import (
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

const (
	maxDescription = 512 // bytes kept of what a provider says about a failure
	maxCode        = 64  // bytes kept of an error code
)

// A scrubber cuts secrets out of text that came from outside. Nil cuts nothing.
type scrubber struct{ secrets *regexp.Regexp }

// newScrubber returns a scrubber for the secrets of one request, each as it is and as a form, a URL path, JSON or HTML
// would write it.
func newScrubber(secrets ...string) *scrubber {
	var patterns []string
	for _, secret := range secrets {
		if secret = printable(secret); secret == "" {
			continue
		}
		inJSON, _ := json.Marshal(secret) // a valid string always marshals
		for _, written := range []string{secret, strings.Trim(string(inJSON), `"`), html.EscapeString(secret)} {
			patterns = append(patterns, regexp.QuoteMeta(written))
		}
		form := url.QueryEscape(secret)
		for _, written := range []string{form, strings.ReplaceAll(form, "+", "%20"), url.PathEscape(secret)} {
			if written != secret {
				patterns = append(patterns, "(?i:"+regexp.QuoteMeta(written)+")") // %2b is %2B
			}
		}
	}
	if patterns == nil {
		return nil
	}
	re := regexp.MustCompile(strings.Join(patterns, "|"))
	re.Longest() // or one secret that begins like another would leave the rest of that one behind
	return &scrubber{re}
}

// clean returns text without secrets, unprintable characters, and what is over most bytes. The unprintable go first:
// one of them inside a secret would hide it. The length is cut last: half a secret is not found.
func (s *scrubber) clean(text string, most int) string {
	text = printable(text)
	if s != nil {
		text = s.secrets.ReplaceAllLiteralString(text, redacted)
	}
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	return strings.TrimSpace(text)
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
