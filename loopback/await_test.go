package loopback_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
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
	return newAttemptOf(t, context.Background(), change)
}

func newAttemptOf(t testing.TB, ctx context.Context, change func(*csoauth.Config, *loopback.Options)) *loopback.Attempt {
	t.Helper()
	config := offline()
	var o loopback.Options
	if change != nil {
		change(config, &o)
	}
	a, err := loopback.NewAttempt(ctx, config, &o)
	require.NoError(t, err)
	return a
}

// offline is a Config of which no request leaves the process.
func offline() *csoauth.Config {
	return &csoauth.Config{
		AppUID: "app", ClientID: "client", RedirectURI: "http://localhost:8184/callback",
		HTTPClient: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") })},
	}
}

func noFailure() error { return nil }

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
		go func() { done <- a.Await(t.Context(), &out, true, false, false, noFailure) }()

		time.Sleep(29500 * time.Millisecond)
		synctest.Wait()
		assert.True(t, strings.HasSuffix(screen(out.String()), "/authorize\n\nWaiting for the browser. 4:31 left."), screen(out.String()))
		assert.NotContains(t, out.String(), "stacks")
		assert.True(t, strings.HasSuffix(out.String(), " left."), "the cursor stays behind the line")

		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.Contains(t, screen(out.String()), "\nIf you see your stacks instead of a page that asks for your consent, open the\naddress again: ")
		assert.True(t, strings.HasSuffix(screen(out.String()), "\nWaiting for the browser. 4:29 left."), screen(out.String()))

		time.Sleep(3*time.Minute + 30*time.Second)
		synctest.Wait()
		assert.True(t, strings.HasSuffix(screen(out.String()), "\nWaiting for the browser. 0:59 left."), screen(out.String()))

		require.ErrorIs(t, <-done, loopback.ErrTimeout)
		assert.Equal(t, 1, strings.Count(screen(out.String()), "stacks"))
		assert.NotContains(t, screen(out.String()), "Waiting")
		assert.True(t, strings.HasSuffix(screen(out.String()), "\n"), "the last line is blank again")
		for line := range strings.SplitSeq(screen(out.String()), "\n") {
			assert.LessOrEqual(t, len(line), 80)
		}
	})
}

// Where the user may type, no line is written over.
func TestTerminalWithAUserWhoTypes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out buffer
		require.ErrorIs(t, newAttempt(t, nil).Await(t.Context(), &out, true, false, true, noFailure), loopback.ErrTimeout)
		assert.Equal(t, 1, strings.Count(out.String(), "Waiting for the browser, until "+time.Now().Format(time.TimeOnly)+".\n"), out.String())
		assert.NotContains(t, out.String(), "left")
		assert.NotContains(t, out.String(), "\r")
	})
}

// With the other route nobody ends up there.
func TestNoHintWithRoutePath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out buffer
		a := newAttempt(t, func(c *csoauth.Config, _ *loopback.Options) { c.AuthorizeRoute = csoauth.RoutePath })
		require.ErrorIs(t, a.Await(t.Context(), &out, true, false, false, noFailure), loopback.ErrTimeout)
		assert.NotContains(t, out.String(), "stacks")
	})
}

func TestBrowserThatFailsLaterIsTold(t *testing.T) {
	for name, test := range map[string]struct {
		after time.Duration
		told  int
	}{
		"at once":           {0, 1},
		"before the hint":   {hintAfter - time.Second, 1},
		"when the user has": {hintAfter + time.Second, 0}, // closed a browser that did open
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out buffer
				begin, told := time.Now(), false
				failed := func() error {
					if told || time.Since(begin) < test.after {
						return nil
					}
					told = true
					return errors.New("xdg-open ended with code 3")
				}
				a := newAttempt(t, func(_ *csoauth.Config, o *loopback.Options) { o.Timeout = time.Minute })
				require.ErrorIs(t, a.Await(t.Context(), &out, true, true, false, failed), loopback.ErrTimeout)
				said := strings.Count(screen(out.String()), "No browser opened (xdg-open ended with code 3). Open the address yourself.\n")
				assert.Equal(t, test.told, said)
				assert.Contains(t, out.String(), "\x1b[1mhttps://app.example/#!/apps/a/authorize\x1b[0m", "bold")
				assert.Contains(t, out.String(), "\x1b[2mWaiting for the browser. 1:00 left.\x1b[0m", "dim")
			})
		})
	}
}

// hintAfter is when a browser that still runs did open.
const hintAfter = 30 * time.Second

func TestFileIsToldOnceThatLoginWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out buffer
		a := newAttempt(t, func(_ *csoauth.Config, o *loopback.Options) { o.Timeout = 10 * time.Second })
		require.ErrorIs(t, a.Await(t.Context(), &out, false, false, false, noFailure), loopback.ErrTimeout)
		assert.True(t, strings.HasSuffix(out.String(), "\nWaiting for the browser.\n"), out.String())
		assert.Equal(t, 1, strings.Count(out.String(), "Waiting"))
		assert.NotContains(t, out.String(), "\r")
	})
}

