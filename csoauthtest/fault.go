package csoauthtest

import (
	"net/http"
	"time"

	"github.com/contentstack/csoauth/internal/emulator"
)

// A Fault disturbs one token request. The zero Fault changes nothing.
type Fault struct {
	Delay time.Duration // the wait before anything else; the request is processed even if the client disconnects

	// If Status is set, the Server sends a response with this Status, Header and Body, and does not
	// process the request. After a 429 or 503 with a short Retry-After, csoauth repeats the request
	// by itself, which takes real time.
	Status int
	Header http.Header
	Body   string
	// If RedirectTo is set, the Server sends a 307 response to this URL, and does not process the
	// request.
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

// A Cut says where the connection of a token request breaks.
type Cut int

const (
	CutNot    Cut = iota
	CutBefore     // the request is not processed
	CutAfter      // the request is processed, but no byte of the response is sent
	CutInside     // the request is processed, and the response ends after CutAt bytes
)

// FailNext applies the faults to the next token requests, one fault to each request, in order.
func (s *Server) FailNext(faults ...Fault) {
	for _, f := range faults {
		s.emulator.FailNext(emulator.Fault{
			Delay: emulator.Duration(f.Delay), Status: f.Status, Header: f.Header, Body: f.Body, RedirectTo: f.RedirectTo,
			Cut: emulator.Cut(f.Cut), CutAt: f.CutAt, Slow: emulator.Duration(f.Slow), Endless: f.Endless,
		})
	}
}
