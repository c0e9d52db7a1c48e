package csapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
)

const (
	badToken     = `{"error_message":"The provided access token is invalid or expired or revoked","error_code":105,"errors":{}}`
	secondFactor = `{"error_message":"Please login using the Two-Factor verification Token","error_code":294}`
)

// numbered returns a token like aToken with another access token.
func numbered(n int) *csoauth.Token {
	t := aToken()
	t.AccessToken = fmt.Sprint("the-access-token-", n)
	return t
}

// takesOnly responds with 401 to every access token but this.
func takesOnly(good, unauthorized string) func(int, *http.Request) *http.Response {
	return func(_ int, r *http.Request) *http.Response {
		if r.Header.Get("Authorization") == "Bearer "+good {
			return response(200, inJSON, "{}")
		}
		return response(401, inJSON, unauthorized)
	}
}

// Law: A4
func TestTokenThatIsRejected(t *testing.T) {
	over := fmt.Errorf("refused: %w", csoauth.ErrLoginRequired)
	for name, row := range map[string]struct {
		tokens   int
		ended    error
		said     string
		takes    string
		requests int
		asked    int // Invalidate
		status   int // of the error; 0: none
		isOver   bool
	}{
		"the next one works":      {2, nil, badToken, "the-access-token-2", 2, 1, 0, false},
		"no code":                 {2, nil, `{"message":"Unauthorized"}`, "the-access-token-2", 2, 1, 0, false},
		"the next one fails too":  {3, nil, badToken, "the-access-token-3", 2, 1, 401, false},
		"there is no other":       {1, nil, badToken, "", 1, 1, 401, false},
		"the store is down":       {1, errors.New("down"), badToken, "", 1, 1, 401, false},
		"the login is over":       {1, over, badToken, "", 1, 1, 401, true},
		"it is about another":     {2, nil, secondFactor, "the-access-token-2", 1, 0, 401, false},
		"and the login is over":   {1, over, secondFactor, "", 1, 0, 401, false},
		"the login over, no code": {1, over, `{}`, "", 1, 1, 401, true},
	} {
		t.Run(name, func(t *testing.T) {
			from := &source{ended: row.ended}
			for i := range row.tokens {
				from.tokens = append(from.tokens, numbered(i+1))
			}
			s := &service{answer: takesOnly(row.takes, row.said)}
			err := csapi.New(aConfig(), from, &csapi.Options{Base: s}).Call(t.Context(), "POST", csapi.ContentManagement, "/x", "body", nil)
			require.Equal(t, row.requests, s.count())
			require.Len(t, from.asked, row.asked)
			for _, body := range s.bodies {
				require.Equal(t, `"body"`, body, "the whole body, each time")
			}
			if row.status == 0 {
				require.NoError(t, err)
				return
			}
			e, ok := errors.AsType[*csapi.Error](err)
			require.True(t, ok)
			require.Equal(t, row.status, e.StatusCode)
			require.Equal(t, row.isOver, errors.Is(err, csoauth.ErrLoginRequired))
		})
	}
}

// TestTokenThatIsReplacedTakesItsRegionAlong: host, organization and bearer are of one token.
//
// Law: A1
func TestTokenThatIsReplacedTakesItsRegionAlong(t *testing.T) {
	second := numbered(2)
	second.Location, second.OrganizationUID = "EU", shop
	s := &service{answer: takesOnly("the-access-token-2", badToken)}
	c := csapi.New(aConfig(), &source{tokens: []*csoauth.Token{aToken(), second}}, &csapi.Options{Base: s})
	require.NoError(t, c.Get(t.Context(), csapi.ContentManagement, "/x", nil))
	for i, want := range [][3]string{
		{"api.contentstack.io", press, "Bearer the-access-token-1"}, {"eu-api.contentstack.com", shop, "Bearer the-access-token-2"},
	} {
		r := s.requests[i]
		require.Equal(t, want, [3]string{r.URL.Host, r.Header.Get("organization_uid"), r.Header.Get("Authorization")})
	}
	base, err := c.BaseURL(t.Context(), csapi.ContentManagement)
	require.NoError(t, err)
	require.Equal(t, "https://eu-api.contentstack.com", base)
}

