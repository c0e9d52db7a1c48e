package emulator

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// browserSchemes are schemes that a browser handles itself: it runs or shows what the URI holds,
// and calls no app.
var browserSchemes = []string{
	"about", "blob", "data", "file", "filesystem", "javascript", "vbscript", "view-source",
}

// checkRedirectURI refuses a redirect URI that cannot be registered. Its error names the app, the
// URI and the rule.
func (a App) checkRedirectURI(uri string) error {
	if err := redirectURIError(uri); err != nil {
		if strings.Contains(uri, "@") { // it may hold a password
			uri = redacted
		}
		return fmt.Errorf("app %s: redirect URI %.200q: %w", a.UID, uri, err)
	}
	return nil
}

func redirectURIError(uri string) error {
	u, err := url.Parse(uri)
	switch {
	case err != nil:
		return errors.New("does not parse as a URI")
	case u.Scheme == "":
		return errors.New("is relative: give the whole URI, with its scheme (RFC 6749, 3.1.2)")
	case slices.Contains(browserSchemes, u.Scheme):
		return fmt.Errorf("has the scheme %s, which no app can receive", u.Scheme)
	case strings.Contains(uri, "#"):
		return errors.New("has a fragment, which no redirect URI may have (RFC 6749, 3.1.2)")
	case (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() == "":
		return errors.New("has no host")
	}
	return nil
}
