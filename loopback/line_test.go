package loopback_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/loopback"
)

func TestLineIsReadToItsEndAndNoFurther(t *testing.T) {
	for text, want := range map[string][]string{
		"one\n\n2":          {"one", "", "2"},
		"one\r\r2":          {"one", "", "2"},
		"one\r\n\r\n2":      {"one", "", "2"},
		"one\r\n\n2":        {"one", "", "2"},
		"one\n\r2":          {"one", "", "2"},
		"\rone\r\n2\r":      {"", "one", "2"},
		"one\r\n2\r\n":      {"one", "2"},
		"one\r\n \r\n\t2\n": {"one", " ", "\t2"},
	} {
		for name, in := range map[string]io.Reader{
			"plain": struct{ io.Reader }{strings.NewReader(text)}, "with its end": iotest.DataErrReader(strings.NewReader(text)),
		} {
			lines := loopback.LinesOf(in)
			for _, want := range want {
				got, err := lines.Next(t.Context())
				require.NoError(t, err)
				assert.Equal(t, want, got, "%q, %s", text, name)
			}
			_, err := lines.Next(t.Context())
			require.ErrorIs(t, err, io.EOF, "%q, %s", text, name)
		}
	}
	const most = 16 << 10
	longest := strings.Repeat("a", most-1)
	for _, end := range []string{"\n", "\r", "\r\n"} {
		lines := loopback.LinesOf(strings.NewReader("\r" + "\n" + longest + end))
		first, err := lines.Next(t.Context())
		require.NoError(t, err)
		assert.Empty(t, first)
		got, err := lines.Next(t.Context())
		require.NoError(t, err)
		assert.Equal(t, longest, got)
		_, err = loopback.LinesOf(strings.NewReader(longest + "a" + end)).Next(t.Context())
		require.ErrorContains(t, err, "more than")
	}
}

// In raw mode, Enter is a carriage return alone, and nothing may wait for more.
func TestCarriageReturnEndsALine(t *testing.T) {
	for name, open := range ins {
		t.Run(name, func(t *testing.T) {
			cs := csoauthtest.NewServer(t, nil)
			in, paste := open(t)
			for range 2 {
				out := make(tell, 10)
				go func() { _, _ = io.WriteString(paste, "what?\r"+callbackOf(t, cs, <-out)+"\r") }()
				token, err := loginWithin(t, t.Context(), cs.Config("http://localhost:8184/callback"), &loopback.Options{Manual: true, In: in, Out: out})
				require.NoError(t, err)
				assert.True(t, token.Valid())
				if name == "a reader without identity" {
					return // nobody can know that its next Login is one
				}
			}
			require.NoError(t, paste.Close())
			require.Eventually(t, func() bool { return loopback.Left() == 0 }, time.Minute, time.Millisecond)
		})
	}
}

// A carriage return and a line feed are one end of a line.
func TestLineFeedAfterACarriageReturnIsTaken(t *testing.T) {
	file := func(t *testing.T, text string) io.Reader {
		path := filepath.Join(t.TempDir(), "in")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		f, err := os.Open(path)
		require.NoError(t, err)
		t.Cleanup(func() { f.Close() })
		return f
	}
	pipe := func(t *testing.T, text string) io.Reader {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		t.Cleanup(func() { r.Close() })
		_, err = io.WriteString(w, text)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return r
	}
	connection := func(t *testing.T, text string) io.Reader {
		r, w := net.Pipe()
		go func() {
			_, _ = io.WriteString(w, text)
			w.Close()
		}()
		t.Cleanup(func() { r.Close() })
		return r
	}
	for name, test := range map[string]struct {
		open  func(t *testing.T, text string) io.Reader
		looks bool // before it takes
	}{
		"strings.Reader": {func(_ *testing.T, text string) io.Reader { return strings.NewReader(text) }, true},
		"bytes.Reader":   {func(_ *testing.T, text string) io.Reader { return bytes.NewReader([]byte(text)) }, true},
		"bytes.Buffer":   {func(_ *testing.T, text string) io.Reader { return bytes.NewBufferString(text) }, true},
		"bufio.Reader":   {func(_ *testing.T, text string) io.Reader { return bufio.NewReader(strings.NewReader(text)) }, true},
		"file":           {file, true},
		"pipe":           {pipe, false},
		"connection":     {connection, false},
		"other Reader":   {func(_ *testing.T, text string) io.Reader { return &other{strings.NewReader(text)} }, false},
		"incomparable": {func(_ *testing.T, text string) io.Reader {
			return incomparable{io.NopCloser(strings.NewReader(text)), nil}
		}, false},
	} {
		for text, rest := range map[string]string{
			"one\r\nmore": "more", "one\r\n\nmore": "\nmore", "one\nmore": "more", "one\n\nmore": "\nmore", "one\r\n": "", "one\r": "", "one": "",
			"one\rmore": "more", "one\r\rmore": "\rmore",
		} {
			if !test.looks && !strings.HasPrefix(text, "one\r\n") && strings.HasSuffix(text, "\rmore") {
				continue
			}
			t.Run(name, func(t *testing.T) {
				in := test.open(t, text)
				lines := loopback.LinesOf(in)
				first, err := lines.Next(t.Context())
				require.NoError(t, err)
				assert.Equal(t, "one", first)
				lines.Finish()
				lines.Finish() // takes no second one
				left, err := io.ReadAll(in)
				require.NoError(t, err)
				assert.Equal(t, rest, string(left), "%q", text)
				assert.Zero(t, loopback.Left())
			})
		}
	}
}

