package tokens_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

const someAPI = "https://api.contentstack.io/v3/stacks"

func TestA401HasTheTokenReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := transportManager(t, p, nil)
		seen := &api{answer: takesOnly("access-user-2")}
		resp := transportGet(t, m.For("user").Transport(seen), someAPI)
		assert.Equal(t, http.StatusOK, resp.StatusCode)
		assert.Equal(t, []string{"Bearer access-user-1", "Bearer access-user-2"}, seen.bearers())
		assert.Equal(t, 1, p.asked())

		token, err := m.Token(t.Context(), "user")
		require.NoError(t, err)
		p.requireAlive(t, token)
	})
}

func TestA401OfManyIsOneRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := transportManager(t, p, nil)
		const callers = 100
		var old sync.WaitGroup // every caller's first request is there before the first response goes back
		old.Add(callers)
		seen := &api{answer: func(n int, r *http.Request) (*http.Response, error) {
			if r.Header.Get("Authorization") == "Bearer access-user-1" {
				old.Done()
				old.Wait()
			}
			return takesOnly("access-user-2")(n, r)
		}}
		rt := m.For("user").Transport(seen)
		var all sync.WaitGroup
		for range callers {
			all.Go(func() { assert.Equal(t, http.StatusOK, transportGet(t, rt, someAPI).StatusCode) })
		}
		all.Wait()
		assert.Equal(t, 1, p.asked())
		assert.Len(t, seen.bearers(), 2*callers)
	})
}

// What the store has is tried before the refresh token is: a login of the user's elsewhere ends the
// old tokens.
//
// Law: M9
func TestA401AdoptsAnotherTokenOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		store := new(tokens.Memory)
		m, other := newManager(p.config(), store, nil), newManager(p.config(), store, nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		_, err := m.Token(t.Context(), "user")
		require.NoError(t, err)
		time.Sleep(time.Second)
		require.NoError(t, other.Put(t.Context(), "user", p.login("user")))

		seen := &api{answer: takesOnly("access-user-2")}
		resp := transportGet(t, m.For("user").Transport(seen), someAPI)
		assert.Equal(t, http.StatusOK, resp.StatusCode)
		assert.Equal(t, []string{"Bearer access-user-1", "Bearer access-user-2"}, seen.bearers())
		require.NoError(t, m.Close()) // and with it whatever went on in the background
		require.NoError(t, other.Close())
		assert.Zero(t, p.asked())
	})
}

// The token was replaced while the request was on its way, so the 401 is about one that nobody uses
// any more.
//
// Law: M9
func TestA401ToATokenThatIsNotCurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := transportManager(t, p, nil)
		seen := &api{answer: func(n int, r *http.Request) (*http.Response, error) {
			if n == 1 {
				assert.NoError(t, m.Put(t.Context(), "user", p.login("user")))
			}
			return takesOnly("access-user-2")(n, r)
		}}
		resp := transportGet(t, m.For("user").Transport(seen), someAPI)
		assert.Equal(t, http.StatusOK, resp.StatusCode)
		assert.Equal(t, []string{"Bearer access-user-1", "Bearer access-user-2"}, seen.bearers())
		require.NoError(t, m.Close())
		assert.Zero(t, p.asked())
	})
}

func TestASecond401IsReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := transportManager(t, p, nil)
		seen := &api{answer: func(n int, r *http.Request) (*http.Response, error) {
			return httpAnswer(http.StatusUnauthorized, "text/plain", strings.Repeat("no", n)), nil
		}}
		resp := transportGet(t, m.For("user").Transport(seen), someAPI)
		assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Equal(t, "nono", string(body))
		assert.Equal(t, []string{"Bearer access-user-1", "Bearer access-user-2"}, seen.bearers(), "and no third request")
		assert.Equal(t, 1, p.asked())
	})
}

