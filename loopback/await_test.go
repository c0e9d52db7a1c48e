package loopback_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/loopback"
)

func newAttempt(t testing.TB, change func(*csoauth.Config, *loopback.Options)) *loopback.Attempt {
	t.Helper()
	config := &csoauth.Config{AppUID: "app", ClientID: "client", RedirectURI: "http://localhost:8184/callback"}
	var o loopback.Options
	if change != nil {
		change(config, &o)
	}
	a, err := loopback.NewAttempt(config, &o)
	require.NoError(t, err)
	return a
}

// screen is what is seen of text in which lines were written over.
func screen(text string) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		shown := ""
		for part := range strings.SplitSeq(line, "\r") {
			shown = part + shown[min(len(part), len(shown)):]
		}
		lines = append(lines, strings.TrimRight(shown, " "))
	}
	return strings.Join(lines, "\n")
}

// A buffer can be read while it is written.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func TestTerminalShowsHowLongIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out buffer
		a := newAttempt(t, nil)
		done := make(chan error, 1)
		go func() { done <- a.Await(t.Context(), &out, false, func() error { return nil }) }()

		time.Sleep(29500 * time.Millisecond)
		synctest.Wait()
		assert.True(t, strings.HasSuffix(screen(out.String()), "\nWaiting for the browser. 4:31 left."), screen(out.String()))
		assert.NotContains(t, out.String(), "stacks")

		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.Contains(t, screen(out.String()), "\nIf you see your stacks instead of a page that asks for your consent, open the\naddress again: ")
		assert.True(t, strings.HasSuffix(screen(out.String()), "\nWaiting for the browser. 4:29 left."), screen(out.String()))

		require.ErrorIs(t, <-done, loopback.ErrTimeout)
		assert.Equal(t, 1, strings.Count(screen(out.String()), "stacks"))
		assert.NotContains(t, screen(out.String()), "Waiting")
		for line := range strings.SplitSeq(screen(out.String()), "\n") {
			assert.LessOrEqual(t, len(line), 80)
		}
	})
}

// With the other route nobody ends up there.
func TestNoHintWithRoutePath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out buffer
		a := newAttempt(t, func(c *csoauth.Config, _ *loopback.Options) { c.AuthorizeRoute = csoauth.RoutePath })
		require.ErrorIs(t, a.Await(t.Context(), &out, false, func() error { return nil }), loopback.ErrTimeout)
		assert.NotContains(t, out.String(), "stacks")
	})
}

func TestBrowserThatFailsLaterIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out buffer
		told := false
		failed := func() error {
			if told {
				return nil
			}
			told = true
			return errors.New("xdg-open ended with code 3")
		}
		a := newAttempt(t, func(_ *csoauth.Config, o *loopback.Options) { o.Timeout = 5 * time.Second })
		require.ErrorIs(t, a.Await(t.Context(), &out, true, failed), loopback.ErrTimeout)
		assert.Contains(t, screen(out.String()), "No browser opened (xdg-open ended with code 3). Open the address yourself.\n")
		assert.Contains(t, out.String(), "\x1b[1mhttps://app.example/#!/apps/a/authorize\x1b[0m")
	})
}
