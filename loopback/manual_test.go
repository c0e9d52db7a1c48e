package loopback_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/loopback"
)

// Law: L5
func TestManual(t *testing.T) {
	cs := csoauthtest.NewServer(t, nil)
	config := cs.Config("http://localhost:8184/callback")
	in, paste := io.Pipe()
	defer paste.Close()
	var out bytes.Buffer
	asked := make(tell, 10)
	go func() {
		callback := callbackOf(t, cs, <-asked)
		for _, line := range []string{
			"what?\n",
			strings.Replace(callback, "localhost", "localhost.example", 1) + "\n",
			config.RedirectURI + "?state=wrong&code=c\n",
			" " + callback + " \r\n",
		} {
			_, err := io.WriteString(paste, line)
			assert.NoError(t, err)
		}
	}()
	token, err := loginWithin(t, t.Context(), config, &loopback.Options{Manual: true, In: in, Out: io.MultiWriter(&out, asked)})
	require.NoError(t, err)
	assert.True(t, token.Valid())
	assert.Regexp(t, `^Open this address in a browser, here or on another machine, to log in to\nContentstack:\n\n  http\S+\n\n`+
		`When you have allowed access, the browser says that it cannot connect to\nhttp://localhost:8184/callback\n`+
		`Copy the whole address that it shows then, and paste it here:\n`, out.String())
	assert.Contains(t, out.String(), "That is not an address at http://localhost:8184/callback")
	assert.Contains(t, out.String(), "of another login")
}

type tell chan string

func (c tell) Write(p []byte) (int, error) {
	select {
	case c <- string(p):
	default:
	}
	return len(p), nil
}

// The line that a user pastes last is the last one that Login reads.
func TestPastedAddressEndsTheLogin(t *testing.T) {
	for name, open := range ins {
		t.Run(name, func(t *testing.T) {
			cs := csoauthtest.NewServer(t, nil)
			config := cs.Config("http://localhost:8184/callback")
			in, paste := open(t)
			out := make(tell, 10)
			go func() {
				_, _ = io.WriteString(paste, strings.Repeat("what?\n", 9)+callbackOf(t, cs, <-out)+"\nmore\n")
			}()
			token, err := loginWithin(t, t.Context(), config, &loopback.Options{Manual: true, In: in, Out: out})
			require.NoError(t, err)
			assert.True(t, token.Valid())
			rest := make([]byte, len("more\n"))
			_, err = io.ReadFull(in, rest)
			require.NoError(t, err)
			assert.Equal(t, "more\n", string(rest))
		})
	}
}

// ins are kinds of In. What closes paste ends a Read of in.
var ins = map[string]func(testing.TB) (in io.ReadCloser, paste io.WriteCloser){
	"a file": func(t testing.TB) (io.ReadCloser, io.WriteCloser) {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		t.Cleanup(func() { w.Close(); r.Close() }) // in this order: Close waits for a Read on Windows
		return r, w
	},
	"a connection": func(t testing.TB) (io.ReadCloser, io.WriteCloser) {
		r, w := net.Pipe()
		t.Cleanup(func() { w.Close(); r.Close() })
		return r, w
	},
	"a reader": func(t testing.TB) (io.ReadCloser, io.WriteCloser) {
		r, w := io.Pipe()
		t.Cleanup(func() { w.Close(); r.Close() })
		return r, w
	},
	"a reader whose deadlines fail": func(t testing.TB) (io.ReadCloser, io.WriteCloser) {
		r, w := io.Pipe()
		t.Cleanup(func() { w.Close(); r.Close() })
		return withoutDeadlines{r}, w
	},
	"a reader without identity": func(t testing.TB) (io.ReadCloser, io.WriteCloser) {
		r, w := io.Pipe()
		t.Cleanup(func() { w.Close(); r.Close() })
		return incomparable{r, nil}, w
	},
}

// withoutDeadlines is like a file on which a Read cannot be interrupted.
type withoutDeadlines struct{ io.ReadCloser }

func (withoutDeadlines) SetReadDeadline(time.Time) error { return os.ErrNoDeadline }

type incomparable struct {
	io.ReadCloser
	_ []byte
}

// callbackOf returns the address that the browser ends up at, for what Login printed.
func callbackOf(t testing.TB, cs *csoauthtest.Server, text string) string {
	_, address, _ := strings.Cut(text, "\n\n  ")
	address, _, _ = strings.Cut(address, "\n")
	return "http://localhost:8184/callback?" + cs.Callback(cs.Browser(), address).Encode()
}

