package csoauth

import (
	"errors"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"
)

// userAgent returns the User-Agent of token requests: the Config's, then csoauth's.
func (c *Config) userAgent() string {
	if c.UserAgent == "" {
		return ownUserAgent()
	}
	return c.UserAgent + " " + ownUserAgent()
}

// checkUserAgent holds RFC 9110, section 5.5, without what only looks like it.
func (c *Config) checkUserAgent() error {
	if strings.TrimSpace(c.UserAgent) != c.UserAgent {
		return errors.New("begins or ends with a space: trim it")
	}
	if strings.ContainsFunc(c.UserAgent, func(r rune) bool { return r < ' ' || r > '~' }) {
		return errors.New("has a character that a header cannot carry: use visible ASCII and spaces")
	}
	return nil
}

// ownUserAgent returns csoauth's name, version and module path.
var ownUserAgent = sync.OnceValue(func() string {
	module := reflect.TypeFor[Config]().PkgPath()
	info, _ := debug.ReadBuildInfo()
	return "csoauth/" + versionIn(info, module) + " (+" + module + ")"
})

// versionIn returns the version of a module that a program was built with, or "devel".
func versionIn(info *debug.BuildInfo, module string) string {
	if info == nil {
		return "devel"
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path != module {
			continue
		}
		if m.Replace != nil {
			m = m.Replace
		}
		if version, tagged := strings.CutPrefix(m.Version, "v"); tagged {
			return version
		}
	}
	return "devel"
}
