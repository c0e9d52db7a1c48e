package httplogin_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
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
	s.login.OnToken = func(_ http.ResponseWriter, _ *http.Request, token *csoauth.Token) error {
		sessions <- token.AccessToken
		return nil
	}
	asked, answer := make(chan struct{}, 2), make(chan struct{})
	release := sync.OnceFunc(func() { close(answer) })
	defer release()
	s.login.Config.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		asked <- struct{}{}
		<-answer
		return http.DefaultTransport.RoundTrip(r)
	})}
	defer http.DefaultClient.CloseIdleConnections()
	callback := s.answer(s.begin(t, browser))
	site, _ := url.Parse(s.URL)
	cookie := browser.Jar.Cookies(site)[0] // the answer would delete it

	visits := make(chan int, 2)
	load := func() {
		r := httptest.NewRequest(http.MethodGet, callback, nil)
		r.AddCookie(cookie)
		w := httptest.NewRecorder()
		s.login.Callback(w, r)
		visits <- w.Code
	}
	go load()
	await(t, asked)
	go load()
	require.Eventually(t, func() bool { return trading() == 2 || len(asked) > 0 }, time.Minute, time.Millisecond, "the second callback does not wait for the first")
	release()
	assert.Equal(t, http.StatusSeeOther, await(t, visits))
	assert.Equal(t, http.StatusSeeOther, await(t, visits))
	assert.Equal(t, await(t, sessions), await(t, sessions))
	assert.Zero(t, s.login.ExchangesUnderWay(), "nothing stays")
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

// trading returns how many goroutines are in an exchange's trade, to do it or to wait for it.
func trading() int {
	stacks := make([]byte, 1<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "sync.(*Once).doSlow(")
}

// The last to leave an exchange may come when the next one of the same state is under way.
func TestLateLeaverLeavesTheNextExchangeAlone(t *testing.T) {
	var x httplogin.Exchanges
	token := func(name string) func() (*csoauth.Token, error) {
		return func() (*csoauth.Token, error) { return &csoauth.Token{AccessToken: name}, nil }
	}
	trade := func(e *httplogin.Exchange) string { got, _ := e.Trade(); return got.AccessToken }

	first, late := x.Join("state", token("first")), x.Join("state", token("another"))
	other := x.Join("other state", token("other"))
	assert.Equal(t, []string{"first", "first", "other"}, []string{trade(first), trade(late), trade(other)})
	x.Leave("state", first)
	next := x.Join("state", token("next"))
	x.Leave("state", late)
	assert.Equal(t, "next", trade(x.Join("state", token("yet another"))))
	x.Leave("state", next)
	assert.Equal(t, "last", trade(x.Join("state", token("last"))))
	assert.Equal(t, "other", trade(x.Join("other state", token("yet another"))))
}

// A browser that hangs up must not cost the token of a code that is spent, nor the line in the log.
func TestLoginOutlivesItsBrowser(t *testing.T) {
	type traceKey struct{}
	login := httpsLogin()
	ctx, hangUp := context.WithCancel(context.WithValue(t.Context(), traceKey{}, "trace"))
	login.Config.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		hangUp()
		assert.NoError(t, r.Context().Err())
		assert.Equal(t, "trace", r.Context().Value(traceKey{}))
		return tokenFor(r)
	})}
	var got *csoauth.Token
	login.OnToken = func(_ http.ResponseWriter, _ *http.Request, token *csoauth.Token) error {
		got = token
		return context.Canceled
	}
	logged := &contexts{Handler: slog.DiscardHandler}
	login.Logger = slog.New(logged)
	cookie, state := start(t, login, "/login")
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/callback?code=c&state="+state, nil)
	r.AddCookie(cookie)
	login.Callback(httptest.NewRecorder(), r)
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
	login := httpsLogin()
	login.Config.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { panic("of the application's transport") })}
	cookie, state := start(t, login, "/login")
	assert.Panics(t, func() { _, _ = comeBack(login, "code=c&state="+state, cookie) })
	assert.Zero(t, login.ExchangesUnderWay())
}