// An API that says no to everything must not cost a refresh per request, nor one a minute for ever.
//
// Law: M9
func TestA401ForcesFewerAndFewerRefreshes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		p.takes = 0
		m := transportManager(t, p, nil)
		seen := &api{answer: takesOnly()}
		rt := m.For("user").Transport(seen)
		for _, step := range []struct{ after, asked, hops int }{
			{1, 1, 2},
			{0, 1, 3},
			{59, 1, 4},
			{1, 2, 6}, // a minute after the first refresh
			{0, 2, 7},
			{60, 2, 8},
			{59, 2, 9},
			{1, 3, 11},   // two minutes after the second
			{239, 3, 12}, // four after that
			{1, 4, 14},
		} {
			time.Sleep(time.Duration(step.after) * time.Second)
			assert.Equal(t, http.StatusUnauthorized, transportGet(t, rt, someAPI).StatusCode)
			assert.Equal(t, step.asked, p.asked(), "%+v", step)
			assert.Len(t, seen.bearers(), step.hops, "%+v", step)
		}
		p.lives = 100 * time.Hour // so that no refresh is due
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		before := p.asked()
		for range 24 * 60 {
			transportGet(t, rt, someAPI)
			time.Sleep(time.Minute)
		}
		assert.InDelta(t, 24+6, p.asked()-before, 2, "in a day: soon one an hour")
	})
}

// Law: M9
func TestWhichAnswersAreAboutTheToken(t *testing.T) {
	for name, row := range map[string]struct {
		status   int
		body     string
		replaced bool
	}{
		"error code 105":             {401, loggedOut, true},
		"no error code":              {401, `{"message":"Unauthorized"}`, true},
		"an empty body":              {401, ``, true},
		"no JSON":                    {401, `<html>161</html>`, true},
		"an array":                   {401, `[{"error_code":161}]`, true},
		"an error code deeper down":  {401, `{"errors":{"error_code":161}}`, true},
		"null":                       {401, `{"error_code":null}`, true},
		"a code that begins with it": {401, `{"error_code":1610}`, true},
		"a code that ends with it":   {401, `{"error_code":"2294"}`, true},
		"161":                        {401, `{"error_message":"no","error_code":161}`, false},
		"161 as a string":            {401, `{"error_message":"no","error_code":"161"}`, false},
		"294":                        {401, `{"error_message":"second factor","error_code":294,"tfa_type":"totp_authenticator"}`, false},
		"294 as a string":            {401, "\n {\"error_code\": \"294\"}\n", false},
		"294 at the end":             {401, `{"notice":"` + strings.Repeat(".", 60<<10) + `","error_code":294}`, false},
		"403":                        {403, loggedOut, false},
		"400":                        {400, loggedOut, false},
		"407":                        {407, loggedOut, false},
		"500":                        {500, loggedOut, false},
		"200":                        {200, loggedOut, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				m := transportManager(t, p, nil)
				seen := &api{answer: func(int, *http.Request) (*http.Response, error) {
					return httpAnswer(row.status, "application/json", row.body), nil
				}}
				resp := transportGet(t, m.For("user").Transport(seen), someAPI)
				assert.Equal(t, row.status, resp.StatusCode)
				body, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				assert.Equal(t, row.body, string(body))
				token, err := m.Token(t.Context(), "user")
				require.NoError(t, err)
				if row.replaced {
					assert.Equal(t, 1, p.asked())
					assert.Equal(t, "access-user-2", token.AccessToken)
					return
				}
				assert.Zero(t, p.asked())
				assert.Equal(t, "access-user-1", token.AccessToken)
				assert.Len(t, seen.bearers(), 1)
			})
		})
	}
}

