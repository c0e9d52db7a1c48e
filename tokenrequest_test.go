package csoauth_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/contentstack/csoauth"
)

// refused is the error of a connection that nobody accepted.
func refused() error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
}

// Law: P7
func TestRequestIsSentAgainOnlyIfItWasSurelyNotProcessed(t *testing.T) {
	dial := func() (*http.Response, error) { return nil, refused() }
	says := func(status int, retryAfter string) func() (*http.Response, error) {
		return func() (*http.Response, error) { return answered(status, retryAfter, `{"error":"slow_down"}`), nil }
	}
	fails := func(err error) func() (*http.Response, error) {
		return func() (*http.Response, error) { return nil, err }
	}
	const ours = 1250 * time.Millisecond
	breaks := func() (*http.Response, error) {
		resp := httpmock.NewStringResponse(200, "")
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"access_`), brokenReader{}))
		return resp, nil
	}
	for name, row := range map[string]struct {
		answer func() (*http.Response, error)
		tries  int
		waits  time.Duration // what the server said, in all; or ours, with what chance adds
	}{
		"nobody was reached":          {dial, 3, ours},
		"nor the proxy":               {fails(&net.OpError{Op: "proxyconnect", Err: refused()}), 3, ours},
		"no way there":                {fails(&net.OpError{Op: "dial", Err: errors.New("network is unreachable")}), 1, 0},
		"a dial that took too long":   {fails(&net.OpError{Op: "dial", Err: context.DeadlineExceeded}), 1, 0},
		"too many requests":           {says(429, "1"), 3, 2 * time.Second},
		"unavailable":                 {says(503, "4"), 3, 8 * time.Second},
		"unavailable, come at once":   {says(503, "0"), 3, ours},
		"unavailable until the end":   {says(503, "5"), 3, 10 * time.Second},
		"unavailable for half of it":  {says(503, "6"), 2, 6 * time.Second},
		"unavailable for all of it":   {says(503, "10"), 2, 10 * time.Second},
		"unavailable for too long":    {says(503, "11"), 1, 0},
		"unavailable, who knows when": {says(503, ""), 1, 0},
		"429 without a time":          {says(429, "later"), 1, 0},
		"unavailable, with a token": {func() (*http.Response, error) {
			return answered(503, "1", `{"refresh_token":"new"}`), nil
		}, 1, 0},
		"500, even with a time": {says(500, "1"), 1, 0},
		"502":                   {says(502, "1"), 1, 0},
		"504":                   {says(504, "1"), 1, 0},
		"refused":               {says(400, "1"), 1, 0},
		"redirected":            {says(307, "1"), 1, 0},
		"no answer":             {fails(io.EOF), 1, 0},
		"connection reset":      {fails(&net.OpError{Op: "read", Err: errors.New("reset")}), 1, 0},
		"half an answer":        {breaks, 1, 0},
		"a transport of a test": {fails(errors.New("no such route")), 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, tries := testConfig(), 0
				c.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					tries++
					require.Nil(t, r.GetBody, "net/http could send it again by itself")
					form, err := io.ReadAll(r.Body)
					require.NoError(t, err)
					require.Contains(t, string(form), "refresh_token=old-refresh", "every try has the whole form")
					return row.answer()
				})}
				start := time.Now()
				_, err := c.Refresh(t.Context(), old())
				require.Error(t, err)
				require.Equal(t, row.tries, tries)
				if row.waits == ours {
					require.GreaterOrEqual(t, time.Since(start), ours)
					require.Less(t, time.Since(start), 2*ours)
					return
				}
				require.Equal(t, row.waits, time.Since(start))
			})
		})
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestClientsDoNotReturnTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waits := [2]map[time.Duration]bool{{}, {}}
		for range 20 {
			c := testConfig()
			var tries []time.Time
			c.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
				tries = append(tries, time.Now())
				return nil, refused()
			})}
			_, err := c.Refresh(t.Context(), old())
			require.ErrorIs(t, err, csoauth.ErrNotSent)
			require.Len(t, tries, 3)
			for i, least := range []time.Duration{250 * time.Millisecond, time.Second} {
				wait := tries[i+1].Sub(tries[i])
				require.GreaterOrEqual(t, wait, least)
				require.Less(t, wait, 2*least)
				waits[i][wait] = true
			}
		}
		require.Greater(t, len(waits[0]), 1)
		require.Greater(t, len(waits[1]), 1)
	})
}

