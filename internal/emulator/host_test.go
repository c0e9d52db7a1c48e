package emulator_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

func TestHostsThatAreServed(t *testing.T) {
	s := start(t, emulator.Options{AllowHosts: []string{"emulator", "Contentstack.Test", "192.0.2.7", "fd00::7", "[fd00::8]"}})
	for host, served := range map[string]bool{
		"localhost":               true,
		"localhost:8484":          true,
		"LOCALHOST:1":             true,
		"app.localhost:8484":      true,
		"a.b.localhost":           true,
		"127.0.0.1":               true,
		"127.0.0.1:8484":          true,
		"127.255.255.255:8484":    true,
		"[::1]":                   true,
		"[::1]:8484":              true,
		"[0:0:0:0:0:0:0:1]:8484":  true,
		"emulator":                true,
		"emulator:8484":           true,
		"EMULATOR:1":              true,
		"contentstack.test":       true,
		"192.0.2.7:8484":          true,
		"[fd00::7]:8484":          true,
		"[fd00:0::8]":             true,
		"evil.example":            false,
		"evil.example:8484":       false,
		"localhost.evil.example":  false,
		"notlocalhost":            false,
		"127.0.0.1.evil.example":  false,
		"126.255.255.255":         false,
		"128.0.0.0":               false,
		"[::2]:8484":              false,
		"[::ffff:192.0.2.8]":      false,
		"0.0.0.0:8484":            false,
		"[::]:8484":               false,
		"192.0.2.8:8484":          false,
		"[fd00::9]":               false,
		"emulator.evil.example":   false,
		"sub.emulator":            false,
		"contentstack.test.":      false,
		"localhost:8484:8484":     false,
		"[::1":                    false,
		"emulator@evil.example":   false,
		"[::ffff:127.0.0.1]:8484": true,
	} {
		r := s.request(http.MethodGet, s.url+"/_emulator/requests", "")
		r.Host = host
		said := s.do(s.client, r)
		if served {
			require.Equal(t, http.StatusOK, said.status, host)
			continue
		}
		require.Equal(t, http.StatusMisdirectedRequest, said.status, host)
	}
}

func TestAnotherHostGetsNothing(t *testing.T) {
	s := start(t, emulator.Options{})
	s.login()
	before := len(s.Requests())
	for _, path := range []string{
		"/", "/login", "/_emulator/requests", "/_emulator/log.js", "/v3/user", "/token", "/favicon.ico",
		"/apps/app1/authorize?" + authorization().Encode(), "//", "/no/such/page",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r := s.request(method, s.url+path, "")
			r.Host = "rebound.example:8484"
			said := s.do(s.client, r)
			require.Equal(t, http.StatusMisdirectedRequest, said.status, path)
			require.Equal(t, `The emulator does not serve the host "rebound.example:8484". Use localhost, or allow that name with the flag `+
				"--allow-host (in a Go test: csoauthtest.Options.AllowHosts).\n", said.body)
			require.Equal(t, "text/plain; charset=utf-8", said.header.Get("Content-Type"))
			require.Equal(t, "nosniff", said.header.Get("X-Content-Type-Options"))
			require.Empty(t, said.header.Values("Set-Cookie"))
		}
	}
	require.Len(t, s.Requests(), before+20)
	require.Equal(t, `refused: the host "rebound.example:8484" is not served without --allow-host`, s.last().Decision)
	require.Equal(t, http.StatusMisdirectedRequest, s.last().Status)
	require.Empty(t, s.last().Params)
}

// TestRequestWithoutHost: HTTP/1.0 allows it, and no browser sends it.
func TestRequestWithoutHost(t *testing.T) {
	s := start(t, emulator.Options{})
	r := s.request(http.MethodGet, s.url+"/", "")
	r.Host = ""
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	require.Equal(t, http.StatusMisdirectedRequest, w.Code)
	r.Host = strings.Repeat("a", 300)
	w = httptest.NewRecorder()
	s.ServeHTTP(w, r)
	require.Equal(t, http.StatusMisdirectedRequest, w.Code)
	require.Less(t, w.Body.Len(), 300)
}

func TestAllowedHostThatCannotWork(t *testing.T) {
	for _, host := range []string{"", "emulator:8484", "192.0.2.7:8484", "[fd00::7]:8484", "http://emulator", "emulator/", "a b", "*", "*.example.com", "[emulator]"} {
		_, err := emulator.New(emulator.Options{AllowHosts: []string{"emulator", host}})
		require.EqualError(t, err, fmt.Sprintf("emulator: allowed host %q: want a name or an IP address, without a port", host))
	}
}
