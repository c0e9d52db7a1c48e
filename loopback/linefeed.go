package loopback

import (
	"context"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/contentstack/csoauth/internal/turn"
)

// moment is how long a line feed may take to come after its carriage return.
const moment = time.Second / 4

// takeLineFeed takes the line feed after a carriage return, if it is there already. In a buffer or
// a file, it looks before it takes. Elsewhere it can only read, so it takes another character if
// that comes within a moment.
func takeLineFeed(in io.Reader) {
	switch in := in.(type) {
	case interface { // bufio
		io.Reader
		Buffered() int
		Peek(n int) ([]byte, error)
	}:
		if in.Buffered() > 0 {
			if next, _ := in.Peek(1); next[0] == '\n' { // cannot fail: it is in the buffer
				_, _ = in.Read(make([]byte, 1))
			}
		}
		return
	case interface { // bytes and strings
		io.ByteScanner
		Len() int
	}:
		if next, err := in.ReadByte(); err == nil && next != '\n' {
			_ = in.UnreadByte() // cannot fail: it was read just now
		}
		return
	case *turn.Reader:
		return // a terminal: it has a carriage return in raw mode only, and no line feed then
	case *os.File:
		info, err := in.Stat()
		if err == nil && info.Mode().IsRegular() {
			takeLineFeedOfFile(in)
			return
		}
		if err == nil && info.Mode()&os.ModeCharDevice != 0 && runtime.GOOS != "windows" {
			return // a terminal: it has a carriage return in raw mode only, and no line feed then
		}
	}
	if isInterruptible(in) {
		d := in.(deadliner)
		_ = d.SetReadDeadline(time.Now().Add(moment)) // it worked before
		_, _ = in.Read(make([]byte, 1))
		_ = d.SetReadDeadline(time.Time{})
		return
	}
	takeLineFeedAside(in)
}

// takeLineFeedOfFile looks at a regular file without moving in it.
func takeLineFeedOfFile(f *os.File) {
	next := make([]byte, 1)
	at, err := f.Seek(0, io.SeekCurrent)
	if n, _ := f.ReadAt(next, at); err == nil && n == 1 && next[0] == '\n' { // an error of ReadAt is the end
		_, _ = f.Seek(at+1, io.SeekStart)
	}
}

// takeLineFeedAside reads a byte in a goroutine, and waits for it a moment. The next Login of in
// gets the byte, if it is no line feed.
func takeLineFeedAside(in io.Reader) {
	ctx, cancel := context.WithTimeout(context.Background(), moment)
	defer cancel()
	r := startAside(in, func(r *asideRead) {
		next := make([]byte, 1)
		n, err := in.Read(next)
		r.ahead, r.err = true, err
		if n > 0 && next[0] != '\n' {
			r.text, r.err = string(next), nil
		}
	})
	if r.wait(ctx, in) {
		r.leave(in)
	}
}