func TestSecondTryCanSucceed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, tries := testConfig(), 0
		c.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			if tries++; tries < 3 {
				return nil, refused()
			}
			return httpmock.NewStringResponse(200, recorded), nil
		})}
		start := time.Now()
		token, err := exchange(t, c)
		require.NoError(t, err)
		require.Equal(t, 3, tries)
		require.GreaterOrEqual(t, time.Since(start), 1250*time.Millisecond, "it waits in between")
		require.WithinDuration(t, time.Now().Add(time.Hour), token.Expiry, 0, "lifetime counts from the try that was answered")
	})
}

// Law: P7
func TestCallersContextEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, tries := testConfig(), 0
		c.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			tries++
			return answered(503, "5", ""), nil
		})}
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		_, err := c.Refresh(ctx, old())
		require.ErrorContains(t, err, "503 Service Unavailable")
		require.Equal(t, 1, tries)
		require.Zero(t, time.Since(start), "no wait for a try that would come after the deadline")

		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err = c.Refresh(ctx, old())
		require.EqualError(t, err, "csoauth: refresh: 503 Service Unavailable: the response is empty: retry after 5s; then, waiting to try again: context canceled")
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 2, tries)
		require.Equal(t, time.Second, time.Since(start))

		_, err = c.Refresh(ctx, old())
		require.Error(t, err)

		for left, want := range map[time.Duration]int{5 * time.Second: 1, 5*time.Second + 1: 2} {
			tries = 0
			ctx, cancel := context.WithTimeout(t.Context(), left)
			_, err = c.Refresh(ctx, old())
			require.Error(t, err)
			require.Equal(t, want, tries, "the second try comes after 5s, and %v are left", left)
			cancel()
		}

		c.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, refused() })}
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		_, err = c.Refresh(ctx, old())
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, csoauth.ErrNotSent, "that is still so")
	})
}

// TestContextThatEndsInsideTheBody keeps what has arrived by then, if it matters.
func TestContextThatEndsInsideTheBody(t *testing.T) {
	for name, row := range map[string]struct{ arrived, kept string }{
		"before the new refresh token": {`{"access_token":"A","refresh_`, ""},
		"after it":                     {`{"access_token":"A","refresh_token":"R",`, "R"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := testConfig()
				c.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					resp := httpmock.NewStringResponse(200, "")
					resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(row.arrived), hangingReader{r.Context()}))
					return resp, nil
				})}
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				_, err := c.Refresh(ctx, old())
				var said *csoauth.Error
				if row.kept == "" {
					require.ErrorIs(t, err, context.Canceled)
					require.False(t, errors.As(err, &said))
					return
				}
				require.ErrorAs(t, err, &said)
				require.Equal(t, row.kept, said.Token.RefreshToken)
			})
		})
	}
}

// A hangingReader brings nothing until its context ends, as the body of a response does.
type hangingReader struct{ ctx context.Context }

func (r hangingReader) Read([]byte) (int, error) {
	<-r.ctx.Done()
	return 0, r.ctx.Err()
}

// TestTryLeavesNothingBehind: no timer that runs on for as long as the time-out, and no
// connection that nobody can use again.
func TestTryLeavesNothingBehind(t *testing.T) {
	body := &closedBody{Reader: strings.NewReader(recorded)}
	for name, result := range map[string]struct {
		resp *http.Response
		err  error
	}{
		"a response": {&http.Response{StatusCode: 200, Header: http.Header{}, Body: body}, nil},
		"a failure":  {nil, io.EOF},
	} {
		c := testConfig()
		var ctx context.Context
		c.HTTPClient = &http.Client{Timeout: time.Hour, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			ctx = r.Context()
			require.NoError(t, ctx.Err(), name)
			return result.resp, result.err
		})}
		_, err := c.Refresh(t.Context(), &csoauth.Token{RefreshToken: "r"})
		require.Equal(t, result.err == nil, err == nil, name)
		require.ErrorIs(t, ctx.Err(), context.Canceled, name)
	}
	require.True(t, body.closed)
}

