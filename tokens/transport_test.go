package tokens_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// Law: M9
func TestTransportSendsTheTokenOnlyWhereNobodyElseReadsIt(t *testing.T) {
	m := anyHostManager(t, newProvider())
	for url, allowed := range map[string]bool{
		"https://api.example.com/":        true,
		"HTTPS://api.example.com/":        true,
		"https://0.0.0.0/":                true,
		"http://127.0.0.1/":               true,
		"http://127.0.0.1:8080/":          true,
		"http://127.255.255.254/":         true,
		"http://[::1]/":                   true,
		"http://[::1]:8080/":              true,
		"http://localhost/":               true,
		"HTTP://localhost:8080/":          true,
		"http://LOCALHOST/":               false, // net/http would ask a proxy of the environment
		"http://localhost./":              false,
		"http://api.example.com/":         false,
		"http://localhost.evil.example/":  false,
		"http://localhost.localdomain/":   false,
		"http://evil.localhost/":          false,
		"http://localhost@evil.example/":  false,
		"http://127.0.0.1@evil.example/":  false,
		"http://127.0.0.1.nip.io/":        false,
		"http://127.0.0.1.example.com/":   false,
		"http://127.1/":                   false,
		"http://2130706433/":              false,
		"http://0.0.0.0/":                 false,
		"http://[::]/":                    false,
		"http://128.0.0.1/":               false,
		"http://126.255.255.255/":         false,
		"http://10.0.0.1/":                false,
		"http://192.168.0.1/":             false,
		"http://[fe80::1]/":               false,
		"http://[::2]/":                   false,
		"http:///":                        false,
		"ftp://127.0.0.1/":                false,
		"ws://localhost/":                 false,
		"//api.example.com/":              false,
		"http://api.example.com:443/":     false,
		"http://user:hunter2@example.com": false,
	} {
		t.Run(url, func(t *testing.T) {
			seen := &api{}
			body := &recordedBody{Reader: strings.NewReader("entry")}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
			require.NoError(t, err)
			resp, err := m.For("user").Transport(seen).RoundTrip(req)
			if allowed {
				require.NoError(t, err)
				resp.Body.Close()
				assert.Equal(t, []string{"Bearer access-user-1"}, seen.bearers())
				return
			}
			require.ErrorContains(t, err, "https")
			assert.NotContains(t, err.Error(), "hunter2")
			assert.Empty(t, seen.bearers(), "nothing was sent")
			_, closed := body.counts()
			assert.NotZero(t, closed, "the request's body is closed")
		})
	}
}

// Law: M9
func TestTransportLeavesTheRequestAlone(t *testing.T) {
	p := newProvider()
	m := anyHostManager(t, p)
	// A base that does everything a RoundTripper may do to a request of its own, on both hops.
	seen := &api{answer: func(n int, r *http.Request) (*http.Response, error) {
		r.Header["Accept"] = append(r.Header["Accept"], "scribbled")
		r.Header.Set("X-New", "scribbled")
		r.Header.Del("X-Old")
		r.Method = "SCRIBBLED"
		if n == 1 {
			return httpAnswer(http.StatusUnauthorized, "application/json", loggedOut), nil
		}
		return httpAnswer(http.StatusOK, "text/plain", "done"), nil
	}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "https://api.example.com/a?b=c", strings.NewReader("entry"))
	require.NoError(t, err)
	spare := append(make([]string, 0, 4), "text/plain", "text/html")
	req.Header = http.Header{"Accept": spare, "X-Old": {"1"}, "X-None": nil, "Authorization": {"Basic mine"}}
	req.Host = "virtual.example.com"
	before := *req
	header := maps.Clone(req.Header)
	url := *req.URL

	resp, err := m.For("user").Transport(seen).RoundTrip(req)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, []string{"Bearer access-user-1", "Bearer access-user-2"}, seen.bearers(), "whatever was there is replaced")
	assert.Equal(t, []string{"entry", "entry"}, seen.bodies())

	assert.Same(t, req, resp.Request, "and not the one with the token")
	assert.Equal(t, header, req.Header)
	assert.Equal(t, []string{"text/plain", "text/html", "", ""}, spare[:4], "what lies behind the header's values")
	assert.Equal(t, url, *req.URL)
	assert.Equal(t, before.Method, req.Method)
	assert.Equal(t, before.Host, req.Host)
	assert.Equal(t, before.Body, req.Body)
	assert.Equal(t, before.ContentLength, req.ContentLength)
}

