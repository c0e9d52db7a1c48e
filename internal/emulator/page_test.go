package emulator_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

func TestPagesCannotBeFramedCachedOrScripted(t *testing.T) {
	s := start(t, emulator.Options{})
	for name, row := range map[string]struct {
		url    string
		status int
		title  string
	}{
		"index":   {s.url + "/", 200, "Emulated Contentstack"},
		"login":   {s.url + "/login", 200, "Log in – Emulated Contentstack"},
		"consent": {s.byPath("app1", authorization()), 200, "Allow First? – Emulated Contentstack"},
		"error":   {s.byPath("app0", authorization()), 400, "This authorize URL does not work – Emulated Contentstack"},
	} {
		t.Run(name, func(t *testing.T) {
			page := s.do(s.client, s.request(http.MethodGet, row.url, ""))
			require.Equal(t, row.status, page.status)
			require.Contains(t, page.body, `data-page="`+name+`"`)
			require.Contains(t, page.body, "<title>"+row.title+"</title>")
			require.NotContains(t, page.body, " style=")
			require.Equal(t, "text/html; charset=utf-8", page.header.Get("Content-Type"))
			require.Equal(t, "no-store", page.header.Get("Cache-Control"))
			require.Equal(t, "no-referrer", page.header.Get("Referrer-Policy"))
			require.Equal(t, "nosniff", page.header.Get("X-Content-Type-Options"))
			require.Contains(t, page.header.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'")
			require.Contains(t, page.header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
		})
	}
}

func TestIndexTellsHowToConfigureAClient(t *testing.T) {
	s := start(t, emulator.Options{})
	page := s.do(s.client, s.request(http.MethodGet, s.url+"/", ""))
	for _, app := range testApps() {
		require.Contains(t, page.body, app.UID)
		require.Contains(t, page.body, app.ClientID)
	}
	require.Contains(t, page.body, callbackURI)
	require.NotContains(t, page.body, "s3cr3t", "the secret is for whoever started it")
}

func TestIndexShowsTheLatestRequestsNewestFirst(t *testing.T) {
	s := start(t, emulator.Options{})
	for i := range 201 {
		s.do(s.client, s.request(http.MethodPost, s.url+"/token", fmt.Sprintf("grant_type=number-%03d-", i)))
	}
	shown := regexp.MustCompile(`number-\d+-`).FindAllString(s.open(s.client, "/").body, -1)
	require.Len(t, shown, 200)
	require.Equal(t, "number-200-", shown[0])
	require.Equal(t, "number-001-", shown[199])
}

func TestConsentTellsWhoAndWhatFor(t *testing.T) {
	s := start(t, emulator.Options{})
	page := s.do(s.client, s.request(http.MethodGet, s.byPath("app1", authorization()), ""))
	for _, name := range []string{"Ada Lovelace", "Emulated Press", "Emulated Shop", "user:read", "View user details", "cm.stack:share", callbackURI} {
		require.Contains(t, page.body, name)
	}
}

func TestConsentWarnsOfPKCEThatIsOff(t *testing.T) {
	s := start(t, emulator.Options{})
	const warning = "Allow PKCE is off for this app (Developer Hub, OAuth)"
	app2 := url.Values{"client_id": {"client2"}}
	for name, row := range map[string]struct {
		url  string
		want bool
	}{
		"on":              {s.byPath("app1", authorization()), false},
		"off":             {s.byPath("app2", authorization(app2)), true},
		"off, and unused": {s.byPath("app2", authorization(app2, url.Values{"code_challenge": nil, "code_challenge_method": nil})), false},
	} {
		page := s.do(s.client, s.request(http.MethodGet, row.url, ""))
		require.Equal(t, row.want, strings.Contains(page.body, warning), name)
	}
}

func TestWhatAPageSaysIsEscaped(t *testing.T) {
	s := start(t, emulator.Options{})
	page := s.do(s.client, s.request(http.MethodGet, s.url+"/apps/app1/authorize?client_id=<script>alert(1)</script>", ""))
	require.Equal(t, http.StatusBadRequest, page.status)
	require.NotContains(t, page.body, "<script>alert")
}

func TestRouteScript(t *testing.T) {
	s := start(t, emulator.Options{})
	script := s.do(s.client, s.request(http.MethodGet, s.url+"/_emulator/route.js", ""))
	require.Equal(t, http.StatusOK, script.status)
	require.Contains(t, script.header.Get("Content-Type"), "javascript")
	require.Equal(t, "no-store", script.header.Get("Cache-Control"))
	require.Contains(t, script.body, "location.hash")
}