type closedBody struct {
	io.Reader
	closed bool
}

func (b *closedBody) Close() error {
	b.closed = true
	return nil
}

func TestTimeoutsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		c := testConfig()
		c.HTTPClient = &http.Client{Transport: hang, Timeout: 7 * time.Second}
		start := time.Now()
		_, err := c.Refresh(t.Context(), old())
		require.ErrorContains(t, err, "csoauth: refresh: POST https://app.example.org/apps-api/apps/token: no complete response within 7s")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var timeout net.Error
		require.ErrorAs(t, err, &timeout)
		require.True(t, timeout.Timeout())
		var passing interface{ Temporary() bool }
		require.ErrorAs(t, err, &passing)
		require.True(t, passing.Temporary())
		require.Equal(t, 7*time.Second, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = c.Refresh(ctx, old())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "context deadline exceeded")
		require.NotContains(t, err.Error(), "within 7s")

		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		_, err = c.Refresh(ctx, old())
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestTimeoutOfATry(t *testing.T) {
	for name, row := range map[string]struct {
		client *http.Client
		want   time.Duration
	}{
		"no client":            {nil, 30 * time.Second},
		"a client of its own":  {&http.Client{Timeout: time.Minute}, time.Minute},
		"a client without one": {&http.Client{}, time.Hour}, // the caller's
	} {
		t.Run(name, func(t *testing.T) {
			csoauth.UseOwnTransport(t, roundTrip(func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}))
			synctest.Test(t, func(t *testing.T) {
				c := testConfig()
				c.HTTPClient = row.client
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				start := time.Now()
				_, err := c.Refresh(ctx, old())
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, row.want, time.Since(start))
			})
		})
	}
}

// TestConnectingTakesTenSecondsAtMost holds up the dial of a listener that would be reached at
// once.
func TestConnectingTakesTenSecondsAtMost(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	dial := func(t *testing.T, after time.Duration) error {
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{ConnectStart: func(string, string) { time.Sleep(after) }})
		conn, err := csoauth.OwnTransport.(*http.Transport).DialContext(ctx, "tcp", listener.Addr().String())
		if err == nil {
			err = conn.Close()
		}
		return err
	}
	// The first leaves 5 s to the real connect: synctest cannot hold the system's clock still.
	synctest.Test(t, func(t *testing.T) { require.NoError(t, dial(t, 5*time.Second)) })
	synctest.Test(t, func(t *testing.T) {
		var timeout net.Error
		require.ErrorAs(t, dial(t, 10*time.Second+1), &timeout)
		require.True(t, timeout.Timeout())
	})
}

// Law: P6
func TestTokenEndpointThatIsNotSafeGetsNothing(t *testing.T) {
	for app, want := range map[string]string{
		"http://app.example.org":          "is neither https nor http on a loopback address",
		"https://me:hunter2@example.org":  "has a user or password before the host",
		"https://app.example.org/?x=":     "has a query or a fragment",
		"https://app.example.org/#":       "has a query or a fragment",
		"http://localhost.example.org":    "is neither https nor http on a loopback address",
		"http://169.254.169.254":          "is neither https nor http on a loopback address",
		"//app.example.org":               "is neither https nor http on a loopback address",
		"https://app.example.org/\r\nX:1": "outside of visible ASCII",
	} {
		c := testConfig() // its transport panics
		endpoint(csoauth.Endpoints{App: "https://app.example.org", Token: app})(c)
		_, err := c.Refresh(t.Context(), old())
		require.ErrorContains(t, err, "csoauth: refresh: token endpoint: ", app)
		require.ErrorContains(t, err, want, app)
		require.NotContains(t, err.Error(), "hunter2")
		_, err = c.ExchangeCode(t.Context(), "c", rfcVerifier, nil)
		require.ErrorContains(t, err, "csoauth: exchange: token endpoint: ", app)
	}
}

