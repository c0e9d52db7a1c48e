package httplogin_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/httplogin"
)

// A user who reloads a page that is slow to come sends the code again.
func TestReloadDuringTheExchangeSendsTheCodeOnce(t *testing.T) {
	s, browser := newSite(t), newBrowser(t)
	sessions := make(chan string, 2)
	s.handlers.OnToken = func(_ http.ResponseWriter, _ *http.Request, token *csoauth.Token) error {
		sessions <- token.AccessToken
		return nil
	}
	asked, answer := make(chan struct{}, 2), make(chan struct{})
	release := sync.OnceFunc(func() { close(answer) })
	defer release()
	s.handlers.Config.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		asked <- struct{}{}
		<-answer
		return http.DefaultTransport.RoundTrip(r)
	})}
	defer http.DefaultClient.CloseIdleConnections()
	callback := s.answer(s.begin(t, browser))
	site, _ := url.Parse(s.URL)
	cookie := browser.Jar.Cookies(site)[0] // the response would delete it

	visits := make(chan int, 2)
	load := func() {
		r := httptest.NewRequest(http.MethodGet, callback, nil)
		r.AddCookie(cookie)
		w := httptest.NewRecorder()
		s.handlers.Callback(w, r)
		visits <- w.Code
	}
	go load()
	await(t, asked)
	go load()
	require.Eventually(t, func() bool { return waiting() == 1 || len(asked) > 0 }, time.Minute, time.Millisecond, "the second callback does not wait for the first")
	release()
	assert.Equal(t, http.StatusSeeOther, await(t, visits))
	assert.Equal(t, http.StatusSeeOther, await(t, visits))
	assert.Equal(t, await(t, sessions), await(t, sessions))
	assert.Zero(t, s.handlers.ExchangesUnderWay(), "nothing stays")
	assert.Empty(t, asked, "the code was sent again")
}

// await returns the next of what comes.
func await[T any](t *testing.T, what <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-what:
	case <-time.After(time.Minute):
		require.Fail(t, "hangs")
	}
	return got
}

// waiting returns how many goroutines wait for an exchange.
func waiting() int {
	stacks := make([]byte, 1<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "httplogin.(*exchange).outcome(")
}

// A browser that hangs up must not cost the token of a code that is spent, nor the line in the log.
func TestLoginOutlivesItsBrowser(t *testing.T) {
	type traceKey struct{}
	h := httpsHandlers()
	ctx, hangUp := context.WithCancel(context.WithValue(t.Context(), traceKey{}, "trace"))
	h.Config.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		hangUp()
		assert.NoError(t, r.Context().Err())
		assert.Equal(t, "trace", r.Context().Value(traceKey{}))
		return tokenFor(r)
	})}
	var got *csoauth.Token
	h.OnToken = func(_ http.ResponseWriter, _ *http.Request, token *csoauth.Token) error {
		got = token
		return context.Canceled
	}
	logged := &contexts{Handler: slog.DiscardHandler}
	h.Logger = slog.New(logged)
	cookie, state := start(t, h, "/login")
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/callback?code=c&state="+state, nil)
	r.AddCookie(cookie)
	h.Callback(httptest.NewRecorder(), r)
	require.NotNil(t, got)
	assert.Equal(t, "the-access-token", got.AccessToken)
	require.Len(t, logged.of, 1)
	assert.NoError(t, logged.of[0].Err())
	assert.Equal(t, "trace", logged.of[0].Value(traceKey{}))
}

// contexts keeps those of the lines that are logged.
type contexts struct {
	slog.Handler
	of []context.Context
}

func (c *contexts) Enabled(context.Context, slog.Level) bool { return true }

func (c *contexts) Handle(ctx context.Context, _ slog.Record) error {
	c.of = append(c.of, ctx)
	return nil
}

// net/http goes on after a panic, so what is under way must end with it.
func TestPanicLeavesNoExchangeBehind(t *testing.T) {
	h := httpsHandlers()
	h.Config.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { panic("of the application's transport") })}
	cookie, state := start(t, h, "/login")
	assert.Panics(t, func() { _, _ = comeBack(h, "code=c&state="+state, cookie) })
	assert.Zero(t, h.ExchangesUnderWay())
	_, err := comeBack(h, "code=c&state="+state, cookie)
	assert.ErrorContains(t, err, "the exchange of the code panicked", "and the code is not sent again")
}

// countingEndpoint returns another token for each code, and counts the codes.
func countingEndpoint(h *httplogin.Handlers) *sync.Map {
	var codes sync.Map
	h.Config.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if err := r.ParseForm(); err != nil {
			return nil, err
		}
		n, _ := codes.LoadOrStore(r.PostForm.Get("code"), new(atomic.Int32))
		n.(*atomic.Int32).Add(1)
		return tokenFor(r)
	})}
	return &codes
}