// A buffer may be over a connection on which nothing comes for a long time.
func TestLineFeedInABufferIsTakenWithoutARead(t *testing.T) {
	from := &counted{Reader: strings.NewReader("one\r\n")}
	in := bufio.NewReader(from)
	lines := loopback.LinesOf(in)
	_, err := lines.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, in.Buffered(), "the line feed")
	lines.Finish()
	assert.Zero(t, in.Buffered())
	assert.Equal(t, 1, from.reads, "the line was one")
}

// A counted Reader counts the calls of its Read.
type counted struct {
	io.Reader
	reads int
}

func (c *counted) Read(p []byte) (int, error) {
	c.reads++
	return c.Reader.Read(p)
}

// A program that reads In after the Login finds no deadline and loses nothing.
func TestProgramReadsOnAfterACarriageReturn(t *testing.T) {
	in, paste := net.Pipe()
	defer in.Close()
	defer paste.Close()
	go func() { _, _ = io.WriteString(paste, "one\r") }()
	lines := loopback.LinesOf(in)
	_, err := lines.Next(t.Context())
	require.NoError(t, err)
	lines.Finish()
	go func() { _, _ = io.WriteString(paste, "next\n") }()
	next := make([]byte, len("next\n"))
	_, err = io.ReadFull(in, next)
	require.NoError(t, err)
	assert.Equal(t, "next\n", string(next))
}

// An other is a Reader of which only its Read is known.
type other struct{ io.Reader }

// What was read ahead belongs to the next Login, whether it came soon or late.
func TestByteThatWasReadAheadIsNotLost(t *testing.T) {
	for _, end := range []string{"\r", "\n", "\r\n"} {
		in := &other{strings.NewReader("one\rtwo" + end)}
		for _, want := range []string{"one", "two"} {
			lines := loopback.LinesOf(in)
			got, err := lines.Next(t.Context())
			require.NoError(t, err)
			assert.Equal(t, want, got)
			lines.Finish()
		}
		assert.Zero(t, loopback.Left())
	}
	for _, late := range []string{"two\n", "\ntwo\n"} {
		r, w := io.Pipe()
		defer w.Close()
		go func() { _, _ = io.WriteString(w, "one\r") }()
		lines := loopback.LinesOf(r)
		_, err := lines.Next(t.Context())
		require.NoError(t, err)
		lines.Finish()
		assert.Equal(t, 1, loopback.Left(), "the Read goes on")
		go func() { _, _ = io.WriteString(w, late) }()
		two, err := loopback.LinesOf(r).Next(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "two", two)
		assert.Zero(t, loopback.Left())
	}
}

func TestLineFeedIsTakenWhenLoginEnds(t *testing.T) {
	cs := csoauthtest.NewServer(t, nil)
	out := make(tell, 10)
	config := cs.Config("http://localhost:8184/callback")
	lazy := &later{text: func() string { return "what?\r\n" + callbackOf(t, cs, <-out) + "\r\nmore" }}
	_, err := loginWithin(t, t.Context(), config, &loopback.Options{Manual: true, In: lazy, Out: out})
	require.NoError(t, err)
	rest, err := io.ReadAll(lazy)
	require.NoError(t, err)
	assert.Equal(t, "more", string(rest))
}

// A Login that ends while a Read waits leaves In alone.
func TestReadThatWaitsIsNotDisturbed(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	lines := loopback.LinesOf(r)
	go func() { _, _ = io.WriteString(w, "one\r") }()
	_, err := lines.Next(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = lines.Next(ctx)
	require.ErrorIs(t, err, context.Canceled)
	lines.Finish()
	go func() { _, _ = io.WriteString(w, "\ntwo\n") }()
	two, err := loopback.LinesOf(r).Next(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "two", two, "the line feed belongs to the line before")
	assert.Zero(t, loopback.Left())
}
