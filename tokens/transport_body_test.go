package tokens_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

const peeked = 64 << 10

// withBody returns a response with a body that remembers how it was used.
func withBody(status int, body io.Reader) (*http.Response, *recordedBody) {
	recorded := &recordedBody{Reader: body}
	resp := httpAnswer(status, "application/json", "")
	resp.Body = recorded
	return resp, recorded
}

// Law: M9
func TestA401IsGivenBackWhole(t *testing.T) {
	broken := errors.New("connection reset by peer")
	text := func(size int) []byte {
		b := []byte(`{"error_code":294,"notice":"`)
		return append(b, bytes.Repeat([]byte("x"), size)...)[:size]
	}
	for name, row := range map[string]struct {
		body   []byte
		breaks error
	}{
		"empty":                   {nil, nil},
		"small":                   {[]byte(loggedOut), nil},
		"one byte less":           {text(peeked - 1), nil},
		"as much as is looked at": {text(peeked), nil},
		"one byte more":           {text(peeked + 1), nil},
		"10 MiB":                  {text(10 << 20), nil},
		"breaks at once":          {nil, broken},
		"breaks in the middle":    {text(1000), broken},
		"breaks at the end":       {text(peeked), broken},
		"breaks later":            {text(peeked + 1000), broken},
	} {
		for replaceable, key := range map[string]string{"and no better token": "only", "and another token": "user"} {
			t.Run(name+" "+replaceable, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := newProvider()
					m := transportManager(t, p, nil)
					only := p.login("only")
					only.RefreshToken = ""
					require.NoError(t, m.Put(t.Context(), "only", only))
					body := io.Reader(bytes.NewReader(row.body))
					if row.breaks != nil {
						body = io.MultiReader(body, iotest.ErrReader(row.breaks))
					}
					answer, recorded := withBody(http.StatusUnauthorized, body)
					// If the body cannot be read again, the response remains the 401.
					req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, someAPI, io.NopCloser(strings.NewReader("entry")))
					require.NoError(t, err)
					resp, err := m.For(key).Transport(&api{answer: func(int, *http.Request) (*http.Response, error) { return answer, nil }}).RoundTrip(req)
					require.NoError(t, err)
					read, closed := recorded.counts()
					assert.LessOrEqual(t, read, peeked, "looked at")
					assert.Zero(t, closed, "closing is the caller's")

					got, err := io.ReadAll(resp.Body)
					assert.Equal(t, row.breaks, err)
					assert.True(t, bytes.Equal(row.body, got), "%d bytes instead of %d", len(got), len(row.body))
					require.NoError(t, resp.Body.Close())
					_, closed = recorded.counts()
					assert.Equal(t, 1, closed)
				})
			})
		}
	}
}

func TestOnlyA401IsRead(t *testing.T) {
	m := transportManager(t, newProvider(), nil)
	for _, status := range []int{http.StatusSwitchingProtocols, http.StatusOK, http.StatusForbidden, http.StatusInternalServerError} {
		answer, recorded := withBody(status, strings.NewReader("stream"))
		resp := transportGet(t, m.For("user").Transport(&api{answer: func(int, *http.Request) (*http.Response, error) { return answer, nil }}), someAPI)
		read, closed := recorded.counts()
		assert.Zero(t, read, status)
		assert.Zero(t, closed, status)
		assert.Same(t, recorded, resp.Body, "%d: whatever else the body can do, such as Write, it still can", status)
	}
}