// The next Login gets what its user pastes: no Read that an earlier one left behind takes it away.
func TestManualEndsWithItsContext(t *testing.T) {
	for name, open := range ins {
		if name == "a reader without identity" {
			continue // nobody can know that its next Login is one
		}
		t.Run(name, func(t *testing.T) {
			cs := csoauthtest.NewServer(t, nil)
			config := cs.Config("http://localhost:8184/callback")
			in, paste := open(t)
			for range 2 {
				_, err := loginWithin(t, t.Context(), config, &loopback.Options{Manual: true, In: in, Out: io.Discard, Timeout: 10 * time.Millisecond})
				require.ErrorIs(t, err, loopback.ErrTimeout)
			}
			out := make(tell, 10)
			go func() { _, _ = io.WriteString(paste, callbackOf(t, cs, <-out)+"\n") }()
			token, err := loginWithin(t, t.Context(), config, &loopback.Options{Manual: true, In: in, Out: out})
			require.NoError(t, err)
			assert.True(t, token.Valid())
			assert.Zero(t, loopback.Left())
		})
	}
}

// A program may go on to read an In with deadlines itself: Login leaves no Read and no deadline.
func TestProgramReadsOnAfterTheTimeout(t *testing.T) {
	in, paste := net.Pipe()
	defer in.Close()
	defer paste.Close()
	_, err := loginWithin(t, t.Context(), offline(), &loopback.Options{Manual: true, In: in, Out: io.Discard, Timeout: 10 * time.Millisecond})
	require.ErrorIs(t, err, loopback.ErrTimeout)
	go func() { _, _ = io.WriteString(paste, "next\n") }()
	next := make([]byte, len("next\n"))
	_, err = io.ReadFull(in, next)
	require.NoError(t, err)
	assert.Equal(t, "next\n", string(next))
}

// An error ends the Login that it meets, and is no memory of an In that has ended.
func TestReadThatFailsAfterItsLoginIsForgotten(t *testing.T) {
	for name, open := range ins {
		t.Run(name, func(t *testing.T) {
			in, paste := open(t)
			_, err := loginWithin(t, t.Context(), offline(), &loopback.Options{Manual: true, In: in, Out: io.Discard, Timeout: 10 * time.Millisecond})
			require.ErrorIs(t, err, loopback.ErrTimeout)
			require.NoError(t, paste.Close())
			require.Eventually(t, func() bool { return loopback.Left() == 0 }, time.Minute, time.Millisecond)
			_, err = loginWithin(t, t.Context(), offline(), &loopback.Options{Manual: true, In: in, Out: io.Discard})
			require.ErrorIs(t, err, io.EOF)
			require.ErrorContains(t, err, "no address was pasted")
		})
	}
}

func TestManualWithoutAnAddress(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		in   io.Reader
		is   error
		says string
	}{
		"ten wrong lines":  {strings.NewReader(strings.Repeat("x\n", 10)), nil, "none of 10 lines"},
		"nine wrong lines": {strings.NewReader(strings.Repeat("x\n", 9)), io.EOF, "no address was pasted"},
		"nothing":          {strings.NewReader(""), io.EOF, "no address was pasted"},
		"broken":           {iotest.ErrReader(broken), broken, "no address was pasted"},
		"broken in a line": {io.MultiReader(strings.NewReader("x"), iotest.ErrReader(broken)), broken, "no address was pasted"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := loginWithin(t, t.Context(), offline(), &loopback.Options{Manual: true, In: test.in, Out: io.Discard})
			require.ErrorContains(t, err, test.says)
			if test.is != nil {
				require.ErrorIs(t, err, test.is)
			}
		})
	}
}

// Only the route with a hash may end at the stacks.
func TestManualHintsAtOnceByRoute(t *testing.T) {
	for route, hints := range map[csoauth.AuthorizeRoute]int{csoauth.RouteHash: 1, csoauth.RoutePath: 0} {
		config := offline()
		config.AuthorizeRoute = route
		var out buffer
		_, err := loginWithin(t, t.Context(), config, &loopback.Options{Manual: true, In: strings.NewReader(""), Out: &out})
		require.ErrorIs(t, err, io.EOF)
		assert.Equal(t, hints, strings.Count(out.String(), "If you see your stacks"), route)
	}
}

func TestManualReadsStandardInput(t *testing.T) {
	cs := csoauthtest.NewServer(t, nil)
	in, paste := ins["a file"](t)
	stdin := os.Stdin
	defer func() { os.Stdin = stdin }()
	os.Stdin = in.(*os.File)
	out := make(tell, 10)
	go func() { _, _ = io.WriteString(paste, callbackOf(t, cs, <-out)+"\nmore\n") }()
	_, err := loginWithin(t, t.Context(), cs.Config("http://localhost:8184/callback"), &loopback.Options{Manual: true, Out: out})
	require.NoError(t, err)
	more := make([]byte, len("more\n"))
	_, err = io.ReadFull(in, more)
	require.NoError(t, err, "it stays open, and nothing of it is lost")
}
