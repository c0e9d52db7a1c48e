package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/contentstack/csoauth/csoauthtest"
	_ "github.com/contentstack/csoauth/internal/offline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const contentstackApp = "https://app.contentstack.com"

// TestLoginInAWindow plays the two scripts. internal/integration runs them, in a browser.
func TestLoginInAWindow(t *testing.T) {
	contentstack := csoauthtest.NewServer(t, nil)
	var handler http.Handler
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(site.Close)
	a, err := newApp(contentstack.Config(site.URL+"/callback"), contentstackApp)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, a.users.Close()) })
	handler = a.handler()
	browser := contentstack.Browser()
	get := func(path, session string) (*http.Response, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site.URL+path, nil)
		require.NoError(t, err)
		if session != "" {
			r.Header.Set("Authorization", "Bearer "+session)
		}
		resp, err := browser.Do(r)
		require.NoError(t, err)
		defer resp.Body.Close()
		page, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp, string(page)
	}

	resp, _ := get("/", "")
	assert.Contains(t, resp.Header.Get("Content-Security-Policy"), "frame-ancestors "+contentstackApp)
	resp, _ = get("/done", "")
	assert.Equal(t, http.StatusBadRequest, resp.StatusCode, "without a login")
	resp, page := get("/login?return_to=/done", "")
	assert.Equal(t, "/done", resp.Request.URL.Path)
	assert.Contains(t, resp.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
	assert.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
	session := regexp.MustCompile(`data-session="(\w+)"`).FindStringSubmatch(page)
	require.NotNil(t, session, page)
	resp, _ = get("/done", "")
	assert.Equal(t, http.StatusBadRequest, resp.StatusCode, "the session is shown once")

	_, name := get("/name", session[1])
	assert.Equal(t, "Ada Lovelace", name)
	for _, wrong := range []string{"", "guess"} {
		resp, _ = get("/name", wrong)
		assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	}
}
