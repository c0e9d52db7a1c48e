package tokens_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// Only the hosts of the token's region, and those of the options, get the token. A request to any
// other goes out as it is, which is told once for each host.
//
// Law: M9
func TestTransportKeepsTheTokenFromOtherHosts(t *testing.T) {
	for name, row := range map[string]struct {
		location string
		hosts    []string
		want     map[string]bool
	}{
		"North America": {"NA", nil, map[string]bool{
			"https://api.contentstack.io/v3/stacks": true, "https://developerhub-api.contentstack.com/apps": true,
			"https://eu-api.contentstack.com/v3/stacks": false, "https://cdn.contentstack.io/v3/entries": false,
			"https://images.contentstack.io/x": false, "https://contentstack.io/": false, "https://evil.example/": false,
			"https://api.contentstack.io:8443/": false, "http://127.0.0.1:8080/": false, "http://plain.example/": false,
		}},
		"Europe": {"EU", nil, map[string]bool{"https://eu-api.contentstack.com/v3/stacks": true, "https://api.contentstack.io/": false}},
		"and options": {"EU", []string{"api.example.com", "127.0.0.1"}, map[string]bool{
			"https://eu-api.contentstack.com/v3/stacks": true, "https://api.example.com/": true, "http://127.0.0.1:8080/": true,
			"https://api.example.com:8443/": false, "https://example.com/": false,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider()
			events := new(eventLog)
			m := newManager(p.config(), new(tokens.Memory), &tokens.Options{Hosts: row.hosts, OnEvent: events.add})
			token := p.login("user")
			token.Location = row.location
			require.NoError(t, m.Put(t.Context(), "user", token))
			withheld := 0
			for url, want := range row.want {
				seen := &api{answer: func(int, *http.Request) (*http.Response, error) {
					return httpAnswer(401, "application/json", loggedOut), nil // it does not count there
				}}
				if want {
					seen.answer = nil
				} else {
					withheld++
				}
				for range 3 {
					req := httptest.NewRequest(http.MethodPost, url, strings.NewReader("entry"))
					req.Header.Set("X-Own", "kept")
					_, err := m.For("user").Transport(seen).RoundTrip(req)
					require.NoError(t, err)
				}
				expected := ""
				if want {
					expected = "Bearer access-user-1"
				}
				assert.Equal(t, []string{expected, expected, expected}, seen.bearers(), url)
				assert.Equal(t, []string{"entry", "entry", "entry"}, seen.bodies())
			}
			assert.Zero(t, p.asked())
			told := events.types()
			assert.Len(t, told, withheld)
			for _, e := range told {
				assert.Equal(t, tokens.EventTokenWithheld, e)
			}
			require.NoError(t, m.Close())
		})
	}
}

func TestHostsThatCannotBe(t *testing.T) {
	for _, host := range []string{"", "*.contentstack.io", "https://api.example.com", "api.example.com/v3"} {
		_, err := tokens.New(newProvider().config(), new(tokens.Memory), &tokens.Options{Hosts: []string{host}})
		require.ErrorContains(t, err, "Options.Hosts")
	}
}

// What stands between a client and the Transport may do more than net/http.
//
// Law: M9
func TestTransportUnderOtherRoundTrippers(t *testing.T) {
	const there = "https://api.contentstack.io/next"
	redirect := func(_ int, r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/next" {
			return httpAnswer(200, "text/plain", "done"), nil
		}
		resp := httpAnswer(302, "text/plain", "")
		resp.Header.Set("Location", there)
		return resp, nil
	}
	for name, row := range map[string]struct {
		outer func(inner http.RoundTripper) roundTripperFunc
		want  []string
	}{
		"it passes on": {func(inner http.RoundTripper) roundTripperFunc { return inner.RoundTrip }, []string{"Bearer access-user-1", "Bearer access-user-1"}},
		"it answers a redirect by itself, of nobody": {func(inner http.RoundTripper) roundTripperFunc {
			return func(r *http.Request) (*http.Response, error) {
				if r.URL.Path != "/next" {
					return redirect(0, r)
				}
				return inner.RoundTrip(r)
			}
		}, []string{""}},
		"it forgets whose response it is": {func(inner http.RoundTripper) roundTripperFunc {
			return func(r *http.Request) (*http.Response, error) {
				resp, err := inner.RoundTrip(r)
				if resp != nil {
					resp.Request = nil
				}
				return resp, err
			}
		}, []string{"Bearer access-user-1", ""}},
		"it sends a copy": {func(inner http.RoundTripper) roundTripperFunc {
			return func(r *http.Request) (*http.Response, error) { return inner.RoundTrip(r.Clone(r.Context())) }
		}, []string{"Bearer access-user-1", "Bearer access-user-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := transportManager(t, newProvider(), nil)
			seen := &api{answer: redirect}
			client := &http.Client{Transport: row.outer(m.For("user").Transport(seen))}
			resp, err := client.Get("https://api.contentstack.io/first")
			require.NoError(t, err)
			resp.Body.Close()
			assert.Equal(t, row.want, seen.bearers())
		})
	}
}

// There is one Authorization header, however the caller wrote another.
//
// Law: M9
func TestTransportReplacesEveryAuthorization(t *testing.T) {
	m := transportManager(t, newProvider(), nil)
	seen := &api{}
	req := httptest.NewRequest(http.MethodGet, someAPI, nil)
	req.Header = http.Header{"authorization": {"Basic x"}, "AUTHORIZATION": {"y"}, "Authorization": {"z"}}
	var sent http.Header
	seen.answer = func(_ int, r *http.Request) (*http.Response, error) {
		sent = r.Header
		return httpAnswer(200, "text/plain", ""), nil
	}
	_, err := m.For("user").Transport(seen).RoundTrip(req)
	require.NoError(t, err)
	assert.Equal(t, http.Header{"Authorization": {"Bearer access-user-1"}}, sent)
	assert.Len(t, req.Header, 3, "the caller's request is left alone")
}

// No host may have a token that the Config does not know.
func TestTransportOfATokenFromElsewhere(t *testing.T) {
	p := newProvider()
	m := newManager(p.config(), new(tokens.Memory), nil)
	token := p.login("user")
	token.Location = "MARS"
	require.NoError(t, m.Put(t.Context(), "user", token))
	seen := &api{}
	_, err := m.For("user").Transport(seen).RoundTrip(httptest.NewRequest(http.MethodGet, someAPI, nil))
	if err == nil {
		assert.Equal(t, []string{""}, seen.bearers())
	} else {
		assert.False(t, errors.Is(err, csoauth.ErrLoginRequired))
	}
	require.NoError(t, m.Close())
}
