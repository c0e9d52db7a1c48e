package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/contentstack/csoauth/internal/emulator"
)

// An observer tells the requests that an emulator decided, and keeps its state after each that may
// have changed it.
type observer struct {
	*teller
	quiet    bool
	state    stateFile
	emulator *emulator.Emulator

	mu     sync.Mutex
	broken bool // the state could not be kept, and that was told
}

func (o *observer) request(r emulator.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.quiet {
		o.sent(r.Method+" "+shortPath(r.Path), shownOf(r.Params))
		o.received(r.Status, r.Decision, shownOf(r.Answer))
		for _, id := range r.Findings {
			o.wrapped(red, "   finding:", id)
		}
	}
	err := o.state.save(o.emulator)
	if err != nil && !o.broken {
		o.surprise(err)
	}
	o.broken = err != nil
}

// A stateFile keeps an emulator's state; the empty one keeps nothing.
type stateFile string

// load reads the state, if there is one yet.
func (f stateFile) load(e *emulator.Emulator) error {
	if f == "" {
		return nil
	}
	data, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return e.Load(bytes.NewReader(data))
}

// save replaces the file at once, so that a crash leaves the old state or the new one.
func (f stateFile) save(e *emulator.Emulator) error {
	if f == "" {
		return nil
	}
	temporary, err := os.CreateTemp(filepath.Dir(string(f)), ".csoauth-state-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // gone already if all went well
	if err := errors.Join(e.Save(temporary), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), string(f))
}
