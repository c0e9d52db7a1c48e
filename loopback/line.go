package loopback

import (
	"context"
	"fmt"
	"io"
	"time"
)

// lines reads the lines of an In and no further. A line ends with a line feed, a carriage return,
// or both.
type lines struct {
	in io.Reader
	cr bool // the last line ended with a carriage return, so a line feed that follows belongs to it
}

// next reads to the end of a line, until ctx ends.
func (l *lines) next(ctx context.Context) (text string, err error) {
	if isInterruptible(l.in) {
		text, l.cr, err = readLine(ctx, l.in, l.cr)
	} else {
		text, l.cr, err = readLineAside(ctx, l.in, l.cr)
	}
	return text, err
}

// finish takes the line feed that belongs to the last line, if that is possible without waiting.
func (l *lines) finish() {
	if l.cr {
		takeLineFeed(l.in)
	}
	l.cr = false
}

// readLine reads a line of an In that is interruptible.
func readLine(ctx context.Context, in io.Reader, afterCR bool) (text string, cr bool, err error) {
	d := in.(deadliner)
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(interrupted)
		_ = d.SetReadDeadline(time.Unix(1, 0)) // it worked before
	})
	defer func() {
		if !stop() {
			<-interrupted
			_ = d.SetReadDeadline(time.Time{}) // for the next reader
		}
	}()
	return line(in, afterCR)
}

type deadliner interface{ SetReadDeadline(time.Time) error }

// isInterruptible reports whether a Read of in can be interrupted. It takes away a deadline.
func isInterruptible(in io.Reader) bool {
	d, ok := in.(deadliner)
	return ok && d.SetReadDeadline(time.Time{}) == nil
}

// maxLine bounds a line, in bytes.
const maxLine = 16 << 10

// line reads a line, and reports whether it ended with a carriage return. After one, it skips a
// line feed.
func line(in io.Reader, afterCR bool) (text string, cr bool, err error) {
	var read []byte
	for one := make([]byte, 1); len(read) < maxLine; {
		n, err := in.Read(one)
		if n > 0 {
			switch c := one[0]; {
			case c == '\n' && afterCR:
			case c == '\n' || c == '\r':
				return string(read), c == '\r', nil
			default:
				read = append(read, c)
			}
			afterCR = false
		}
		if err == io.EOF && len(read) > 0 {
			return string(read), false, nil
		}
		if err != nil {
			return "", false, err
		}
	}
	return "", false, fmt.Errorf("the line has more than %d bytes", maxLine)
}
