package emulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// A Fault spoils one token request. The zero Fault spoils nothing.
type Fault struct {
	Delay Duration `json:"delay"` // waited before anything else

	// Status is the status of a response, with Header and Body, that replaces the processing.
	Status int         `json:"status"`
	Header http.Header `json:"header"`
	Body   string      `json:"body"`
	// RedirectTo is where a 307 response leads. It replaces the processing.
	RedirectTo string `json:"redirect_to"`

	// Cut closes the connection at this point.
	Cut Cut `json:"cut"`
	// CutAt is how many bytes of the response's body CutInside sends before it cuts the connection.
	CutAt int `json:"cut_at"`
	// Slow pauses before every byte of the response's body.
	Slow Duration `json:"slow"`
	// Endless sends spaces after the response's body until the client disconnects.
	Endless bool `json:"endless"`
}

// Cut is where a connection breaks. In JSON it is "before", "after" or "inside".
type Cut int

const (
	CutNot    Cut = iota
	CutBefore     // the request is not processed
	CutAfter      // the request is processed, and no byte of the response is sent
	CutInside     // the request is processed, and the response ends after CutAt bytes
)

var cuts = []string{"", "before", "after", "inside"}

// UnmarshalText reads a cut by its name.
func (c *Cut) UnmarshalText(text []byte) error {
	i := slices.Index(cuts, string(text))
	if i < 0 {
		return fmt.Errorf("cut %.20q: want before, after or inside", text)
	}
	*c = Cut(i)
	return nil
}

// serveFaults spoils the next token requests for a test in any language: the body is a JSON array
// of faults.
func (e *Emulator) serveFaults(w http.ResponseWriter, r *http.Request) {
	var faults []Fault
	decoder := json.NewDecoder(io.LimitReader(r.Body, maxForm))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&faults); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": "want a JSON array of faults: " + err.Error()})
		return
	}
	for i, f := range faults {
		if f.Status != 0 && (f.Status < 100 || f.Status > 999) {
			writeJSON(w, http.StatusBadRequest, map[string]any{"error": fmt.Sprintf("fault %d: status %d is none", i+1, f.Status)})
			return
		}
	}
	e.FailNext(faults...)
	writeJSON(w, http.StatusOK, map[string]any{"faults": len(faults)})
}

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

// spoils tells whether f keeps a client from the response to a request that was processed, or may
// make it leave before.
func (f Fault) spoils() bool {
	return f.Delay > 0 || f.Cut != CutNot || f.Slow > 0 || f.Endless
}

// before does what happens instead of processing the request; it returns whether to process it.
func (f Fault) before(w http.ResponseWriter, r *http.Request, entry *entry) bool {
	if f.Delay > 0 {
		select {
		case <-time.After(time.Duration(f.Delay)):
		case <-r.Context().Done(): // nobody waits any more, and a real server would not notice
		}
	}
	switch {
	case f.Cut == CutBefore:
		entry.end(0, "fault: not processed, connection cut")
		panic(http.ErrAbortHandler) // closes the connection without a response
	case f.RedirectTo != "":
		entry.end(http.StatusTemporaryRedirect, "fault: not processed, redirected elsewhere")
		http.Redirect(w, r, f.RedirectTo, http.StatusTemporaryRedirect)
		return false
	case f.Status != 0:
		entry.end(f.Status, "fault: not processed, status "+strconv.Itoa(f.Status))
		maps.Copy(w.Header(), f.Header)
		w.WriteHeader(f.Status)
		f.send(w, r, []byte(f.Body))
		return false
	}
	return true
}

// write sends a response of the token endpoint, with the faults of f.
func (f Fault) write(w http.ResponseWriter, r *http.Request, entry *entry, status int, contentType string, body []byte) {
	if f.Cut == CutAfter {
		entry.unanswered()
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", contentType)
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
			case <-time.After(time.Duration(f.Slow)):
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
