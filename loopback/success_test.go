package loopback_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/loopback"
)

func TestSuccessURLIsWhereTheBrowserEnds(t *testing.T) {
	var referers []string
	docs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		referers = append(referers, r.Referer())
		io.WriteString(w, "welcome")
	}))
	defer docs.Close()
	for _, denies := range []bool{false, true} {
		cs := csoauthtest.NewServer(t, nil)
		u := newUser(t, cs.BrowserOf(csoauthtest.Visitor{Deny: denies}))
		_, err := loginWithin(t, t.Context(), cs.Config("http://localhost:"+freePort()+"/callback"),
			&loopback.Options{OpenBrowser: u.open, Out: io.Discard, SuccessURL: docs.URL + "/welcome?from=login"})
		page, address := <-u.page, <-u.address
		if denies {
			require.ErrorIs(t, err, csoauth.ErrDenied)
			assert.Contains(t, page, "Access was denied", "only a login that worked leads there")
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, "welcome", page)
		assert.Equal(t, docs.URL+"/welcome?from=login", address.String())
	}
	require.Len(t, referers, 1)
}

func TestSuccessURLThatIsNotSafe(t *testing.T) {
	for url, want := range map[string]string{
		"https://example.com/docs": "", "http://localhost:3000/": "", "http://127.0.0.1:1/": "", "http://app.localhost/": "",
		"javascript:alert(1)": "SuccessURL is not an absolute URL", "/welcome": "SuccessURL is not an absolute URL",
		"//example.com": "SuccessURL is neither https nor http", "http://example.com": "SuccessURL is neither https nor http",
		"https://me:hunter2@example.com": "SuccessURL has a user or password", "https://example.com/\r\nX: 1": "SuccessURL is not",
		"javascript://example.com/%0aalert(1)": "SuccessURL is neither https nor http", "data:text/html,x": "SuccessURL is not",
		`https:/\example.com`: "SuccessURL is not",
	} {
		_, err := loopback.NewAttempt(t.Context(), offline(), &loopback.Options{SuccessURL: url})
		if want == "" {
			assert.NoError(t, err, url)
			continue
		}
		assert.ErrorContains(t, err, want, url)
		assert.NotContains(t, err.Error(), "hunter2")
	}
	_, err := loopback.NewAttempt(t.Context(), offline(), &loopback.Options{SuccessURL: "/welcome"})
	assert.EqualError(t, err, "the SuccessURL is not an absolute URL in ASCII: want https://host/path", "it says what to write")
}