// A browser that comes back too late is told so.
func TestPageAfterTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAttempt(t, func(_ *csoauth.Config, o *loopback.Options) { o.Program = "tool" })
		require.ErrorIs(t, a.Await(t.Context(), io.Discard, true, false, false, noFailure), loopback.ErrTimeout)
		assert.Equal(t, http.StatusSeeOther, ask(a, "GET", "http://localhost:8184/callback?code=c&state="+a.State(), nil).Code)
		w := ask(a, "GET", "http://localhost:8184/callback", nil)
		assert.Equal(t, http.StatusBadRequest, w.Code)
		assert.Contains(t, w.Body.String(), "The login took too long")
		assert.Contains(t, w.Body.String(), "again in tool.")
		assert.Contains(t, w.Body.String(), "close this page")
	})
}

// The address was the last line that Login asked for. What is typed while the code is exchanged is
// for the program.
func TestNoLineIsTakenAfterTheAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAttempt(t, func(c *csoauth.Config, _ *loopback.Options) {
			c.HTTPClient.Transport = roundTrip(func(*http.Request) (*http.Response, error) {
				time.Sleep(10 * time.Second)
				return nil, errors.New("no route")
			})
		})
		var out buffer
		pasted, done := loopback.NewPastes(), make(chan error, 1)
		go func() { done <- a.AwaitPasted(t.Context(), &out, pasted) }()
		for _, line := range []string{"rubbish", ""} {
			pasted.Lines() <- line
			<-pasted.More()
		}
		pasted.Lines() <- "http://localhost:8184/callback?code=c&state=" + a.State()
		select {
		case <-pasted.More():
			assert.Fail(t, "a line was asked for after the address")
		case <-time.After(5 * time.Second):
		}
		require.ErrorContains(t, <-done, "no route")
		assert.Equal(t, 1, strings.Count(out.String(), "That is not an address"), out.String())
	})
}

// The user was in time, and Contentstack keeps a code for a minute.
func TestTimeoutDoesNotCutOffAnExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAttempt(t, func(c *csoauth.Config, o *loopback.Options) {
			o.Timeout = 10 * time.Second
			c.HTTPClient.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			})
		})
		begin := time.Now()
		ask(a, "GET", "http://localhost:8184/callback?code=c&state="+a.State(), nil)
		_, err := a.Decided()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 45*time.Second, time.Since(begin))
	})
}

func TestExchangeThatHasBegunDecides(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	a := newAttempt(t, func(c *csoauth.Config, _ *loopback.Options) {
		c.HTTPClient.Transport = roundTrip(func(*http.Request) (*http.Response, error) {
			close(asked)
			<-answer
			return nil, errors.New("not today")
		})
	})
	go ask(a, "GET", "http://localhost:8184/callback?code=c&state="+a.State(), nil)
	<-asked
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	over := make(chan error, 1)
	go func() { over <- a.Await(ctx, io.Discard, true, false, false, noFailure) }()
	close(answer)
	require.ErrorContains(t, <-over, "not today")
}

func TestLoginWaitsForThePage(t *testing.T) {
	for name, test := range map[string]struct {
		back, paged, hurry bool
		want               time.Duration
	}{
		"nobody came back":       {false, false, false, 0},
		"page not fetched":       {true, false, false, 5 * time.Second},
		"caller is in a hurry":   {true, false, true, time.Second},
		"page was fetched twice": {true, true, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				a := newAttemptOf(t, ctx, nil)
				if test.back {
					ask(a, "GET", "http://localhost:8184/callback?code=c&state="+a.State(), nil)
				}
				if test.paged {
					ask(a, "GET", "http://localhost:8184/callback", nil)
					ask(a, "GET", "http://localhost:8184/callback", nil)
				}
				if test.hurry {
					cancel()
				}
				begin := time.Now()
				a.Linger()
				assert.Equal(t, test.want, time.Since(begin))
			})
		})
	}
}

// An attempt lives as long as the user has, and the exchange after that.
func TestLifetimeOfAnAttempt(t *testing.T) {
	for name, test := range map[string]struct {
		timeout, lifetime, want time.Duration
	}{
		"by default":        {0, 0, 10 * time.Minute},
		"a short Timeout":   {time.Minute, 0, 10 * time.Minute},
		"a long Timeout":    {time.Hour, 0, time.Hour + 45*time.Second},
		"the one asked for": {time.Hour, 2 * time.Minute, 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAttempt(t, func(_ *csoauth.Config, o *loopback.Options) {
					o.Timeout, o.AuthOptions = test.timeout, &csoauth.AuthOptions{Lifetime: test.lifetime}
				})
				assert.Equal(t, test.want, time.Until(a.Expires()))
			})
		})
	}
}