func TestTransportClosesTheBodyThatItDoesNotSend(t *testing.T) {
	p := newProvider()
	p.before = func(int, *http.Request) (*http.Response, error) {
		return httpAnswer(http.StatusInternalServerError, "text/plain", "sorry"), nil
	}
	m := anyHostManager(t, p)
	ended := p.login("ended")
	ended.Expiry = time.Now().Add(-time.Minute)
	require.NoError(t, m.Put(t.Context(), "ended", ended))
	for name, row := range map[string]struct {
		key, url string
		is       error
	}{
		"no login":           {"nobody", "https://api.example.com/", csoauth.ErrLoginRequired},
		"a failing refresh":  {"ended", "https://api.example.com/", nil},
		"a key too long":     {strings.Repeat("k", 513), "https://api.example.com/", nil},
		"http":               {"user", "http://api.example.com/", nil},
		"no scheme":          {"user", "//api.example.com/", nil},
		"a scheme of others": {"user", "ftp://api.example.com/", nil},
	} {
		t.Run(name, func(t *testing.T) {
			seen := &api{}
			body := &recordedBody{Reader: strings.NewReader("entry")}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, row.url, body)
			require.NoError(t, err)
			resp, err := m.For(row.key).Transport(seen).RoundTrip(req)
			require.Error(t, err)
			assert.Nil(t, resp)
			if row.is != nil {
				require.ErrorIs(t, err, row.is)
			}
			requireNoSecret(t, err.Error())
			assert.Empty(t, seen.bearers())
			read, closed := body.counts()
			assert.Zero(t, read)
			assert.NotZero(t, closed)
		})
	}
}

func TestTransportReturnsTheErrorOfItsBase(t *testing.T) {
	m := anyHostManager(t, newProvider())
	broken := errors.New("no route")
	body := &recordedBody{Reader: strings.NewReader("entry")}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.example.com/", body)
	require.NoError(t, err)
	_, err = m.For("user").Transport(&api{answer: func(int, *http.Request) (*http.Response, error) { return nil, broken }}).RoundTrip(req)
	require.ErrorIs(t, err, broken)
	requireNoSecret(t, err.Error())
	_, closed := body.counts()
	assert.NotZero(t, closed)
}

// A RoundTripper must not do either, and http.Client knows what to say when one does.
func TestTransportOverABaseThatBreaksItsPromises(t *testing.T) {
	p := newProvider()
	m := anyHostManager(t, p)
	t.Run("neither answer nor error", func(t *testing.T) {
		client := &http.Client{Transport: m.For("user").Transport(&api{answer: func(int, *http.Request) (*http.Response, error) { return nil, nil }})}
		require.NotPanics(t, func() {
			_, err := client.Get("https://api.example.com/")
			require.Error(t, err)
		})
	})
	t.Run("a 401 without a body", func(t *testing.T) {
		client := &http.Client{Transport: m.For("user").Transport(&api{answer: func(int, *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusUnauthorized}, nil
		}})}
		require.NotPanics(t, func() {
			resp, err := client.Get("https://api.example.com/")
			require.NoError(t, err)
			resp.Body.Close()
			assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
		})
	})
}

func TestClientUsesTheDefaultTransport(t *testing.T) {
	m := anyHostManager(t, newProvider())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("Authorization"))
	}))
	defer server.Close()
	client := m.For("user").Client()
	assert.Zero(t, client.Timeout)
	assert.Nil(t, client.Jar)
	assert.Nil(t, client.CheckRedirect)
	for _, client := range []*http.Client{client, {Transport: m.For("user").Transport(nil)}} {
		resp, err := client.Get(server.URL)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, "Bearer access-user-1", string(body))
	}
}

func TestClientsOfTwoKeysSendTwoTokens(t *testing.T) {
	p := newProvider()
	m := anyHostManager(t, p)
	require.NoError(t, m.Put(t.Context(), "other", p.login("other")))
	seen := &api{}
	for _, key := range []string{"user", "other", "user"} {
		transportGet(t, m.For(key).Transport(seen), "https://api.example.com/")
	}
	assert.Equal(t, []string{"Bearer access-user-1", "Bearer access-other-2", "Bearer access-user-1"}, seen.bearers())
}

func TestNothingOfATransportPrintsTheToken(t *testing.T) {
	m := anyHostManager(t, newProvider())
	base := &api{}
	rt := m.For("user").Transport(base)
	transportGet(t, rt, "https://api.example.com/")
	base.hops = nil // the test's own memory of it
	source := m.For("user").TokenSource(t.Context())
	_, err := source.Token()
	require.NoError(t, err)
	store, memory := tokens.Single(newProvider().login("user"), saveNowhere), new(tokens.Memory)
	require.NoError(t, memory.CompareAndSwap(t.Context(), "user", nil, []byte("access-user-1")))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{rt, []any{rt}, source, []any{source}, m.For("user").Client(), *m.For("user").Client(), store, []any{store}, memory, []any{memory}, m, []any{m}} {
			text := fmt.Sprintf(verb, value)
			for _, access := range []string{"access-", "97 99 99 101 115 115", "0x61, 0x63, 0x63, 0x65, 0x73, 0x73", "616363657373"} {
				assert.False(t, strings.Contains(text, access), "%s of %T shows %q", verb, value, access)
			}
		}
	}
}

// requireNoSecret fails if text holds a token of a provider.
func requireNoSecret(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{"access-", "refresh-"} {
		require.NotContains(t, text, secret)
	}
}