func sentTimes(codes *sync.Map, code string) int {
	n, ok := codes.Load(code)
	if !ok {
		return 0
	}
	return int(n.(*atomic.Int32).Load())
}

// A browser or a proxy repeats a callback whose connection broke: the response was lost, and with
// it the cookie's deletion.
func TestRepeatedCallbackHasTheSameOutcome(t *testing.T) {
	for name, test := range map[string]struct {
		respond roundTrip
		want    error // nil: logged in
	}{
		"logged in":   {tokenFor, nil},
		"refused":     {refuse(400, `{"error":"invalid_grant"}`), &csoauth.Error{}},
		"unreachable": {noRoute, errNoRoute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, sent, tokens := httpsHandlers(), 0, []*csoauth.Token(nil)
				h.Config.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					sent++
					return test.respond(r)
				})}
				h.OnToken = func(_ http.ResponseWriter, _ *http.Request, token *csoauth.Token) error {
					tokens = append(tokens, token)
					return nil
				}
				cookie, state := start(t, h, "/login?return_to=/here")
				for range 3 {
					w, err := comeBack(h, "code=c&state="+state, cookie)
					assert.Contains(t, w.Header().Get("Set-Cookie"), "Max-Age=0")
					var said *csoauth.Error
					switch test.want.(type) {
					case nil:
						require.NoError(t, err)
						assert.Equal(t, "/here", w.Header().Get("Location"))
					case *csoauth.Error:
						require.ErrorAs(t, err, &said)
					default:
						require.ErrorIs(t, err, test.want)
					}
					time.Sleep(29 * time.Second)
				}
				assert.Equal(t, 1, sent, "the code is sent once")
				if test.want == nil {
					require.Len(t, tokens, 3)
					assert.Same(t, tokens[0], tokens[2])
				}
				known, _ := h.Remembered()
				assert.Zero(t, known, "and after a minute nothing is kept")
			})
		})
	}
}

// The code was not sent, so the callback may come again. That it came before must not end the
// minute in which the outcome of the second is shared.
func TestCallbackThatWasNotSentMayComeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, reachable, sent := httpsHandlers(), false, 0
		h.Config.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if !reachable {
				return nil, &net.OpError{Op: "dial", Err: errors.New("network is unreachable")}
			}
			sent++
			return tokenFor(r)
		})}
		cookie, state := start(t, h, "/login")
		_, err := comeBack(h, "code=c&state="+state, cookie)
		require.ErrorIs(t, err, csoauth.ErrNotSent)
		known, _ := h.Remembered()
		require.Zero(t, known)
		time.Sleep(30 * time.Second)
		reachable = true
		for range 2 {
			_, err = comeBack(h, "code=c&state="+state, cookie)
			require.NoError(t, err)
			time.Sleep(31 * time.Second)
		}
		assert.Equal(t, 1, sent, "the code is sent once")

		cookie, state = start(t, h, "/login")
		time.Sleep(10 * time.Minute)
		_, err = comeBack(h, "code=c&state="+state, cookie)
		require.ErrorIs(t, err, csoauth.ErrAttemptExpired)
		known, _ = h.Remembered()
		assert.Zero(t, known, "a code that came too late was not sent")
	})
}

func TestCodeIsOfOneAttemptOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := httpsHandlers()
		codes := countingEndpoint(h)
		cookie, state := start(t, h, "/login")
		other, otherState := start(t, h, "/login")
		_, err := comeBack(h, "code=c&state="+state, cookie)
		require.NoError(t, err)
		_, err = comeBack(h, "code=another&state="+state, cookie)
		require.ErrorIs(t, err, csoauth.ErrState, "the attempt has had its code")
		_, err = comeBack(h, "code=c&state="+otherState, other)
		require.ErrorIs(t, err, csoauth.ErrState, "a stolen code of another attempt")
		_, err = comeBack(h, "error=access_denied&state="+state, cookie)
		require.ErrorIs(t, err, csoauth.ErrDenied, "it is told as what it is")
		assert.Equal(t, []int{1, 0}, []int{sentTimes(codes, "c"), sentTimes(codes, "another")})
		_, err = comeBack(h, "code=another&state="+otherState, other)
		require.NoError(t, err)
		time.Sleep(2 * time.Minute)
	})
}

