package csoauthtest

import (
	"fmt"
	"time"
)

// A Request is what the Server received, what it decided, and how it responded. Secrets are masked:
// each stands as *** and eight digits that are the same wherever the same secret occurs in this
// Server's log, and tell nothing else.
type Request struct {
	Time     time.Time
	Method   string
	Path     string
	Client   string            // client ID of the app that the request is about; empty: of none
	User     string            // name of the user who is logged in, or for whom the token is; empty: of none
	Params   map[string]string // of the query and the form
	Status   int               // 0: no response
	Decision string            // such as "refused: invalid_grant: the code was used before"
	Answer   map[string]string // the members of the token, or the parameters of the callback
	Findings []string          // IDs of the rules that the request breaks
}

// String returns the request in a line.
func (r Request) String() string {
	return fmt.Sprintf("%s %s %d %s", r.Method, r.Path, r.Status, r.Decision)
}

// Requests returns what the Server was sent, oldest first: authorize pages, decisions, token
// requests and API calls. It keeps the latest 10,000.
func (s *Server) Requests() []Request {
	var requests []Request
	for _, r := range s.emulator.Requests() {
		requests = append(requests, Request(r))
	}
	return requests
}