// Law: M9
func TestWhatCanBeSentAgain(t *testing.T) {
	entry := func() io.ReadCloser { return io.NopCloser(strings.NewReader("entry")) }
	for name, row := range map[string]struct {
		body    io.ReadCloser
		getBody func() (io.ReadCloser, error)
		bodies  []string // of the first call
	}{
		"no body":                     {nil, nil, []string{"", ""}},
		"http.NoBody":                 {http.NoBody, nil, []string{"", ""}},
		"http.NoBody again":           {http.NoBody, func() (io.ReadCloser, error) { return http.NoBody, nil }, []string{"", ""}},
		"GetBody":                     {entry(), func() (io.ReadCloser, error) { return entry(), nil }, []string{"entry", "entry"}},
		"a body and no GetBody":       {entry(), nil, []string{"entry"}},
		"a GetBody that fails":        {entry(), func() (io.ReadCloser, error) { return nil, errors.New("the file is gone") }, []string{"entry"}},
		"GetBody without a body here": {nil, func() (io.ReadCloser, error) { return http.NoBody, nil }, []string{"", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				m := transportManager(t, p, nil)
				seen := &api{answer: takesOnly("access-user-2")}
				rt := m.For("user").Transport(seen)
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, someAPI, nil)
				require.NoError(t, err)
				req.Body, req.GetBody = row.body, row.getBody
				resp, err := rt.RoundTrip(req)
				require.NoError(t, err)
				resp.Body.Close()
				assert.Equal(t, row.bodies, seen.bodies())
				if len(row.bodies) == 2 {
					assert.Equal(t, http.StatusOK, resp.StatusCode)
				} else {
					assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
				}
				assert.Equal(t, http.StatusOK, transportGet(t, rt, someAPI).StatusCode, "the next call has a new token at once")
				assert.Len(t, seen.bearers(), len(row.bodies)+1)
				assert.Equal(t, 1, p.asked())
			})
		})
	}
}

func TestTheFirstAnswerIsDrainedAndClosed(t *testing.T) {
	for name, row := range map[string]struct{ size, atMost int }{
		"empty":    {0, 0},
		"small":    {1000, 1000},
		"64 KiB":   {peeked, peeked},
		"too much": {10 << 20, 2 * peeked},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := transportManager(t, newProvider(), nil)
				refused, recorded := withBody(http.StatusUnauthorized, strings.NewReader(strings.Repeat(" ", row.size)))
				resp := transportGet(t, m.For("user").Transport(&api{answer: func(n int, r *http.Request) (*http.Response, error) {
					if n == 1 {
						return refused, nil
					}
					_, closed := recorded.counts()
					assert.Equal(t, 1, closed, "before the second request")
					return takesOnly("access-user-2")(n, r)
				}}), someAPI)
				assert.Equal(t, http.StatusOK, resp.StatusCode)
				read, closed := recorded.counts()
				assert.Equal(t, 1, closed)
				assert.GreaterOrEqual(t, read, min(row.size, peeked))
				assert.LessOrEqual(t, read, row.atMost)
			})
		})
	}
}

// Over real HTTP/1.1 and HTTP/2: the second request needs no second connection.
func TestARepeatedRequestUsesTheSameConnection(t *testing.T) {
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		t.Run(name, func(t *testing.T) {
			p := newProvider()
			p.takes = 0
			m := transportManager(t, p, &tokens.Options{Hosts: []string{"127.0.0.1"}})
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if r.Header.Get("Authorization") != "Bearer access-user-2" {
					w.WriteHeader(http.StatusUnauthorized)
					io.WriteString(w, loggedOut+strings.Repeat(" ", 32<<10))
					return
				}
				io.WriteString(w, r.Proto+" "+string(body))
			}))
			server.EnableHTTP2 = http2
			server.StartTLS()
			defer server.Close()
			var reused []bool
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
				GotConn: func(info httptrace.GotConnInfo) { reused = append(reused, info.Reused) },
			})
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, strings.NewReader("entry"))
			require.NoError(t, err)
			client := &http.Client{Transport: m.For("user").Transport(server.Client().Transport)}
			resp, err := client.Do(req)
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			resp.Body.Close()
			assert.Equal(t, name+" entry", string(body))
			assert.Equal(t, []bool{false, true}, reused)
			assert.Empty(t, resp.Request.Header.Values("Authorization"))
		})
	}
}