// Law: P6
func TestNeitherRedirectsNorCookiesNorJarsAreUsed(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	var cookies, status atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookies.Add(int32(len(r.Cookies())))
		http.SetCookie(w, &http.Cookie{Name: "track", Value: "me"})
		http.Redirect(w, r, other.URL, int(status.Load()))
	}))
	defer server.Close()

	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	base, err := url.Parse(server.URL)
	require.NoError(t, err)
	jar.SetCookies(base, []*http.Cookie{{Name: "session", Value: "1"}})
	client := server.Client()
	client.Jar = jar
	client.CheckRedirect = func(*http.Request, []*http.Request) error { panic("asked whether to follow") }

	c := testConfig()
	endpoint(csoauth.Endpoints{App: server.URL})(c)
	c.HTTPClient = client
	for _, code := range []int32{301, 302, 303, 307, 308} {
		status.Store(code)
		_, err = c.Refresh(t.Context(), old())
		require.ErrorContains(t, err, "the response is a redirect, which is not followed")
	}
	require.Zero(t, elsewhere.Load())
	require.Zero(t, cookies.Load())
	require.Len(t, jar.Cookies(base), 1)
}

// Law: P6
func TestOwnTransportDropsIdleConnectionsSoon(t *testing.T) {
	transport := csoauth.OwnTransport.(*http.Transport)
	require.Equal(t, 5*time.Second, transport.IdleConnTimeout)
	require.NotNil(t, transport.Proxy)
	require.True(t, transport.ForceAttemptHTTP2)
}

func TestConfigWithoutHTTPClientWorks(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, recorded) }))
	defer server.Close()
	defer csoauth.OwnTransport.(*http.Transport).CloseIdleConnections()
	c := testConfig()
	endpoint(csoauth.Endpoints{App: server.URL})(c)
	c.HTTPClient = nil
	_, err := exchange(t, c)
	require.NoError(t, err)

	c.HTTPClient = &http.Client{Timeout: time.Minute} // keeps our transport
	_, err = exchange(t, c)
	require.NoError(t, err)
}

func TestRoundTripperOfATest(t *testing.T) {
	c := testConfig()
	c.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, nil })}
	_, err := exchange(t, c)
	require.ErrorContains(t, err, "the HTTPClient's Transport returned neither a response nor an error")
	c.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}}, nil
	})}
	_, err = exchange(t, c)
	require.ErrorContains(t, err, "the response is empty")
}

func TestTransportErrorKeepsItsCauseAndLosesItsSecrets(t *testing.T) {
	c := testConfig()
	cause := errors.New("dump: grant_type=refresh_token&refresh_token=old-refresh\x1b[31m")
	c.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, cause })}
	_, err := c.Refresh(t.Context(), old())
	require.ErrorIs(t, err, cause)
	require.NoError(t, errors.Unwrap(err), "who prints a chain of errors link by link prints no secret")
	require.EqualError(t, err, "csoauth: refresh: POST https://app.example.org/apps-api/apps/token: (text withheld: it contains a secret)")
}

func TestHTTPClientOfTheContextIsUsed(t *testing.T) {
	c := testConfig()
	c.HTTPClient = nil
	m := mock(testConfig(), 200, recorded)
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: m})
	token, err := c.ExchangeCode(ctx, "c0de", rfcVerifier, nil)
	require.NoError(t, err)
	_, err = c.Refresh(ctx, token)
	require.NoError(t, err)
	require.Len(t, m.requests, 2)

	own := mock(c, 200, recorded) // the Config's own goes first
	_, err = c.Refresh(ctx, token)
	require.NoError(t, err)
	require.Len(t, own.requests, 1)
	require.Len(t, m.requests, 2)

	c.HTTPClient = nil
	csoauth.UseOwnTransport(t, own)
	for _, nothing := range []any{nil, (*http.Client)(nil), "no client", &http.Client{}} {
		_, err = c.Refresh(context.WithValue(t.Context(), oauth2.HTTPClient, nothing), token)
		require.NoError(t, err)
	}
	require.Len(t, own.requests, 5)
}

