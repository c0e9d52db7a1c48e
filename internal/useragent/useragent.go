// Package useragent names this module in the User-Agent of requests.
package useragent

import (
	"reflect"
	"runtime/debug"
	"strings"
	"sync"
)

// Own returns csoauth's name, version and module path.
var Own = sync.OnceValue(func() string {
	module := strings.TrimSuffix(reflect.TypeFor[here]().PkgPath(), "/internal/useragent")
	info, _ := debug.ReadBuildInfo()
	return "csoauth/" + versionIn(info, module) + " (+" + module + ")"
})

type here struct{}

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

// After returns the User-Agent with a caller's before it, which may be empty.
func After(callers string) string {
	if callers == "" {
		return Own()
	}
	return callers + " " + Own()
}