func TestA401WhenTheRefreshFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		p.before = func(int, *http.Request) (*http.Response, error) {
			return httpAnswer(http.StatusInternalServerError, "text/plain", "sorry"), nil
		}
		m := transportManager(t, p, nil)
		seen := &api{answer: takesOnly()}
		rt := m.For("user").Transport(seen)
		for range 3 {
			resp := transportGet(t, rt, someAPI)
			assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			assert.Equal(t, loggedOut, string(body), "the API's own answer, whole")
		}
		assert.Equal(t, 1, p.asked(), "the others are within the backoff")
		assert.Len(t, seen.bearers(), 3)

		token, err := m.Token(t.Context(), "user")
		require.NoError(t, err, "one API's word is not enough to go without a token")
		assert.Equal(t, "access-user-1", token.AccessToken)

		p.mu.Lock()
		p.before = nil
		p.mu.Unlock()
		time.Sleep(3 * time.Second)
		transportGet(t, rt, someAPI)
		assert.Equal(t, 2, p.asked(), "after the backoff the next 401 counts again")
	})
}

func TestA401WhenTheRefreshTokenIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := transportManager(t, p, nil)
		p.logins["refresh-user-1"].revoked = true
		seen := &api{answer: takesOnly()}
		rt := m.For("user").Transport(seen)
		for range 4 {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, someAPI, nil)
			require.NoError(t, err)
			_, err = rt.RoundTrip(req)
			require.ErrorIs(t, err, csoauth.ErrLoginRequired)
			requireNoSecret(t, err.Error())
			_, err = m.Token(t.Context(), "user")
			require.ErrorIs(t, err, csoauth.ErrLoginRequired)
		}
		assert.Len(t, seen.bearers(), 1, "nothing else reached the API")
		assert.Equal(t, 1, p.asked())

		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		transportGet(t, rt, someAPI)
		assert.Equal(t, "Bearer access-user-2", seen.bearers()[1], "a new login is used at once")
	})
}

func TestA401WhenTheRequestEndsDuringTheRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := transportManager(t, p, nil)
		seen := &api{answer: takesOnly("access-user-2")}
		rt := m.For("user").Transport(seen)
		ctx, cancel := context.WithTimeout(t.Context(), p.takes/2)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, someAPI, nil)
		require.NoError(t, err)
		began := time.Now()
		resp, err := rt.RoundTrip(req)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
		assert.Equal(t, p.takes/2, time.Since(began))
		assert.Len(t, seen.bearers(), 1)

		resp = transportGet(t, rt, someAPI)
		assert.Equal(t, http.StatusOK, resp.StatusCode, "the refresh went on")
		assert.Equal(t, 1, p.asked())
		assert.Len(t, seen.bearers(), 2)
	})
}

func TestARequestThatEndsWhileItWaitsForAToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := transportManager(t, p, nil)
		time.Sleep(2 * p.lives)
		ctx, cancel := context.WithTimeout(t.Context(), p.takes/2)
		defer cancel()
		body := &recordedBody{Reader: strings.NewReader("entry")}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, someAPI, body)
		require.NoError(t, err)
		seen := &api{}
		_, err = m.For("user").Transport(seen).RoundTrip(req)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, closed := body.counts()
		assert.NotZero(t, closed)
		assert.Empty(t, seen.bearers())
	})
}

// More users than the cache holds: the entry may be gone before its 401 comes.
//
// Law: M9
func TestA401ToATokenThatTheCacheHasGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := transportManager(t, p, &tokens.Options{MaxCached: 1})
		require.NoError(t, m.Put(t.Context(), "other", p.login("other")))
		seen := &api{answer: func(n int, r *http.Request) (*http.Response, error) {
			if n == 1 {
				_, err := m.Token(t.Context(), "other")
				assert.NoError(t, err)
			}
			return takesOnly("access-user-3")(n, r)
		}}
		resp := transportGet(t, m.For("user").Transport(seen), someAPI)
		assert.Equal(t, http.StatusOK, resp.StatusCode)
		assert.Equal(t, 1, p.asked())
	})
}

func TestA401ToALoginThatIsDeletedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := transportManager(t, p, nil)
		seen := &api{answer: func(n int, r *http.Request) (*http.Response, error) {
			assert.NoError(t, m.Delete(t.Context(), "user"))
			return takesOnly()(n, r)
		}}
		resp := transportGet(t, m.For("user").Transport(seen), someAPI)
		assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
		assert.Zero(t, p.asked())
		_, err := m.Token(t.Context(), "user")
		require.ErrorIs(t, err, tokens.ErrNotFound)
	})
}

func TestA401AfterClose(t *testing.T) {
	p := newProvider()
	m := transportManager(t, p, nil)
	seen := &api{answer: func(n int, r *http.Request) (*http.Response, error) {
		assert.NoError(t, m.Close())
		return takesOnly()(n, r)
	}}
	assert.Equal(t, http.StatusUnauthorized, transportGet(t, m.For("user").Transport(seen), someAPI).StatusCode)
	assert.Zero(t, p.asked())
}

// Otherwise replicas would take turns: one refreshes, the others adopt its token and refresh that
// at their next 401.
//
// Law: M9
func TestATokenAdoptedBecauseOfA401CountsAsGotBecauseOfOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		store := new(tokens.Memory)
		const replicas = 5
		var transports [replicas]http.RoundTripper
		for i := range transports {
			m := newManager(p.config(), store, nil)
			t.Cleanup(func() { assert.NoError(t, m.Close()) })
			if i == 0 {
				require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
			}
			_, err := m.Token(t.Context(), "user")
			require.NoError(t, err)
			transports[i] = m.For("user").Transport(&api{answer: takesOnly()})
		}
		time.Sleep(time.Second)
		for range 3 {
			for _, rt := range transports {
				assert.Equal(t, http.StatusUnauthorized, transportGet(t, rt, someAPI).StatusCode)
			}
		}
		assert.Equal(t, 1, p.asked())
	})
}

// Another API's 401 is judged by itself.
//
// Law: M9
func TestA401OfAnotherAPIIsNotHeldBackForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		p.takes, p.lives = 0, 100*time.Hour
		m := transportManager(t, p, nil)
		odd := m.For("user").Transport(&api{answer: takesOnly()})
		for range 12 {
			transportGet(t, odd, someAPI)
			time.Sleep(time.Minute)
		}
		asked := p.asked()
		require.Less(t, asked, 6, "that API is held back")
		other := &api{answer: takesOnly("access-user-" + strconv.Itoa(asked+2))}
		resp := transportGet(t, m.For("user").Transport(other), "https://app.contentstack.com/apps-api/x")
		assert.Equal(t, http.StatusOK, resp.StatusCode)
		assert.Equal(t, asked+1, p.asked())
	})
}