// TestShortTimeoutSparesWhatWasSent: a second is enough to connect, and too short for the only
// response that holds the new refresh token.
//
// Law: P6
func TestShortTimeoutSparesWhatWasSent(t *testing.T) {
	connects := func(r *http.Request) *httptrace.ClientTrace {
		trace := httptrace.ContextClientTrace(r.Context())
		trace.GetConn("host")
		return trace
	}
	ends := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	for name, row := range map[string]struct {
		timeout time.Duration
		send    func(*http.Request) (*http.Response, error)
		takes   time.Duration
		notSent bool
		want    string // in the error; none if empty
	}{
		"while it connects": {time.Second, func(r *http.Request) (*http.Response, error) {
			connects(r)
			return ends(r)
		}, time.Second, true, "no connection within 1s"},
		"after it was sent": {time.Second, func(r *http.Request) (*http.Response, error) {
			trace := connects(r)
			trace.GotConn(httptrace.GotConnInfo{})
			trace.WroteHeaders()
			return ends(r)
		}, 5 * time.Second, false, "no complete response within 5s"},
		"connected, and perhaps sent": {time.Second, func(r *http.Request) (*http.Response, error) {
			connects(r).GotConn(httptrace.GotConnInfo{})
			return ends(r)
		}, 5 * time.Second, false, "no complete response within 5s"},
		"nobody knows":         {time.Second, ends, 5 * time.Second, false, "no complete response within 5s"},
		"just under the floor": {5*time.Second - 1, ends, 5 * time.Second, false, "no complete response within 5s"},
		"the floor itself": {5 * time.Second, func(r *http.Request) (*http.Response, error) {
			connects(r)
			return ends(r)
		}, 5 * time.Second, true, "no connection within 5s"},
		"longer": {time.Minute, func(r *http.Request) (*http.Response, error) {
			connects(r)
			return ends(r)
		}, time.Minute, true, "no connection within 1m0s"},
		"a response in time": {time.Second, func(r *http.Request) (*http.Response, error) {
			trace := connects(r)
			trace.GotConn(httptrace.GotConnInfo{})
			trace.WroteHeaders()
			time.Sleep(4 * time.Second)
			return httpmock.NewStringResponse(200, recorded), r.Context().Err()
		}, 4 * time.Second, false, ""},
		"a dial that says what it did": {time.Second, func(r *http.Request) (*http.Response, error) {
			connects(r)
			<-r.Context().Done()
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("to 192.0.2.1")}
		}, time.Second, true, "no connection within 1s: dial tcp: to 192.0.2.1"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := testConfig()
				c.HTTPClient = &http.Client{Transport: roundTrip(row.send), Timeout: row.timeout}
				start := time.Now()
				_, err := c.Refresh(t.Context(), old())
				require.Equal(t, row.takes, time.Since(start))
				if row.want == "" {
					require.ErrorContains(t, err, "the response is for user", "it was read")
					return
				}
				require.ErrorContains(t, err, row.want)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, row.notSent, errors.Is(err, csoauth.ErrNotSent))

				ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
				defer cancel()
				start = time.Now()
				_, err = c.Refresh(ctx, old())
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, 500*time.Millisecond, time.Since(start), "the caller's deadline stands")
			})
		})
	}
}

// TestNothingIsSentThatCannotWork: an empty parameter would be refused like a dead refresh token.
func TestNothingIsSentThatCannotWork(t *testing.T) {
	for want, change := range map[string]func(*csoauth.Config){
		"RedirectURI: is empty":                            func(c *csoauth.Config) { c.RedirectURI = "" },
		"ClientID: is empty":                               func(c *csoauth.Config) { c.ClientID = "" },
		"ClientID: \"a\\n\" has a space":                   func(c *csoauth.Config) { c.ClientID = "a\n" },
		"ClientSecret: begins or ends":                     func(c *csoauth.Config) { c.ClientSecret = "hunter2\n" },
		"ClientSecret: has a control":                      func(c *csoauth.Config) { c.ClientSecret = "hunter2\x00!" },
		"region na is not in the Config's Endpoints":       func(c *csoauth.Config) { delete(c.Endpoints, csoauth.NA) },
		"token endpoint: \"http://a.example.org/apps-api/": endpoint(csoauth.Endpoints{App: "http://a.example.org"}),
	} {
		c := testConfig() // its transport panics
		change(c)
		_, errRefresh := c.Refresh(t.Context(), &csoauth.Token{RefreshToken: "r"})
		_, errCode := c.ExchangeCode(t.Context(), "c0de", rfcVerifier, nil)
		for _, err := range []error{errRefresh, errCode} {
			require.ErrorContains(t, err, want)
			require.ErrorIs(t, err, csoauth.ErrConfig)
			require.ErrorIs(t, err, csoauth.ErrNotSent)
			require.NotErrorIs(t, err, csoauth.ErrLoginRequired)
			require.NotContains(t, err.Error(), "hunter2")
		}
	}
}

