package emulator

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// A Fault spoils one token request. The zero Fault spoils nothing.
type Fault struct {
	Delay time.Duration // waited before anything else

	// Status answers instead of processing the request, with Header and Body.
	Status int
	Header http.Header
	Body   string
	// RedirectTo answers 307 to there, instead of processing the request.
	RedirectTo string

	// Cut closes the connection at this point.
	Cut Cut
	// CutAt is how many bytes of the answer's body get out before CutInside.
	CutAt int
	// Slow pauses before every byte of the answer's body.
	Slow time.Duration
	// Endless follows the answer's body with blanks until the client leaves.
	Endless bool
}

// Cut is where a connection breaks.
type Cut int

const (
	CutNot    Cut = iota
	CutBefore     // the request is not processed
	CutAfter      // the request is processed, and no byte of the answer gets out
	CutInside     // the request is processed, and the answer breaks off after CutAt bytes
)

// FailNext spoils the next token requests, one with each fault.
func (e *Emulator) FailNext(faults ...Fault) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = append(e.faults, faults...)
}

func (e *Emulator) nextFault() Fault {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.faults) == 0 {
		return Fault{}
	}
	f := e.faults[0]
	e.faults = e.faults[1:]
	return f
}

// before does what happens instead of processing the request; it returns whether to process it.
func (f Fault) before(w http.ResponseWriter, r *http.Request, entry *entry) bool {
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-r.Context().Done(): // nobody waits any more, and a real server would not notice
		}
	}
	switch {
	case f.Cut == CutBefore:
		entry.end(0, "fault: not processed, connection cut")
		panic(http.ErrAbortHandler) // closes the connection without an answer
	case f.RedirectTo != "":
		entry.end(http.StatusTemporaryRedirect, "fault: not processed, redirected elsewhere")
		http.Redirect(w, r, f.RedirectTo, http.StatusTemporaryRedirect)
		return false
	case f.Status != 0:
		entry.end(f.Status, "fault: not processed, answered "+strconv.Itoa(f.Status))
		maps.Copy(w.Header(), f.Header)
		w.WriteHeader(f.Status)
		f.send(w, r, []byte(f.Body))
		return false
	}
	return true
}

// write sends an answer of the token endpoint, spoiled if f says so.
func (f Fault) write(w http.ResponseWriter, r *http.Request, entry *entry, status int, answer any) {
	if f.Cut == CutAfter {
		entry.unanswered()
		panic(http.ErrAbortHandler)
	}
	body, _ := json.Marshal(answer) // strings and numbers always marshal
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if f.Cut == CutInside {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		body = body[:max(0, min(f.CutAt, len(body)))]
	}
	w.WriteHeader(status)
	f.send(w, r, body)
	if f.Cut == CutInside {
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

func (f Fault) send(w http.ResponseWriter, r *http.Request, body []byte) {
	if f.Slow > 0 {
		for i := range body {
			select {
			case <-time.After(f.Slow):
			case <-r.Context().Done():
				return
			}
			w.Write(body[i : i+1])
			http.NewResponseController(w).Flush()
		}
		body = nil
	}
	w.Write(body)
	for blanks := bytes.Repeat([]byte{' '}, 16<<10); f.Endless && r.Context().Err() == nil; {
		if _, err := w.Write(blanks); err != nil {
			return
		}
	}
}
