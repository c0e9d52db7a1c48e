package csoauthtest

import (
	"fmt"
	"time"

	"github.com/contentstack/csoauth/internal/emulator"
)

// A Finding is a rule that a client broke, once or several times.
type Finding struct {
	ID      string // stable; docs/emulator.md lists them
	Client  string // client ID; empty if the request named no registered app
	Fault   string // what the client does wrong, in one or more sentences
	Source  string // the document that says so, such as "RFC 7636, section 4.1"
	Refused bool   // whether the Server refused the requests because of it
	Count   int    // how many requests broke the rule
	First   time.Time
	Last    time.Time
	Request string // method and path of the last one
}

// String returns the finding as one line.
func (f Finding) String() string {
	return fmt.Sprintf("finding %s: %s: %s (%s)", f.ID, f.Request, f.Fault, f.Source)
}

// Findings returns the rules that clients have broken until now. There is one Finding for each rule
// and client, oldest first.
func (s *Server) Findings() []Finding { return findingsOf(s.emulator) }

func findingsOf(e *emulator.Emulator) (all []Finding) {
	for _, finding := range e.Findings() {
		all = append(all, Finding(finding))
	}
	return all
}