// Law: A4
func TestWhatIsSentAgain(t *testing.T) {
	failing := func(status int, times int) func(int, *http.Request) *http.Response {
		return func(n int, _ *http.Request) *http.Response {
			if n <= times {
				return response(status, inJSON, `{"message":"not now"}`)
			}
			return response(200, inJSON, "{}")
		}
	}
	for name, row := range map[string]struct {
		method        string
		status, times int
		requests      int
		ok            bool
	}{
		"GET 503":           {"GET", 503, 4, 5, true},
		"GET 503 for ever":  {"GET", 503, 99, 5, false},
		"GET 500":           {"GET", 500, 1, 2, true},
		"HEAD 502":          {"HEAD", 502, 1, 2, true},
		"GET 408":           {"GET", 408, 1, 2, true},
		"GET 501":           {"GET", 501, 1, 1, false},
		"GET 404":           {"GET", 404, 1, 1, false},
		"POST 503":          {"POST", 503, 1, 1, false},
		"DELETE 500":        {"DELETE", 500, 1, 1, false},
		"PUT 408":           {"PUT", 408, 1, 1, false},
		"POST 429":          {"POST", 429, 4, 5, true},
		"POST 429 for ever": {"POST", 429, 99, 5, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{answer: failing(row.status, row.times)}
				err := clientOf(s).Call(t.Context(), row.method, csapi.ContentManagement, "/x", 1, nil)
				require.Equal(t, row.requests, s.count())
				require.Equal(t, row.ok, err == nil, "%v", err)
				require.Zero(t, s.open)
				if e, ok := errors.AsType[*csapi.Error](err); ok && row.status == 429 {
					require.Greater(t, e.RetryAfter, time.Duration(0), "as long as it would have waited")
				}
			})
		})
	}
}

// Law: A4
func TestHowLongToWait(t *testing.T) {
	for name, row := range map[string]struct {
		header      map[string]string
		status      int
		deadline    time.Duration // of the caller; 0: none
		requests    int
		least, most time.Duration // until the end
		retryAfter  time.Duration // of the error; 0: it succeeds
	}{
		"seconds":               {map[string]string{"Retry-After": "7"}, 429, 0, 2, 7 * time.Second, 7 * time.Second, 0},
		"a date":                {map[string]string{"Retry-After": "Sat, 01 Jan 2000 00:00:09 GMT"}, 429, 0, 2, 9 * time.Second, 9 * time.Second, 0},
		"longer than a try":     {map[string]string{"Retry-After": "50"}, 429, 0, 2, 50 * time.Second, 50 * time.Second, 0},
		"503, longer":           {map[string]string{"Retry-After": "50"}, 503, 0, 2, 50 * time.Second, 50 * time.Second, 0},
		"a minute":              {map[string]string{"Retry-After": "60"}, 429, 0, 2, time.Minute, time.Minute, 0},
		"over a minute":         {map[string]string{"Retry-After": "61"}, 429, 0, 1, 0, 0, 61 * time.Second},
		"503, over a minute":    {map[string]string{"Retry-After": "61"}, 503, 0, 1, 0, 0, 61 * time.Second},
		"a caller with time":    {map[string]string{"Retry-After": "900"}, 429, time.Hour, 2, 15 * time.Minute, 15 * time.Minute, 0},
		"nothing said":          {nil, 429, 0, 2, time.Second, 2 * time.Second, 0},
		"no limit":              {map[string]string{"X-RateLimit-Limit": "-1"}, 429, 0, 2, time.Second, 2 * time.Second, 0},
		"a limit of nothing":    {map[string]string{"X-RateLimit-Limit": "0"}, 429, 0, 2, time.Second, 2 * time.Second, 0},
		"rubbish":               {map[string]string{"Retry-After": "soon"}, 429, 0, 2, time.Second, 2 * time.Second, 0},
		"503 says":              {map[string]string{"Retry-After": "7"}, 503, 0, 2, 7 * time.Second, 7 * time.Second, 0},
		"503":                   {nil, 503, 0, 2, 250 * time.Millisecond, 500 * time.Millisecond, 0},
		"beyond the deadline":   {map[string]string{"Retry-After": "7"}, 429, 5 * time.Second, 1, 0, 0, 7 * time.Second},
		"503 beyond":            {map[string]string{"Retry-After": "7"}, 503, 5 * time.Second, 1, 0, 0, 7 * time.Second},
		"within the deadline":   {map[string]string{"Retry-After": "7"}, 429, 8 * time.Second, 2, 7 * time.Second, 7 * time.Second, 0},
		"no more than it takes": {map[string]string{"Retry-After": "99999999999"}, 429, time.Minute, 1, 0, 0, 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{answer: func(n int, _ *http.Request) *http.Response {
					if n > 1 {
						return response(200, inJSON, "{}")
					}
					resp := response(row.status, inJSON, "{}")
					for name, value := range row.header {
						with(resp, name, value)
					}
					return resp
				}}
				ctx := t.Context()
				if row.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, row.deadline)
					defer cancel()
				}
				began := time.Now()
				err := clientOf(s).Get(ctx, csapi.ContentManagement, "/x", nil)
				took := time.Since(began)
				require.Equal(t, row.requests, s.count())
				require.GreaterOrEqual(t, took, row.least)
				require.LessOrEqual(t, took, row.most)
				if row.retryAfter == 0 {
					require.NoError(t, err)
					return
				}
				e, ok := errors.AsType[*csapi.Error](err)
				require.True(t, ok, "%v", err)
				require.Equal(t, row.retryAfter, e.RetryAfter.Round(time.Second))
			})
		})
	}
}

