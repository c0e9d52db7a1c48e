package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
)

// A body is that of a request.
type body struct {
	path  string // of a file that can be opened again; empty: it cannot
	size  int64  // -1: not known
	whole []byte // a small one, from standard input
	rest  io.Reader
}

// maxKept is how much of standard input is kept, to be sent again if need be. A longer one is sent
// as it comes, once.
const maxKept = 1 << 20

func bodyOf(stdin io.Reader) (*body, error) {
	start, err := io.ReadAll(io.LimitReader(stdin, maxKept+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the body cannot be read: %w", err)
	case len(start) > maxKept:
		return &body{size: -1, rest: io.MultiReader(bytes.NewReader(start), stdin)}, nil
	}
	return &body{size: int64(len(start)), whole: start}, nil
}

func openBody(name string) (*body, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s is a directory", name)
	case !info.Mode().IsRegular() || info.Size() == 0: // a pipe, or a file whose size nobody knows, as in /proc
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		return bodyOf(f)
	}
	path, err := filepath.Abs(name)
	return &body{path: path, size: info.Size()}, err
}

// attach makes b the body of a request, which can be sent again if b can be had again whole.
func (b *body) attach(req *http.Request) error {
	switch {
	case b.rest != nil:
		req.Body, req.ContentLength = io.NopCloser(b.rest), b.size
		return nil
	case b.size == 0:
		req.Body = http.NoBody
		return nil
	case b.path == "":
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.whole)), nil }
	default:
		req.GetBody = b.open
	}
	var err error
	req.Body, err = req.GetBody()
	req.ContentLength = b.size
	return err
}

// open opens the file anew, unless its size has changed.
func (b *body) open() (io.ReadCloser, error) {
	f, err := os.Open(b.path)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || info.Size() != b.size {
		return nil, errors.Join(err, f.Close(), fmt.Errorf("%s has changed meanwhile", b.path))
	}
	return f, nil
}