// TestProxyThatRefusesIsNamed: http.Transport by itself keeps only what the proxy calls its status.
func TestProxyThatRefusesIsNamed(t *testing.T) {
	for status, tries := range map[string]int32{"403 not here": 1, "407 who are you": 1, "502 upstream is gone": 3, "503": 3, "504 too late": 1} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				conn, _, err := http.NewResponseController(w).Hijack()
				if err == nil {
					io.WriteString(conn, "HTTP/1.1 "+status+"\r\n\r\n")
					conn.Close()
				}
			}))
			defer proxy.Close()
			at, err := url.Parse(proxy.URL)
			require.NoError(t, err)
			transport := csoauth.OwnTransport.(*http.Transport).Clone()
			transport.Proxy = http.ProxyURL(at)
			c := testConfig()
			c.HTTPClient = &http.Client{Transport: transport}
			_, err = c.Refresh(t.Context(), old())
			require.ErrorContains(t, err, "the proxy refused to connect: "+status[:3])
			require.ErrorIs(t, err, csoauth.ErrNotSent)
			require.Equal(t, tries, asked.Load())
		})
	}
}

// TestLaterFailureDoesNotHideWhatWasSent: the first try got a response.
func TestLaterFailureDoesNotHideWhatWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, tries := testConfig(), 0
		c.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			if tries++; tries == 1 {
				return answered(503, "1", ""), nil
			}
			return nil, refused()
		})}
		_, err := c.Refresh(t.Context(), old())
		require.ErrorContains(t, err, "connection refused")
		require.NotErrorIs(t, err, csoauth.ErrNotSent)
		require.Equal(t, 3, tries)
	})
}

// TestAttemptSurvivesWhatWasNotSent: its code is as good as before.
func TestAttemptSurvivesWhatWasNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testConfig()
		r, err := c.NewAuthRequest(nil)
		require.NoError(t, err)
		callback := url.Values{"state": {r.State}, "code": {"c0de"}}
		unset := *c
		unset.ClientSecret = "hunter2\n"
		_, err = unset.Exchange(t.Context(), r, callback)
		require.ErrorIs(t, err, csoauth.ErrConfig)
		c.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, refused() })}
		_, err = c.Exchange(t.Context(), r, callback)
		require.ErrorIs(t, err, csoauth.ErrNotSent)
		mock(c, 200, recorded)
		_, err = c.Exchange(t.Context(), r, callback)
		require.NoError(t, err)
		_, err = c.Exchange(t.Context(), r, callback)
		require.ErrorIs(t, err, csoauth.ErrAttemptExpired)
	})
}

// TestClientThatAddsATokenAddsNone: an oauth2.Client in the context would add an old access token.
func TestClientThatAddsATokenAddsNone(t *testing.T) {
	c := testConfig()
	m := mock(c, 200, recorded)
	adds := &http.Client{Transport: &oauth2.Transport{Source: oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "an-old-one"}), Base: m}}
	for _, client := range []*http.Client{nil, adds} {
		c.HTTPClient = client
		_, err := c.ExchangeCode(context.WithValue(t.Context(), oauth2.HTTPClient, adds), "c0de", rfcVerifier, nil)
		require.NoError(t, err)
	}
	require.Len(t, m.requests, 2)
	for _, r := range m.requests {
		require.Empty(t, r.Header.Values("Authorization"))
	}
}

// TestDefaultTransport is one that a wrapper can have without a loss.
func TestDefaultTransport(t *testing.T) {
	transport, ok := csoauth.DefaultTransport().(*http.Transport)
	require.True(t, ok)
	require.LessOrEqual(t, transport.IdleConnTimeout, 5*time.Second)
	require.NotNil(t, transport.OnProxyConnectResponse)
}
