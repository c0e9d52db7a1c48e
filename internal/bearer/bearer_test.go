package bearer

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// chain returns the last request of redirects over urls. An empty one is a hop of which nobody says
// what led to it.
func chain(tb testing.TB, urls ...string) *http.Request {
	tb.Helper()
	var req *http.Request
	for _, raw := range urls {
		next := &http.Request{}
		if raw != "" {
			u, err := url.Parse(raw)
			require.NoError(tb, err)
			next.URL = u
		}
		if req != nil {
			next.Response = &http.Response{Request: req}
			if req.URL == nil {
				next.Response.Request = nil
			}
		}
		req = next
	}
	return req
}

// Law: M9
func TestChains(t *testing.T) {
	const a, b, evil = "https://api.example.com/a", "https://api.example.com/b", "https://evil.example/"
	for name, row := range map[string]struct {
		hops []string
		want bool
	}{
		"one":                    {[]string{a}, true},
		"the same":               {[]string{a, b, a}, true},
		"port written out":       {[]string{a, "https://API.example.com:443/"}, true},
		"away":                   {[]string{a, evil}, false},
		"away and back":          {[]string{a, evil, a}, false},
		"away, back and on":      {[]string{a, evil, a, b}, false},
		"away and back to there": {[]string{a, evil, evil}, false},
		"from elsewhere":         {[]string{evil, a}, false},
		"down":                   {[]string{a, "http://api.example.com/"}, false},
		"down and up":            {[]string{a, "http://api.example.com/", a}, false},
		"another port":           {[]string{a, "https://api.example.com:8443/"}, false},
		"subdomain":              {[]string{a, "https://x.api.example.com/"}, false},
		"nobody says from where": {[]string{"", a}, false},
		"nor before":             {[]string{"", a, a}, false},
	} {
		assert.Equal(t, row.want, IsFirstOrigin(chain(t, row.hops...)), name)
	}
}

func TestHosts(t *testing.T) {
	of := []string{"api.contentstack.io", "app.contentstack.com", "127.0.0.1:8484", "api.example.org:8443", "port.example:443", "127.0.0.3:80", "[::2]", "[::3]:443"}
	options := Hosts{"127.0.0.1", "localhost", "[::1]", "localhost:1", "private.example", "private.example:8080"}
	for raw, want := range map[string][2]bool{ // of, options
		"https://api.contentstack.io/v3":            {true, false},
		"https://api.contentstack.io:443/v3":        {true, false},
		"https://api.contentstack.io:/v3":           {true, false},
		"https://API.contentstack.IO/v3":            {true, false},
		"https://user@api.contentstack.io/":         {true, false},
		"https://api.contentstack.io:8443/v3":       {false, false},
		"https://api.contentstack.io./v3":           {false, false},
		"https://x.api.contentstack.io/":            {false, false},
		"https://contentstack.io/":                  {false, false},
		"https://api.contentstack.io.evil.example/": {false, false},
		"https://api.contentstack.io@evil.example/": {false, false},
		"https://evil.example/?api.contentstack.io": {false, false},
		"https://evil.example#api.contentstack.io":  {false, false},
		"http://127.0.0.1:8484/":                    {true, true},
		"http://127.0.0.1:8485/":                    {false, true},
		"http://127.0.0.2:8484/":                    {false, false},
		"https://api.example.org:8443/":             {true, false},
		"https://api.example.org/":                  {false, false},
		"http://localhost:9/":                       {false, true},
		"http://[::1]:9/":                           {false, true},
		"http://[::1]/":                             {false, true},
		"https://private.example/":                  {false, true},
		"https://private.example:8080/":             {false, true},
		"https://private.example:8081/":             {false, false},
		"https://port.example/":                     {true, false},
		"http://127.0.0.3/":                         {true, false},
		"https://127.0.0.3/":                        {false, false},
		"https://[::2]/":                            {true, false},
		"https://[::3]/":                            {true, false},
		"https://PORT.example:443/":                 {true, false},
		"https://port.example:80/":                  {false, false},
		"https://not-private.example/":              {false, false},
		"//api.contentstack.io/":                    {true, false}, // it has no scheme, and is not secure
	} {
		u, err := url.Parse(raw)
		require.NoError(t, err)
		assert.Equal(t, want, [2]bool{Takes(of, u), options.Take(u)}, raw)
	}
	assert.False(t, Takes(nil, &url.URL{Scheme: "https", Host: ""}))
}