// TestPauseIsForAllRequestsToTheOrganization, and for no other's.
func TestPauseIsForAllRequestsToTheOrganization(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := &service{answer: func(n int, r *http.Request) *http.Response {
			if r.Header.Get("organization_uid") == press && time.Since(began) < 10*time.Second {
				return with(response(429, inJSON, "{}"), "Retry-After", "10")
			}
			return response(200, inJSON, "{}")
		}}
		from := &source{tokens: []*csoauth.Token{aToken()}}
		c := csapi.New(aConfig(), from, &csapi.Options{Base: s})
		go func() { assert.NoError(t, c.Get(t.Context(), csapi.ContentManagement, "/x", nil)) }()
		synctest.Wait()
		require.Equal(t, 1, s.count())
		go func() { assert.NoError(t, c.Get(t.Context(), csapi.Launch, "/x", nil)) }()
		time.Sleep(5 * time.Second)
		require.Equal(t, 1, s.count(), "it waits too")

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := c.Get(ctx, csapi.ContentManagement, "/x", nil)
		require.ErrorIs(t, err, csapi.ErrRateLimited)
		e, ok := errors.AsType[*csapi.Error](err)
		require.True(t, ok)
		require.Equal(t, 5*time.Second, e.RetryAfter)
		require.Equal(t, [4]any{csapi.ContentManagement, "GET", "/x", 429}, [4]any{e.Service, e.Method, e.Path, e.StatusCode})
		require.Equal(t, "not sent: requests for this organization are paused for 5s", e.Message)
		require.Equal(t, time.Duration(0), time.Since(began)-5*time.Second, "it fails at once")
		require.Equal(t, 1, s.count())

		from.mu.Lock()
		other := numbered(2)
		other.OrganizationUID = shop
		from.tokens = []*csoauth.Token{other}
		from.mu.Unlock()
		require.NoError(t, c.Get(t.Context(), csapi.ContentManagement, "/x", nil))
		require.Equal(t, 2, s.count())
		time.Sleep(time.Minute)
		require.Equal(t, 4, s.count())
	})
}

// TestLongPauseIsAnErrorAtOnce, also of the requests that come later.
func TestLongPauseIsAnErrorAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{answer: func(n int, _ *http.Request) *http.Response {
			if n > 1 {
				return response(200, inJSON, "{}")
			}
			return with(response(429, inJSON, "{}"), "Retry-After", "3600")
		}}
		c, began := clientOf(s), time.Now()
		for range 10 {
			err := c.Get(t.Context(), csapi.ContentManagement, "/x", nil)
			e, ok := errors.AsType[*csapi.Error](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, time.Hour, e.RetryAfter)
		}
		require.Equal(t, 1, s.count())
		require.Equal(t, began, time.Now())
		time.Sleep(time.Hour)
		require.NoError(t, c.Get(t.Context(), csapi.ContentManagement, "/x", nil))
	})
}

