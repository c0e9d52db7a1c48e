package csoauthtest

import (
	"fmt"
	"time"
)

// A Request is one request to the Server, with its decision and its response. Secrets are masked as
// *** and eight digits. The same secret has the same digits everywhere in this Server's log. The
// digits reveal nothing else.
type Request struct {
	Time     time.Time
	Method   string
	Path     string
	Client   string            // client ID of the app that the request is about; empty if there is none
	User     string            // name of the user who is logged in, or of the token's user; empty if there is none
	Params   map[string]string // from the query and the form
	Status   int               // 0: no response
	Decision string            // such as "refused: invalid_grant: the code was used before"
	Answer   map[string]string // the members of the token response, or the parameters of the callback
	Findings []string          // IDs of the rules that the request breaks
}

// String returns the request as one line.
func (r Request) String() string {
	return fmt.Sprintf("%s %s %d %s", r.Method, r.Path, r.Status, r.Decision)
}

// Requests returns the requests to the Server, oldest first: authorize pages, decisions, token
// requests and API calls. The Server keeps the latest 10,000.
func (s *Server) Requests() []Request {
	var requests []Request
	for _, r := range s.emulator.Requests() {
		requests = append(requests, Request(r))
	}
	return requests
}