func TestCheckHosts(t *testing.T) {
	require.NoError(t, CheckHosts([]string{"api.example.com", "api.example.com:8443", "127.0.0.1", "[::1]", "[::1]:80", "localhost"}))
	require.EqualError(t, CheckHosts([]string{""}), `"" is no host or host:port: it is empty`)
	require.ErrorContains(t, CheckHosts([]string{"*.example.com"}), "no wildcards: name each host")
	require.ErrorContains(t, CheckHosts([]string{"https://api.example.com"}), "leave out scheme, path and user, and write an IPv6 address in brackets")
	for _, host := range []string{"", "*", "*.example.com", "https://api.example.com", "api.example.com/", "api.example.com/v3", "user@api.example.com", "api.example.com:", "api.example.com:x", "::1", "a b", "a?b", "a#b", ":80", "a\nb"} {
		require.Error(t, CheckHosts([]string{"good.example", host}), "%q", host)
	}
}

func TestWithReplacesEveryCase(t *testing.T) {
	h := http.Header{"authorization": {"Basic x"}, "AUTHORIZATION": {"y"}, "Authorization": {"z", "z"}, "Accept": {"a"}}
	before := h.Clone()
	assert.Equal(t, http.Header{"Authorization": {"Bearer new"}, "Accept": {"a"}}, With(h, []string{"Bearer new"}))
	assert.Equal(t, before, h)
	assert.Equal(t, http.Header{"Authorization": {"Bearer new"}}, With(nil, []string{"Bearer new"}))
}

func TestWithSharesNoRoom(t *testing.T) {
	room := make([]string, 1, 2)
	sent := With(http.Header{"Accept": room}, []string{"Bearer new"})
	sent.Add("Accept", "b")
	assert.Equal(t, []string{"", ""}, room[:2], "an append to the copy writes into nothing of the caller's")
}

// No chain of redirects gives the token to another origin than the first, or gives it again once it
// has left that one.
//
// Law: M9
func FuzzChains(f *testing.F) {
	f.Add("https://a.example https://b.example https://a.example")
	f.Add("https://a.example HTTPS://A.example:443/x")
	f.Add("https://a.example http://a.example https://a.example")
	f.Add("https://a.example  https://a.example")
	f.Fuzz(func(t *testing.T, hops string) {
		var urls []*url.URL
		var raws []string
		for _, raw := range strings.Split(hops, " ") {
			u, err := url.Parse(raw)
			if err != nil || len(raws) == 10 {
				return
			}
			urls, raws = append(urls, u), append(raws, raw)
		}
		stayed := true
		for i := range urls {
			if i > 0 && (raws[i-1] == "" || !sameAsFirst(urls[0], urls[i])) {
				stayed = false
			}
			if raws[i] == "" {
				continue
			}
			if got := IsFirstOrigin(chain(t, raws[:i+1]...)); got && !stayed {
				t.Fatalf("hop %d of %q gets the token", i, raws)
			}
		}
	})
}

// sameAsFirst compares origins in another way than the package: as text.
func sameAsFirst(a, b *url.URL) bool {
	text := func(u *url.URL) string {
		scheme, host, number := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.Port()
		if number == "" {
			number = map[bool]string{true: "443", false: "80"}[scheme == "https"]
		}
		return scheme + "://" + host + ":" + number
	}
	return text(a) == text(b) || strings.EqualFold(a.Hostname(), b.Hostname()) && strings.EqualFold(text(a), text(b))
}

// It is asked for each request.
func TestTakesAllocatesNothing(t *testing.T) {
	hosts := []string{"app.example.com", "[::1]:8484", "api.example.com"}
	u := &url.URL{Scheme: "https", Host: "api.example.com"}
	assert.Zero(t, testing.AllocsPerRun(100, func() { Takes(hosts, u) }))
	assert.True(t, Takes(hosts, u))
}
