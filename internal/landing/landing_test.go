package landing_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.uber.org/goleak"

	"github.com/contentstack/csoauth/internal/landing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestHeadersDoNotShareTheirValues(t *testing.T) {
	h := http.Header{}
	landing.Protect(h)
	h.Add("Cache-Control", "private")
	h["Referrer-Policy"][0] = "origin"
	assert.Equal(t, []string{"no-store", "private"}, h.Values("Cache-Control"))
	assert.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
	other := http.Header{}
	landing.Protect(other)
	assert.Equal(t, "no-referrer", other.Get("Referrer-Policy"))
}

func TestOnlyAVisitIsOne(t *testing.T) {
	for _, test := range []struct {
		method, header, value string
		status                int
	}{
		{"GET", "Accept", "text/html", 200},
		{"GET", "Sec-Fetch-Dest", "document", 200},
		{"GET", "Sec-Fetch-Dest", "iframe", 403},
		{"GET", "Sec-Purpose", "Prefetch;Prerender", 403},
		{"GET", "Purpose", "prefetch", 403},
		{"GET", "X-Purpose", "preview", 403},
		{"GET", "X-Moz", "prefetch", 403},
		{"HEAD", "Accept", "text/html", 405},
		{"POST", "Accept", "text/html", 405},
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(test.method, "/", nil)
		r.Header.Set(test.header, test.value)
		assert.Equal(t, test.status == 200, landing.Visited(w, r), test)
		assert.Equal(t, test.status, w.Code, test)
	}
}

func TestPageIsEscaped(t *testing.T) {
	page := landing.Page{Name: `"n`, Title: "<t>", Text: []string{"<p>&"}, Link: "/a?b=c&d=\"", LinkText: "<l>"}.HTML()
	for _, want := range []string{`data-page="&#34;n"`, "<h1>&lt;t&gt;</h1>", "<p>&lt;p&gt;&amp;</p>", `<a href="/a?b=c&amp;d=%22">&lt;l&gt;</a>`} {
		assert.Contains(t, page, want)
	}
	script := landing.Page{Link: "javascript:alert(1)", LinkText: "l"}.HTML()
	assert.NotContains(t, script, "javascript:")
	assert.NotContains(t, landing.Page{Link: "/"}.HTML(), "<a ")
}
