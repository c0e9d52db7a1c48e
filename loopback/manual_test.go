package loopback_test

import (
	"bytes"
	"io"
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

func TestManual(t *testing.T) {
	cs := csoauthtest.NewServer(t, nil)
	config := cs.Config("http://localhost:8184/callback")
	in, paste := io.Pipe()
	defer paste.Close()
	var out bytes.Buffer
	asked := make(chan string, 10)
	go func() {
		text := <-asked
		_, address, _ := strings.Cut(text, "\n\n  ")
		address, _, _ = strings.Cut(address, "\n")
		callback := config.RedirectURI + "?" + cs.Callback(cs.Browser(), address).Encode()
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
	token, err := loopback.Login(t.Context(), config, &loopback.Options{Manual: true, In: in, Out: io.MultiWriter(&out, tell(asked))})
	require.NoError(t, err)
	assert.True(t, token.Valid())
	assert.Contains(t, out.String(), "That is not an address at http://localhost:8184/callback")
	assert.Contains(t, out.String(), "of another login")
}

type tell chan<- string

func (c tell) Write(p []byte) (int, error) {
	select {
	case c <- string(p):
	default:
	}
	return len(p), nil
}

func TestManualEndsWithItsContext(t *testing.T) {
	config := &csoauth.Config{AppUID: "app", ClientID: "client", RedirectURI: "http://localhost:8184/callback"}
	for name, in := range map[string]func() (io.Reader, func()){
		"a file": func() (io.Reader, func()) {
			r, w, err := os.Pipe()
			require.NoError(t, err)
			return r, func() { r.Close(); w.Close() }
		},
		"a reader": func() (io.Reader, func()) { r, w := io.Pipe(); return r, func() { w.Close() } },
	} {
		t.Run(name, func(t *testing.T) {
			reader, end := in()
			defer end()
			_, err := loopback.Login(t.Context(), config, &loopback.Options{Manual: true, In: reader, Out: io.Discard, Timeout: 10 * time.Millisecond})
			require.ErrorIs(t, err, loopback.ErrTimeout)
			if file, ok := reader.(*os.File); ok {
				require.NoError(t, file.SetReadDeadline(time.Now().Add(time.Millisecond)))
				_, err := file.Read(make([]byte, 1))
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			}
		})
	}
	_, err := loopback.Login(t.Context(), config, &loopback.Options{Manual: true, In: strings.NewReader(strings.Repeat("x\n", 1000)), Out: io.Discard})
	require.ErrorContains(t, err, "none of 10 lines")
	_, err = loopback.Login(t.Context(), config, &loopback.Options{Manual: true, In: strings.NewReader("x\n"), Out: io.Discard})
	require.ErrorIs(t, err, io.EOF)
	require.ErrorContains(t, err, "no address was pasted")
}

// What terminals, chats and browsers make of an address.
func TestPastedAddress(t *testing.T) {
	for name, wrap := range map[string]func(string) string{
		"as it is":        func(s string) string { return s },
		"quoted":          func(s string) string { return `"` + s + `"` },
		"in angles":       func(s string) string { return "<" + s + ">" },
		"bracketed paste": func(s string) string { return "\x1b[200~" + s + "\x1b[201~" },
		"https":           func(s string) string { return strings.Replace(s, "http:", "https:", 1) },
		"no scheme":       func(s string) string { return strings.TrimPrefix(s, "http://") },
		"shell escapes":   func(s string) string { return strings.NewReplacer("?", `\?`, "&", `\&`).Replace(s) },
	} {
		a := newAttempt(t, nil)
		callback, problem := a.Pasted(wrap("http://localhost:8184/callback?code=c&state=" + a.State()))
		assert.Empty(t, problem, name)
		assert.Equal(t, "c", callback.Get("code"), name)
	}
	a := newAttempt(t, nil)
	for _, line := range []string{"", "%", "code=c&state=" + a.State(), "ftp://localhost:8184/callback?state=" + a.State(), "http://localhost:8185/callback?state=" + a.State()} {
		_, problem := a.Pasted(line)
		assert.Contains(t, problem, "not an address at", line)
	}
}

func TestLineIsReadToItsEndAndNoFurther(t *testing.T) {
	in := iotest.DataErrReader(strings.NewReader("one\ntwo"))
	for _, want := range []string{"one", "two"} {
		got, err := loopback.ReadLine(t.Context(), in)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	_, err := loopback.ReadLine(t.Context(), strings.NewReader(strings.Repeat("a", 1<<20)))
	require.ErrorContains(t, err, "more than")
}
