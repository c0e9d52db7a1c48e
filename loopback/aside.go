package loopback

import (
	"context"
	"io"
	"reflect"
	"sync"
)

// An asideRead is the line that a goroutine reads from an In whose Read nothing can interrupt.
type asideRead struct {
	done chan struct{} // closed when the rest is there
	text string
	err  error
}

// leftReads has the *asideRead that outlived its Login, by In. The next Login of that In takes it
// over: if it read beside it, the next line would be lost to the first.
var leftReads sync.Map

// readLineAside reads a line in a goroutine, until ctx ends. The goroutine ends with its Read.
func readLineAside(ctx context.Context, in io.Reader) (string, error) {
	known := reflect.ValueOf(in).Comparable() // otherwise no Login can tell that its In is the same
	var r *asideRead
	if known {
		left, _ := leftReads.LoadAndDelete(in)
		r, _ = left.(*asideRead)
	}
	if r == nil {
		r = &asideRead{done: make(chan struct{})}
		go func() {
			r.text, r.err = line(in)
			close(r.done)
			if known {
				r.forgetFailure(in)
			}
		}()
	}
	select {
	case <-r.done:
		return r.text, r.err
	case <-ctx.Done():
		if known {
			leftReads.Store(in, r)
			r.forgetFailure(in) // it may have failed just before
		}
		return "", ctx.Err()
	}
}

// forgetFailure lets the next Login of in read anew, if r has failed.
func (r *asideRead) forgetFailure(in io.Reader) {
	select {
	case <-r.done:
		if r.err != nil {
			leftReads.CompareAndDelete(in, r)
		}
	default:
	}
}