// TestPaceIsForgotten: a Client that was slowed down for a while is as fast as ever after a minute
// without requests, and after some minutes with few.
func TestPaceIsForgotten(t *testing.T) {
	for name, meanwhile := range map[string]func(get func()){
		"at rest": func(func()) { time.Sleep(time.Minute + time.Second) },
		"a request every 5 seconds": func(get func()) {
			for range 10 * 60 / 5 {
				get()
				time.Sleep(5 * time.Second)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				s := &service{answer: func(int, *http.Request) *http.Response {
					if time.Since(began) < time.Minute {
						return with(response(429, inJSON, "{}"), "Retry-After", "1")
					}
					return response(200, inJSON, "{}")
				}}
				c := clientOf(s)
				for time.Since(began) < time.Minute {
					_ = c.Get(t.Context(), csapi.ContentManagement, "/x", nil)
				}
				get := func() { require.NoError(t, c.Get(t.Context(), csapi.ContentManagement, "/x", nil)) }
				hundred := func() time.Duration {
					began := time.Now()
					for range 100 {
						get()
					}
					return time.Since(began)
				}
				require.Greater(t, hundred(), 10*time.Second)
				for range 14 { // a minute is over, but not without requests
					get()
					time.Sleep(5 * time.Second)
				}
				require.Positive(t, hundred())
				meanwhile(get)
				require.Less(t, hundred(), 15*time.Second)
				if name == "at rest" {
					require.Zero(t, hundred())
				}
			})
		})
	}
}

// A limiter takes so many requests in each second.
type limiter struct {
	perSecond int
	tells     bool // the limit, in a header

	mu     sync.Mutex
	first  int64 // second
	second int64
	taken  int
	failed int
	burst  int // those in the first second: what goes before the first 429 knows of no limit
}

func (l *limiter) answer(int, *http.Request) *http.Response {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first == 0 {
		l.first = time.Now().Unix()
	}
	if now := time.Now().Unix(); now != l.second {
		l.second, l.taken = now, 0
	}
	if l.taken++; l.taken > l.perSecond {
		l.failed++
		if l.second == l.first {
			l.burst++
		}
		resp := response(429, inJSON, `{"error_message":"slow down"}`)
		if l.tells {
			with(resp, "X-RateLimit-Limit", strconv.Itoa(l.perSecond))
		}
		return resp
	}
	return response(200, inJSON, "{}")
}

// TestTokenIsAskedForAgainAfterAWait: it may have been replaced meanwhile.
//
// Law: A1
func TestTokenIsAskedForAgainAfterAWait(t *testing.T) {
	for _, status := range []int{429, 503} {
		synctest.Test(t, func(t *testing.T) {
			from := &source{tokens: []*csoauth.Token{numbered(1)}}
			s := &service{answer: func(n int, _ *http.Request) *http.Response {
				if n > 1 {
					return response(200, inJSON, "{}")
				}
				from.mu.Lock()
				from.tokens = []*csoauth.Token{numbered(2)}
				from.mu.Unlock()
				return with(response(status, inJSON, "{}"), "Retry-After", "60")
			}}
			require.NoError(t, csapi.New(aConfig(), from, &csapi.Options{Base: s}).Get(t.Context(), csapi.ContentManagement, "/x", nil))
			require.Equal(t, "Bearer the-access-token-2", s.requests[1].Header.Get("Authorization"))
		})
	}
}

// TestCrowdMeetsALimit: 500 requests by 50 goroutines, where ten a second may pass. They all
// succeed, in about the 50 seconds that this takes.
//
// Law: A4
func TestCrowdMeetsALimit(t *testing.T) {
	for name, tells := range map[string]bool{"that is told": true, "that is not told": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &limiter{perSecond: 10, tells: tells}
				c := clientOf(&service{answer: l.answer})
				began := time.Now()
				var all sync.WaitGroup
				for range 50 {
					all.Go(func() {
						for range 10 {
							assert.NoError(t, c.Get(t.Context(), csapi.ContentManagement, "/x", nil))
						}
					})
				}
				all.Wait()
				t.Logf("%v, and %d responses with 429", time.Since(began), l.failed)
				require.Less(t, time.Since(began), 65*time.Second)
				require.Less(t, l.failed-l.burst, 20)
			})
		})
	}
}