// A login has ended if its access token is called invalid and its refresh token is refused. Nothing
// less ends it.
//
// Law: M9
func TestWhatEndsALoginAtARequest(t *testing.T) {
	const unclear = `{"message":"Unauthorized"}`
	refused := func(int, *http.Request) (*http.Response, error) {
		return jsonAnswer(400, map[string]any{"error": "invalid_grant"}), nil
	}
	fails := func(int, *http.Request) (*http.Response, error) { return httpAnswer(503, "text/plain", "busy"), nil }
	misconfigured := func(int, *http.Request) (*http.Response, error) {
		return jsonAnswer(401, map[string]any{"error": "invalid_client"}), nil
	}
	for name, row := range map[string]struct {
		body   string
		header string
		before func(int, *http.Request) (*http.Response, error)
		ends   bool
	}{
		"105, refused":                 {loggedOut, "", refused, true},
		"the live text, refused":       {`{"error_message":"The provided access token is invalid or expired or revoked"}`, "", refused, true},
		"RFC 6750, refused":            {"", `Bearer realm="x", error="invalid_token"`, refused, true},
		"a message, refused":           {`{"statusCode":401,"message":["access token expired"]}`, "", refused, true},
		"unclear, refused":             {unclear, "", refused, false},
		"a page, refused":              {"<h1>access token invalid</h1>", "", refused, false},
		"about another token, refused": {`{"message":"the delivery token is invalid"}`, "", refused, false},
		"161, refused":                 {`{"error_code":161,"error_message":"access token invalid"}`, "", refused, false},
		"105, the endpoint is down":    {loggedOut, "", fails, false},
		"105, the operator's mistake":  {loggedOut, "", misconfigured, false},
		"105, the response was lost":   {loggedOut, "", func(int, *http.Request) (*http.Response, error) { return nil, io.EOF }, false},
		"105, nothing could be sent":   {loggedOut, "", func(int, *http.Request) (*http.Response, error) { return nil, csoauth.ErrNotSent }, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				events := new(eventLog)
				m := transportManager(t, p, &tokens.Options{OnEvent: events.add})
				p.before = row.before
				odd := &api{answer: func(int, *http.Request) (*http.Response, error) {
					resp := httpAnswer(http.StatusUnauthorized, "application/json", row.body)
					if row.header != "" {
						resp.Header.Set("WWW-Authenticate", row.header)
					}
					return resp, nil
				}}
				for range 3 {
					req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, someAPI, nil)
					require.NoError(t, err)
					resp, err := m.For("user").Transport(odd).RoundTrip(req)
					if row.ends {
						require.ErrorIs(t, err, csoauth.ErrLoginRequired)
						requireNoSecret(t, err.Error())
						continue
					}
					require.NoError(t, err)
					body, err := io.ReadAll(resp.Body)
					require.NoError(t, err)
					assert.Equal(t, row.body, string(body))
					time.Sleep(time.Minute)
				}
				_, err := m.Token(t.Context(), "user")
				source, sourceErr := m.For("user").TokenSource(t.Context()).Token()
				fine := &api{}
				_, clientErr := (&http.Client{Transport: m.For("user").Transport(fine)}).Get("https://app.contentstack.com/")
				synctest.Wait()
				for _, err := range []error{err, sourceErr, clientErr} {
					if row.ends {
						require.ErrorIs(t, err, csoauth.ErrLoginRequired)
					} else {
						require.NoError(t, err)
					}
				}
				if row.ends {
					assert.Equal(t, 1, p.asked())
					assert.Contains(t, events.types(), tokens.EventLoginRequired)
					return
				}
				assert.Equal(t, "access-user-1", source.AccessToken)
				assert.Equal(t, []string{"Bearer access-user-1"}, fine.bearers(), "other APIs still get it")
				assert.NotContains(t, events.types(), tokens.EventLoginRequired)
			})
		})
	}
}

// The error says which API responded with which status, and the 401 is closed. A request that
// cannot be repeated gets the 401, and the next one the error.
//
// Law: M9
func TestErrorOfALoginThatEndedAtARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		m := transportManager(t, p, nil)
		p.logins["refresh-user-1"].revoked = true
		var body *recordedBody
		seen := &api{answer: func(int, *http.Request) (*http.Response, error) {
			body = &recordedBody{Reader: strings.NewReader(loggedOut)}
			return &http.Response{Status: "401 Unauthorized", StatusCode: 401, Header: http.Header{}, Body: body}, nil
		}}
		rt := m.For("user").Transport(seen)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, someAPI, io.MultiReader(strings.NewReader("once")))
		require.NoError(t, err)
		resp, err := rt.RoundTrip(req)
		require.NoError(t, err)
		assert.Equal(t, 401, resp.StatusCode)
		_, err = m.Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)

		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		p.logins["refresh-user-2"].revoked = true
		_, err = rt.RoundTrip(httptest.NewRequest(http.MethodGet, someAPI, nil))
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)
		require.ErrorContains(t, err, "api.contentstack.io")
		require.ErrorContains(t, err, "401")
		var said *csoauth.Error
		require.ErrorAs(t, err, &said)
		assert.Equal(t, 400, said.StatusCode, "what the token endpoint said")
		_, closed := body.counts()
		assert.NotZero(t, closed)
	})
}
