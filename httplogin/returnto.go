package httplogin

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// maxReturnTo, in bytes as it is escaped, keeps five cookies below what servers take in a header.
const maxReturnTo = 512

// errReturnTo is for a return_to that leads away, or might in some browser.
var errReturnTo = errors.New("return_to is not a path of this site")

// returnTo returns where a user goes after the login.
func returnTo(rawQuery string) (string, error) {
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return "", fmt.Errorf("httplogin: %w: the query does not parse", errReturnTo)
	}
	switch values := query["return_to"]; len(values) {
	case 0:
		return "/", nil
	case 1:
		return checkReturnTo(values[0])
	default:
		return "", fmt.Errorf("httplogin: %w: it occurs %d times", errReturnTo, len(values))
	}
}

// checkReturnTo returns path as it goes into a Location header, if no browser can take it for
// another site's: it begins with one slash, and has no second one, no backslash and no control
// character, as it is and percent-decoded.
func checkReturnTo(path string) (string, error) {
	refuse := func(why string) (string, error) { return "", fmt.Errorf("httplogin: %w: %s", errReturnTo, why) }
	if len(path) > maxReturnTo {
		return refuse(fmt.Sprintf("it has more than %d bytes", maxReturnTo))
	}
	if !strings.HasPrefix(path, "/") {
		return refuse("it does not begin with /")
	}
	if strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }) {
		return refuse("it has a control character or a backslash")
	}
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return refuse("it is not only a path, query and fragment")
	}
	if strings.Contains(u.Path, "//") || strings.ContainsFunc(u.Path, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }) {
		return refuse("its path has two slashes, a backslash or a control character")
	}
	safe := escaped(u.String())
	if len(safe) > maxReturnTo {
		return refuse(fmt.Sprintf("it has more than %d bytes when it is escaped", maxReturnTo))
	}
	if !strings.HasPrefix(safe, "/") || strings.HasPrefix(safe, "//") {
		return refuse("it cannot be written as a path")
	}
	return safe, nil
}

// escaped percent-encodes what a header cannot carry as it is.
func escaped(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
