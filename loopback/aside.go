package loopback

import (
	"context"
	"io"
	"reflect"
	"strings"
	"sync"
)

// An asideRead is what a goroutine reads from an In whose Read nothing can interrupt: a line, or
// ahead of one.
type asideRead struct {
	done  chan struct{} // closed when the rest is there
	text  string
	cr    bool // the line ended with a carriage return
	ahead bool // no line was read, but only its first byte, or none
	err   error
}

// leftReads has the *asideRead that outlived its Login, by In. The next Login of that In takes it
// over. A second Read beside it would lose a line to it.
var leftReads sync.Map

// isKnown reports whether a later Login can tell that its In is the same.
func isKnown(in io.Reader) bool { return reflect.ValueOf(in).Comparable() }

// readLineAside reads a line in a goroutine, until ctx ends. The goroutine ends with its Read.
func readLineAside(ctx context.Context, in io.Reader, afterCR bool) (text string, cr bool, err error) {
	for begun := ""; ; {
		r := takeOver(in)
		if r == nil {
			r = startAside(in, func(r *asideRead) {
				r.text, r.cr, r.err = line(io.MultiReader(strings.NewReader(begun), in), afterCR)
			})
		}
		if !r.wait(ctx, in) {
			return "", false, ctx.Err()
		}
		if !r.ahead {
			return r.text, r.cr, r.err
		}
		begun = r.text
	}
}

// takeOver returns the asideRead that an earlier Login of in left, or nil.
func takeOver(in io.Reader) *asideRead {
	if !isKnown(in) {
		return nil
	}
	left, _ := leftReads.LoadAndDelete(in)
	r, _ := left.(*asideRead)
	return r
}

// startAside calls read in a goroutine.
func startAside(in io.Reader, read func(*asideRead)) *asideRead {
	r := &asideRead{done: make(chan struct{})}
	go func() {
		read(r)
		close(r.done)
		r.forget(in)
	}()
	return r
}

// wait reports whether the read ended before ctx. If not, the read is left to the next Login of in.
func (r *asideRead) wait(ctx context.Context, in io.Reader) bool {
	select {
	case <-r.done:
		return true
	case <-ctx.Done():
		r.leave(in)
		return false
	}
}

// leave leaves the read to the next Login of in.
func (r *asideRead) leave(in io.Reader) {
	if isKnown(in) {
		leftReads.Store(in, r)
		r.forget(in) // it may have ended just before
	}
}

// forget makes the next Login of in start a Read of its own, if r has failed or has read nothing.
func (r *asideRead) forget(in io.Reader) {
	select {
	case <-r.done:
		if isKnown(in) && (r.err != nil || r.ahead && r.text == "") {
			leftReads.CompareAndDelete(in, r)
		}
	default:
	}
}
