package loopback

import (
	"net/url"
	"strings"
	"unicode"

	"github.com/contentstack/csoauth"
)

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
// nothing listens. That does not matter, because nothing is sent there.
func (l *login) isRedirectURI(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && l.isAt(u.Host, u.EscapedPath())
}

// cleaned takes away what terminals, chats, mail and shells add to an address, and adds the scheme
// that some browsers do not show. It takes away only what no address has, and at the ends also
// quotes and punctuation.
func cleaned(line string) string {
	text := bare(line)
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	return text
}

// bare does what cleaned does, but adds nothing.
func bare(line string) string {
	text := escapes.Replace(line)
	for range 2 { // some programs escape what is escaped already
		text = entities.Replace(text)
	}
	text = strings.Trim(strings.Map(legal, text), punctuation)
	if link := strings.LastIndex(text, "]("); link >= 0 && text[0] == '[' { // Markdown
		text = strings.TrimSuffix(text[link+len("]("):], ")")
	}
	if address, ok := cutPrefixFold(text, "location:"); ok {
		text = strings.Trim(address, punctuation)
	}
	return text
}

const punctuation = "'`.,;"

var (
	// escapes are the marks of a bracketed paste, and the escapes of JSON and of shells.
	escapes = strings.NewReplacer("\x1b[200~", "", "\x1b[201~", "", `\u0026`, "&", `\u003d`, "=", `\`, "")
	// entities are those of HTML that an address may have, and those of quotes and angles around
	// one.
	entities = strings.NewReplacer("&amp;", "&", "&#38;", "&", "&#x26;", "&", "&quot;", "", "&lt;", "", "&gt;", "")
)

// legal drops the characters that no address has: white space, control characters, invisible ones
// such as the zero-width space, angles and double quotes.
func legal(r rune) rune {
	if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune(`<>"“”„‟‘’‚‛«»‹›`, r) {
		return -1
	}
	return r
}

// cutPrefixFold cuts a prefix off, in any case.
func cutPrefixFold(text, prefix string) (rest string, ok bool) {
	if len(text) < len(prefix) || !strings.EqualFold(text[:len(prefix)], prefix) {
		return text, false
	}
	return text[len(prefix):], true
}

// joined returns a line, behind the beginning of an address that the line before had, unless the
// line is an address itself.
func (l *login) joined(begun, line string) string {
	if l.isAddress(line) || len(begun)+len(line) > maxLine {
		return line
	}
	return begun + line // cleaned takes away the white space between them
}

// isAddress reports whether a line begins with a scheme, or with the host of the redirect URI.
func (l *login) isAddress(line string) bool {
	text := bare(line)
	for _, start := range []string{"http://", "https://", l.uri.Host + "/", strings.TrimSuffix(l.uri.Host, ":80") + "/"} {
		if _, ok := cutPrefixFold(text, start); ok {
			return true
		}
	}
	return false
}

// isBeginning reports whether a line is an address at the redirect URI that ends before the end of
// its state. Terminals and mail programs wrap a long address into several lines.
func (l *login) isBeginning(line string) bool {
	text := cleaned(line)
	if u, err := url.Parse(text); err == nil && l.isRedirectURI(u) {
		return !l.hasState(u.RawQuery)
	}
	for _, host := range []string{l.uri.Host, strings.TrimSuffix(l.uri.Host, ":80")} {
		for _, scheme := range []string{"http://", "https://"} {
			if whole := scheme + host + l.path(); len(text) > len(scheme) && len(text) < len(whole) && strings.EqualFold(text, whole[:len(text)]) {
				return true
			}
		}
	}
	return false
}

// hasState reports whether a query has a state that is whole. At the end of the query, one that is
// shorter than ours may not be.
func (l *login) hasState(query string) bool {
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		if name == "state" && (i < len(pairs)-1 || len(value) >= len(l.request.State)) {
			return true
		}
	}
	return false
}