// TestPaceRecovers: once there is no limit any more, requests go as fast as they come.
func TestPaceRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{answer: func(n int, _ *http.Request) *http.Response {
			if n == 1 {
				return response(429, inJSON, "{}")
			}
			return response(200, inJSON, "{}")
		}}
		c := clientOf(s)
		for range 3000 {
			require.NoError(t, c.Get(t.Context(), csapi.ContentManagement, "/x", nil))
		}
		began := time.Now()
		for range 1000 {
			require.NoError(t, c.Get(t.Context(), csapi.ContentManagement, "/x", nil))
		}
		require.Zero(t, time.Since(began))
	})
}

// TestWaitEndsWithItsContext: of the one whose turn it is, and of those behind it.
func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{answer: func(n int, _ *http.Request) *http.Response {
			return with(response(429, inJSON, "{}"), "Retry-After", "50")
		}}
		c := clientOf(s)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 3)
		for range 3 {
			go func() { ended <- c.Get(ctx, csapi.ContentManagement, "/x", nil) }()
		}
		synctest.Wait()
		cancel()
		for range 3 {
			require.ErrorIs(t, <-ended, context.Canceled)
		}
	})
}

func TestTransportThatFails(t *testing.T) {
	broken := errors.New("no route")
	for name, base := range map[string]http.RoundTripper{
		"an error": roundTripper(func(*http.Request) (*http.Response, error) { return nil, broken }),
		"nothing":  roundTripper(func(*http.Request) (*http.Response, error) { return nil, nil }),
	} {
		err := csapi.New(aConfig(), csapi.Static(aToken()), &csapi.Options{Base: base}).Get(t.Context(), csapi.ContentManagement, "/x?a=secret", nil)
		require.ErrorContains(t, err, "csapi: GET /x: ", name)
		require.NotContains(t, err.Error(), "secret")
		require.Equal(t, name == "an error", errors.Is(err, broken))
	}
	chatty := csapi.New(aConfig(), csapi.Static(aToken()), &csapi.Options{Base: roundTripper(func(r *http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("cannot send %v: %w", r.Header, broken)
	})})
	err := chatty.Get(t.Context(), csapi.ContentManagement, "/x", nil)
	require.ErrorIs(t, err, broken)
	_, fromClient := chatty.HTTPClient().Get("https://api.contentstack.io/x")
	require.ErrorIs(t, fromClient, broken)
	for _, text := range []string{fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err), fmt.Sprint(fromClient)} {
		require.NotContains(t, text, "the-access-token")
	}
	c := aConfig()
	c.HTTPClient = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { return nil, broken })}
	require.ErrorIs(t, csapi.New(c, csapi.Static(aToken()), nil).Get(t.Context(), csapi.App, "/", nil), broken, "the Config's")
	require.ErrorContains(t, csapi.New(aConfig(), &source{tokens: []*csoauth.Token{nil}}, nil).Get(t.Context(), csapi.App, "/", nil), "neither a token nor an error")
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestWhatTheErrorSays of a transport without a word, and of a refusal that asks to wait.
func TestWhatTheErrorSays(t *testing.T) {
	none := csapi.New(aConfig(), csapi.Static(aToken()), &csapi.Options{Base: roundTripper(func(*http.Request) (*http.Response, error) { return nil, nil })})
	require.ErrorContains(t, none.Get(t.Context(), csapi.App, "/x", nil), "the transport returned neither a response nor an error")

	s := &service{answer: func(int, *http.Request) *http.Response { return with(response(403, inJSON, "{}"), "Retry-After", "7") }}
	e, ok := errors.AsType[*csapi.Error](clientOf(s).Get(t.Context(), csapi.App, "/x", nil))
	require.True(t, ok)
	require.Equal(t, 7*time.Second, e.RetryAfter)

	// The Source fails during the wait for another try.
	synctest.Test(t, func(t *testing.T) {
		gone := errors.New("gone")
		from := &sourceThatGoes{after: 1, err: gone}
		s := &service{answer: says(503, inJSON, "{}")}
		err := csapi.New(aConfig(), from, &csapi.Options{Base: s}).Get(t.Context(), csapi.App, "/x", nil)
		require.ErrorIs(t, err, gone)
		require.Equal(t, 1, s.count())
	})
}

// A sourceThatGoes has a token so often, and then an error.
type sourceThatGoes struct {
	after int
	err   error
}

func (s *sourceThatGoes) Token(context.Context) (*csoauth.Token, error) {
	if s.after--; s.after < 0 {
		return nil, s.err
	}
	return aToken(), nil
}
func (s *sourceThatGoes) Invalidate(context.Context, string) error { return nil }