// Visitors who hang up must not leave token requests without end behind.
func TestExchangesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := httpsHandlers()
		h.OnError = nil
		answer := make(chan struct{})
		h.Config.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			<-answer
			return tokenFor(r)
		})}
		type visitor struct {
			cookie *http.Cookie
			query  string
		}
		visitors := make([]visitor, 70)
		for i := range visitors {
			cookie, state := start(t, h, "/login")
			visitors[i] = visitor{cookie, "code=c" + strconv.Itoa(i) + "&state=" + state}
		}
		visits := func(v visitor) *httptest.ResponseRecorder {
			ctx, hangUp := context.WithCancel(t.Context())
			hangUp()
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/callback?"+v.query, nil)
			r.AddCookie(v.cookie)
			w := httptest.NewRecorder()
			h.Callback(w, r)
			return w
		}
		var done sync.WaitGroup
		for _, v := range visitors[:64] {
			done.Go(func() { assert.Equal(t, http.StatusSeeOther, visits(v).Code) })
		}
		synctest.Wait()
		assert.Equal(t, 64, h.ExchangesUnderWay())
		done.Go(func() {
			assert.Equal(t, http.StatusSeeOther, visits(visitors[0]).Code, "a reload waits with the first")
		})
		for _, v := range visitors[64:] {
			w := visits(v)
			assert.Equal(t, http.StatusServiceUnavailable, w.Code)
			assert.Equal(t, "2", w.Header().Get("Retry-After"))
			assert.Empty(t, w.Header().Values("Set-Cookie"), "the attempt is not over")
			for _, text := range []string{`data-page="busy"`, "<h1>Too many people are logging in</h1>", "Reload this page in a moment. Do not start over"} {
				assert.Contains(t, w.Body.String(), text)
			}
			assert.NotContains(t, w.Body.String(), "<a ")
		}
		synctest.Wait()
		close(answer)
		done.Wait()
		for _, v := range visitors[64:] {
			assert.Equal(t, http.StatusSeeOther, visits(v).Code, "a reload works")
		}
		assert.Zero(t, h.ExchangesUnderWay())
		time.Sleep(time.Minute)
		synctest.Wait()
		known, tokens := h.Remembered()
		assert.Zero(t, known+tokens)
	})
}

func TestErrBusyReachesOnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, answer := httpsHandlers(), make(chan struct{})
		h.Config.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			<-answer
			return tokenFor(r)
		})}
		h.OnError = func(_ http.ResponseWriter, _ *http.Request, err error) { assert.ErrorIs(t, err, httplogin.ErrBusy) }
		var done sync.WaitGroup
		for i := range 65 {
			cookie, state := start(t, h, "/login")
			done.Go(func() {
				r := httptest.NewRequest(http.MethodGet, "/callback?code=c"+strconv.Itoa(i)+"&state="+state, nil)
				r.AddCookie(cookie)
				h.Callback(httptest.NewRecorder(), r)
			})
			synctest.Wait()
		}
		close(answer)
		done.Wait()
		time.Sleep(time.Minute)
	})
}

func TestOutcomesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := httpsHandlers()
		codes := countingEndpoint(h)
		type visitor struct {
			cookie *http.Cookie
			query  string
		}
		var visitors []visitor
		comesBack := func(i int) error {
			_, err := comeBack(h, visitors[i].query, visitors[i].cookie)
			return err
		}
		logIn := func(n int) {
			for range n {
				cookie, state := start(t, h, "/login")
				visitors = append(visitors, visitor{cookie, "code=c" + strconv.Itoa(len(visitors)) + "&state=" + state})
				require.NoError(t, comesBack(len(visitors)-1))
			}
		}
		remembered := func() []int {
			synctest.Wait()
			known, tokens := h.Remembered()
			return []int{known, tokens}
		}
		logIn(601)
		time.Sleep(30 * time.Second)
		logIn(401)
		assert.Equal(t, []int{1002, 1000}, remembered())
		require.ErrorIs(t, comesBack(0), csoauth.ErrAttemptExpired, "the token is forgotten: start over")
		assert.Equal(t, 1, sentTimes(codes, "c0"), "and that the code was sent is not")
		require.NoError(t, comesBack(2))
		require.NoError(t, comesBack(1001))
		time.Sleep(30 * time.Second)
		assert.Equal(t, []int{401, 401}, remembered(), "each for a minute")
		logIn(600)
		assert.Equal(t, []int{1001, 1000}, remembered())
		require.ErrorIs(t, comesBack(601), csoauth.ErrAttemptExpired, "the oldest token makes room")
		require.NoError(t, comesBack(602))
		time.Sleep(time.Minute)
		assert.Equal(t, []int{0, 0}, remembered())
	})
}

func TestEachOutcomeIsKeptForAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := httpsHandlers()
		countingEndpoint(h)
		for _, want := range []int{1, 2, 3, 3, 3} {
			cookie, state := start(t, h, "/login")
			_, err := comeBack(h, "code="+state+"&state="+state, cookie)
			require.NoError(t, err)
			synctest.Wait()
			known, _ := h.Remembered()
			assert.Equal(t, want, known)
			time.Sleep(20 * time.Second)
		}
		time.Sleep(time.Minute)
	})
}
