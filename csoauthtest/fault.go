package csoauthtest

import (
	"net/http"
	"time"

	"github.com/contentstack/csoauth/internal/emulator"
)

// A Fault spoils one token request. The zero Fault spoils nothing.
type Fault struct {
	Delay time.Duration // waited before anything else; the request is processed even if the client has left

	// Status is the status of a response, with Header and Body, that replaces the processing. Mind
	// that csoauth comes back by itself after a 429 or 503 with a short Retry-After, which takes
	// real time.
	Status int
	Header http.Header
	Body   string
	// RedirectTo is where a 307 response leads. It replaces the processing.
	RedirectTo string

	// Cut closes the connection at this point.
	Cut Cut
	// CutAt is how many bytes of the response's body CutInside sends before it cuts the connection.
	CutAt int
	// Slow pauses before every byte of the response's body.
	Slow time.Duration
	// Endless sends spaces after the response's body until the client disconnects.
	Endless bool
}

// A Cut is where the connection of a token request breaks.
type Cut int

const (
	CutNot    Cut = iota
	CutBefore     // the request is not processed
	CutAfter      // the request is processed, and no byte of the response is sent
	CutInside     // the request is processed, and the response ends after CutAt bytes
)

// FailNext spoils the next token requests, one with each fault, in order.
func (s *Server) FailNext(faults ...Fault) {
	for _, f := range faults {
		s.emulator.FailNext(emulator.Fault{
			Delay: emulator.Duration(f.Delay), Status: f.Status, Header: f.Header, Body: f.Body, RedirectTo: f.RedirectTo,
			Cut: emulator.Cut(f.Cut), CutAt: f.CutAt, Slow: emulator.Duration(f.Slow), Endless: f.Endless,
		})
	}
}
