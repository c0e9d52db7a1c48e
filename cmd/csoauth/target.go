package main

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/contentstack/csoauth/csapi"
)

// A target is what a request is about. Path and query go out byte for byte as they were typed.
type target struct {
	service csapi.Service
	origin  string // of an address, such as "https://api.contentstack.io"; empty: the service's
	path    string // begins with a slash, below the service's base URL or, with an origin, below that
	query   string // begins with a question mark, or is empty
}

// url returns the URL of a request for the target. Opaque keeps net/url from spelling the path in
// its own way.
func (t *target) url(base string) (*url.URL, error) {
	path := t.path
	if t.origin != "" {
		base = t.origin
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	if t.origin == "" {
		path = strings.TrimSuffix(u.EscapedPath(), "/") + path
	}
	u.Opaque = path
	u.Path, u.RawPath = "", ""
	if query, ok := strings.CutPrefix(t.query, "?"); ok {
		u.RawQuery, u.ForceQuery = query, true
	}
	return u, nil
}

// parseTarget reads a path, or an address on one of the login's hosts. bases has the base URL of
// each service.
func parseTarget(typed string, bases map[csapi.Service]string) (*target, error) {
	if err := checkTarget(typed); err != nil {
		return nil, err
	}
	if isAddress(typed) {
		return parseAddress(typed, bases)
	}
	return parsePath(typed)
}

// checkTarget returns what is wrong with a path or an address, whatever the login is.
func checkTarget(typed string) error {
	if isDrivePath(typed) {
		return fmt.Errorf("%q is a path of Windows: Git Bash makes it of a path with a slash before it; leave the slash out, as in v3/user", typed)
	}
	if err := checkBytes(typed); err != nil || isAddress(typed) {
		return err
	}
	_, err := parsePath(typed)
	return err
}

func isAddress(typed string) bool {
	scheme, _, ok := strings.Cut(typed, "://")
	return ok && !strings.ContainsAny(scheme, "/?")
}

// isDrivePath reports whether a path has a drive letter.
func isDrivePath(path string) bool {
	return len(path) > 2 && path[1] == ':' && (path[2] == '/' || path[2] == '\\') &&
		('a' <= path[0] && path[0] <= 'z' || 'A' <= path[0] && path[0] <= 'Z')
}

// checkBytes refuses what a request line cannot have as it is.
func checkBytes(typed string) error {
	for i := range len(typed) {
		switch c := typed[i]; {
		case c == '#':
			return fmt.Errorf("the path has a # at byte %d, and what follows it would not be sent: escape it as %%23", i+1)
		case c <= ' ' || c >= 0x7F:
			return fmt.Errorf("the path has a character at byte %d that no request can have: escape it as %%%02X", i+1, c)
		}
	}
	return nil
}

func parsePath(typed string) (*target, error) {
	path, query := cutQuery(typed)
	switch {
	case path == "":
		return nil, errors.New("the path is empty")
	case strings.Contains(path, `\`):
		return nil, errors.New(`the path has a backslash: write /, or escape it as %5C`)
	case strings.HasPrefix(path, "//"):
		return nil, errors.New("the path begins with two slashes, which would name another host: leave them out")
	}
	return &target{path: "/" + strings.TrimPrefix(path, "/"), query: query}, nil
}

// cutQuery cuts a query off, which keeps its question mark.
func cutQuery(typed string) (path, query string) {
	if i := strings.IndexByte(typed, '?'); i >= 0 {
		return typed[:i], typed[i:]
	}
	return typed, ""
}

// parseAddress reads an address, such as one from documentation. The longest base URL that it is
// below picks the service.
func parseAddress(typed string, bases map[csapi.Service]string) (*target, error) {
	scheme, rest, _ := strings.Cut(typed, "://")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	host, below := rest[:end], rest[end:]
	origin := originOf(scheme, host)
	path, query := cutQuery(below)
	var found *target
	longest := -1
	for _, service := range csapi.Services() {
		base, err := url.Parse(bases[service])
		if err != nil || base.Host == "" || originOf(base.Scheme, base.Host) != origin {
			continue
		}
		prefix := strings.TrimSuffix(base.EscapedPath(), "/")
		if (path == prefix || strings.HasPrefix(path, prefix+"/")) && len(prefix) > longest {
			longest = len(prefix)
			found = &target{service: service, origin: origin, path: path, query: query}
		}
	}
	switch {
	case found == nil:
		return nil, fmt.Errorf("%.200q is no address on a host of this login: those are %s", typed, strings.Join(originsOf(bases), ", "))
	case strings.Contains(path, `\`):
		return nil, errors.New(`the path has a backslash: escape it as %5C`)
	case path == "" || path == "/":
		return nil, errors.New("the address has no path")
	case strings.HasPrefix(path, "//"):
		return nil, errors.New("the path of the address begins with two slashes, which would be another host")
	}
	return found, nil
}

// originOf returns an origin as it is compared. What has a user or a backslash before the host is
// none of ours, and stays as it is.
func originOf(scheme, host string) string {
	scheme, host = strings.ToLower(scheme), strings.ToLower(host)
	if scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	}
	return scheme + "://" + host
}

// originsOf returns the origins of all base URLs, each once.
func originsOf(bases map[csapi.Service]string) (origins []string) {
	for _, base := range bases {
		if u, err := url.Parse(base); err == nil && u.Host != "" {
			origins = append(origins, originOf(u.Scheme, u.Host))
		}
	}
	slices.Sort(origins)
	return slices.Compact(origins)
}
