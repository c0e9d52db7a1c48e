package tokens_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// transportRedirects are chains of redirects. A + before a hop says that it gets the token, a -
// that it must not.
var transportRedirects = []struct {
	name string
	hops []string
}{
	{"no redirect", []string{"+https://api.example.com/"}},
	{"the same host", []string{"+https://api.example.com/a", "+https://api.example.com/b"}},
	{"many times", []string{"+https://api.example.com/a", "+https://api.example.com/b", "+https://api.example.com/c", "+https://api.example.com/d"}},
	{"the default port written out", []string{"+https://api.example.com/", "+https://api.example.com:443/"}},
	{"the default port left out", []string{"+https://api.example.com:443/", "+https://api.example.com/"}},
	{"an empty port", []string{"+https://api.example.com/", "+https://api.example.com:/"}},
	{"another case", []string{"+https://api.example.com/", "+HTTPS://API.Example.COM/"}},
	{"userinfo before the host", []string{"+https://api.example.com/", "+https://user:password@api.example.com/"}},
	{"loopback over http", []string{"+http://127.0.0.1/", "+http://127.0.0.1:80/"}},
	{"loopback over IPv6", []string{"+http://[::1]:8080/", "+http://[::1]:8080/b"}},

	{"another host", []string{"+https://api.example.com/", "-https://cdn.example.org/"}},
	{"a host below", []string{"+https://api.example.com/", "-https://eu.api.example.com/"}},
	{"the host above", []string{"+https://api.example.com/", "-https://example.com/"}},
	{"a sister", []string{"+https://api.example.com/", "-https://app.example.com/"}},
	{"a host that begins like it", []string{"+https://api.example.com/", "-https://api.example.com.evil.example/"}},
	{"a host that looks like userinfo", []string{"+https://api.example.com/", "-https://api.example.com@evil.example/"}},
	{"a dot at the end", []string{"+https://api.example.com/", "-https://api.example.com./"}},
	{"another port", []string{"+https://api.example.com/", "-https://api.example.com:8443/"}},
	{"the port of http", []string{"+https://api.example.com/", "-https://api.example.com:80/"}},
	{"down to http", []string{"+https://api.example.com/", "-http://api.example.com/"}},
	{"down to http on the same port", []string{"+https://api.example.com/", "-http://api.example.com:443/"}},
	{"up to https", []string{"+http://localhost/", "-https://localhost/"}},
	{"another loopback address", []string{"+http://127.0.0.1:8080/", "-http://127.0.0.2:8080/"}},
	{"loopback by another name", []string{"+http://127.0.0.1:8080/", "-http://localhost:8080/"}},
	{"from loopback to the world", []string{"+http://127.0.0.1:8080/", "-https://api.example.com/"}},

	{"away and back", []string{"+https://api.example.com/", "-https://evil.example/", "-https://api.example.com/"}},
	{"down and up again", []string{"+https://api.example.com/", "-http://api.example.com/", "-https://api.example.com/"}},
	{"away and on", []string{"+https://api.example.com/", "-https://evil.example/", "-https://evil.example/b"}},
	{"away and elsewhere", []string{"+https://api.example.com/", "-https://one.example/", "-https://two.example/", "-https://three.example/"}},
	{"away, back and away", []string{"+https://api.example.com/", "-https://evil.example/", "-https://api.example.com/b", "-https://evil.example/b", "-https://evil.example/c"}},
}

// A RoundTripper may say anything about the request of its response.
var transportBases = map[string]func(*http.Response, *http.Request){
	"as net/http does": func(resp *http.Response, r *http.Request) { resp.Request = r },
	"no request":       func(resp *http.Response, r *http.Request) { resp.Request = nil },
	"a request of its own": func(resp *http.Response, r *http.Request) {
		resp.Request = httptest.NewRequest(r.Method, r.URL.String(), nil)
	},
}

