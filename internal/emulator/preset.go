package emulator

import (
	"fmt"
	"slices"
	"strings"
)

// Presets are the names that Preset knows, the one of the zero Options first.
var Presets = []string{"strict", "realistic"}

// Preset returns the Options of that name.
func Preset(name string) (Options, error) {
	switch name {
	case "strict":
		return Strict(), nil
	case "realistic":
		return Realistic(), nil
	}
	return Options{}, fmt.Errorf("preset %.40q: want one of %s", name, strings.Join(Presets, ", "))
}

// Strict returns Options with which the emulator refuses everything that an RFC or Contentstack's
// documents forbid, and answers each open question in the way that is hardest on a client. They are
// the zero Options.
func Strict() Options { return Options{} }

// Realistic returns Options with which the emulator does what is known of the real service, or
// evident from the clients that work with it. docs/emulator.md has the sources.
func Realistic() Options {
	return Options{
		Unknowns: Unknowns{
			ErrorShape:    "nestjs-array",
			RegionNames:   "both",
			Reuse:         "refuse",
			ListMembers:   "full",
			RevokeBody:    "object",
			UserAuthtoken: "no",
		},
		Tolerate: slices.Clone(tolerated),
	}
}

// tolerated are the rules that clients of the real service break without harm, and those of which
// no document says that the service enforces them.
var tolerated = []string{
	"secret-in-url",
	"state-reused",
	"challenge-reused",
	"query-at-token-endpoint",
	"bearer-at-token-endpoint",
	"basic-at-token-endpoint",
	"cookie-at-token-endpoint",
	"verifier-out-of-bounds",
	"verifier-reused",
	"refresh-without-redirect-uri",
	"refresh-without-secret",
	"refresh-with-new-secret",
	"scope-widened",
	"authtoken-header",
}
