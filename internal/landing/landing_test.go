package landing_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.uber.org/goleak"

	"github.com/contentstack/csoauth/internal/landing"
	_ "github.com/contentstack/csoauth/internal/offline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestHeadersDoNotShareTheirValues(t *testing.T) {
	h := http.Header{}
	landing.Protect(h)
	assert.Equal(t, http.Header{
		"Cache-Control": {"no-store"}, "Referrer-Policy": {"no-referrer"}, "X-Content-Type-Options": {"nosniff"},
		"Content-Security-Policy": {"frame-ancestors 'none'"},
	}, h)
	h.Add("Cache-Control", "private")
	h["Referrer-Policy"][0] = "origin"
	assert.Equal(t, []string{"no-store", "private"}, h.Values("Cache-Control"))
	assert.Equal(t, []string{"nosniff"}, h.Values("X-Content-Type-Options"))
	other := http.Header{}
	landing.Protect(other)
	assert.Equal(t, "no-referrer", other.Get("Referrer-Policy"))
}

func TestOnlyAVisitIsOne(t *testing.T) {
	for _, test := range []struct {
		name, method, header string
		values               []string
		status               int
	}{
		{"no hint at all", "GET", "Accept", []string{"text/html"}, 200},
		{"a document", "GET", "Sec-Fetch-Dest", []string{"document"}, 200},
		{"a frame", "GET", "Sec-Fetch-Dest", []string{"iframe"}, 403},
		{"a harmless purpose", "GET", "Purpose", []string{"navigation"}, 200},
		{"an empty purpose", "GET", "Sec-Purpose", []string{""}, 200},
		{"ahead, in the standard's header", "GET", "Sec-Purpose", []string{"Prefetch"}, 403},
		{"rendered ahead", "GET", "Sec-Purpose", []string{"PRERENDER"}, 403},
		{"ahead, among more", "GET", "Sec-Purpose", []string{"x;prefetch;y"}, 403},
		{"ahead, in the older header", "GET", "Purpose", []string{"prefetch"}, 403},
		{"ahead, in the second of two", "GET", "Purpose", []string{"navigation", "prefetch"}, 403},
		{"ahead, in the first of two", "GET", "Purpose", []string{"prefetch", "navigation"}, 403},
		{"a preview", "GET", "X-Purpose", []string{"preview"}, 403},
		{"ahead, as Firefox said it", "GET", "X-Moz", []string{"prefetch"}, 403},
		{"another method that reads", "HEAD", "Accept", []string{"text/html"}, 405},
		{"a method that writes", "POST", "Accept", []string{"text/html"}, 405},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, r := httptest.NewRecorder(), httptest.NewRequest(test.method, "/", nil)
			r.Header[test.header] = test.values
			assert.Equal(t, test.status == http.StatusOK, landing.Visited(w, r))
			assert.Equal(t, test.status, w.Code)
			assert.Equal(t, test.status == http.StatusMethodNotAllowed, w.Header().Get("Allow") == "GET", "what it allows")
			assert.Equal(t, test.status == http.StatusOK, w.Body.Len() == 0, "a refusal has a body, and a visit has no response yet")
		})
	}
}

// TestRedirectLeavesNoTrace: a page would hold the address, and a 303 turns every method into GET.
func TestRedirectLeavesNoTrace(t *testing.T) {
	w := httptest.NewRecorder()
	landing.Redirect(w, "/after?a=b")
	assert.Equal(t, http.StatusSeeOther, w.Code)
	assert.Equal(t, http.Header{"Location": {"/after?a=b"}}, w.Header())
	assert.Empty(t, w.Body)
}