// Law: M9
func TestTransportKeepsTheTokenForTheFirstHost(t *testing.T) {
	p := newProvider()
	m := anyHostManager(t, p)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	for base, fill := range transportBases {
		for _, row := range transportRedirects {
			for how, client := range map[string]*http.Client{"": {}, " with a jar": {Jar: jar}} {
				t.Run(row.name+"/"+base+how, func(t *testing.T) {
					seen := &api{answer: func(n int, r *http.Request) (*http.Response, error) {
						resp := httpAnswer(http.StatusOK, "text/plain", "done")
						if n < len(row.hops) {
							resp.StatusCode = http.StatusFound
							resp.Header.Set("Location", row.hops[n][1:])
							resp.Header.Set("Set-Cookie", "session=1")
						}
						fill(resp, r)
						return resp, nil
					}}
					client.Transport = m.For("user").Transport(seen)
					resp, err := client.Get(row.hops[0][1:])
					require.NoError(t, err)
					resp.Body.Close()
					assert.Equal(t, http.StatusOK, resp.StatusCode)
					var got []string
					for i, authorization := range seen.bearers() {
						sign := "-"
						if authorization == "Bearer access-user-1" {
							sign = "+"
						}
						got = append(got, sign+row.hops[i][1:])
						requireNoSecret(t, strings.TrimPrefix(authorization, "Bearer access-user-1"))
					}
					assert.Equal(t, row.hops, got)
				})
			}
		}
	}
}

func TestTransportSendsTheTokenWithTheBodyOfARedirectedPost(t *testing.T) {
	m := anyHostManager(t, newProvider())
	seen := &api{answer: func(n int, r *http.Request) (*http.Response, error) {
		resp := httpAnswer(http.StatusOK, "text/plain", "done")
		if n == 1 {
			resp.StatusCode = http.StatusTemporaryRedirect
			resp.Header.Set("Location", "/b")
		}
		return resp, nil
	}}
	client := &http.Client{Transport: m.For("user").Transport(seen)}
	resp, err := client.Post("https://api.example.com/a", "text/plain", strings.NewReader("entry"))
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, []string{"Bearer access-user-1", "Bearer access-user-1"}, seen.bearers())
	assert.Equal(t, []string{"entry", "entry"}, seen.bodies())
}

func TestTransportIgnoresA401OfAnotherHost(t *testing.T) {
	p := newProvider()
	m := anyHostManager(t, p)
	seen := &api{answer: func(n int, r *http.Request) (*http.Response, error) {
		if r.URL.Host == "api.example.com" {
			resp := httpAnswer(http.StatusFound, "text/plain", "")
			resp.Header.Set("Location", "https://cdn.example.org/")
			return resp, nil
		}
		return httpAnswer(http.StatusUnauthorized, "application/json", loggedOut), nil
	}}
	client := &http.Client{Transport: m.For("user").Transport(seen)}
	resp, err := client.Get("https://api.example.com/")
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	assert.Len(t, seen.bearers(), 2)
	assert.Zero(t, p.asked(), "that host never saw the token")
}

// Over real HTTP, with net/http's own transport below and its own client above.
func TestTransportKeepsTheTokenFromAnotherServer(t *testing.T) {
	m := anyHostManager(t, newProvider())
	var first, second *httptest.Server
	serve := func(to func() string) *httptest.Server {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Token-Seen", r.Header.Get("Authorization"))
			switch r.URL.Path {
			case "/start":
				http.Redirect(w, r, second.URL+"/away", http.StatusFound)
			case "/away":
				assert.Empty(t, r.Header.Values("Authorization"))
				http.Redirect(w, r, to(), http.StatusFound)
			}
		}))
		t.Cleanup(server.Close)
		return server
	}
	first = serve(nil)
	second = serve(func() string { return first.URL + "/end" })
	client := &http.Client{Transport: m.For("user").Transport(first.Client().Transport)}
	resp, err := client.Get(first.URL + "/start")
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, "/end", resp.Request.URL.Path)
	assert.Empty(t, resp.Header.Get("Token-Seen"), "back at the first server, by the second one's word")
}
