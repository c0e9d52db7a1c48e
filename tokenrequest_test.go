package csoauth_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

// refused is the error of a connection that nobody accepted.
func refused() error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
}

func TestRequestIsSentAgainOnlyIfItWasSurelyNotProcessed(t *testing.T) {
	dial := func() (*http.Response, error) { return nil, refused() }
	says := func(status int, retryAfter string) func() (*http.Response, error) {
		return func() (*http.Response, error) { return answered(status, retryAfter, `{"error":"slow_down"}`), nil }
	}
	fails := func(err error) func() (*http.Response, error) {
		return func() (*http.Response, error) { return nil, err }
	}
	breaks := func() (*http.Response, error) {
		resp := httpmock.NewStringResponse(200, "")
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"access_`), brokenReader{}))
		return resp, nil
	}
	for name, row := range map[string]struct {
		answer func() (*http.Response, error)
		tries  int
		within time.Duration
	}{
		"nobody was reached":          {dial, 3, 3 * time.Second},
		"nor the proxy":               {fails(&net.OpError{Op: "proxyconnect", Err: errors.New("no")}), 3, 3 * time.Second},
		"too many requests":           {says(429, "1"), 3, 2 * time.Second},
		"unavailable":                 {says(503, "4"), 3, 8 * time.Second},
		"unavailable, come at once":   {says(503, "0"), 3, 3 * time.Second},
		"unavailable for half of it":  {says(503, "6"), 2, 6 * time.Second},
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
				require.LessOrEqual(t, time.Since(start), row.within)
			})
		})
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

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
		require.EqualError(t, err, "csoauth: refresh: 503 Service Unavailable: the answer is empty; then, waiting to try again: context canceled")
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 2, tries)
		require.Equal(t, time.Second, time.Since(start))

		_, err = c.Refresh(ctx, old())
		require.Error(t, err)
	})
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
		require.ErrorContains(t, err, "csoauth: refresh: POST https://app.example.org/apps-api/apps/token: no whole answer within 7s")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var timeout net.Error
		require.ErrorAs(t, err, &timeout)
		require.True(t, timeout.Timeout())
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
		require.ErrorContains(t, err, "the answer is a redirect, which is not followed")
	}
	require.Zero(t, elsewhere.Load())
	require.Zero(t, cookies.Load())
	require.Len(t, jar.Cookies(base), 1)
}

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
	require.ErrorContains(t, err, "the HTTPClient's Transport returned neither an answer nor an error")
	c.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}}, nil
	})}
	_, err = exchange(t, c)
	require.ErrorContains(t, err, "the answer is empty")
}

func TestTransportErrorKeepsItsCauseAndLosesItsSecrets(t *testing.T) {
	c := testConfig()
	cause := errors.New("dump: grant_type=refresh_token&refresh_token=old-refresh\x1b[31m")
	c.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, cause })}
	_, err := c.Refresh(t.Context(), old())
	require.ErrorIs(t, err, cause)
	require.NoError(t, errors.Unwrap(err), "who prints a chain of errors link by link prints no secret")
	require.EqualError(t, err, "csoauth: refresh: POST https://app.example.org/apps-api/apps/token: dump: grant_type=refresh_token&refresh_token=REDACTED[31m")
}
