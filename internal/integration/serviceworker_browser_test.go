package integration_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/httplogin"
)

// TestLoginThroughAServiceWorker: an application's worker repeats each navigation with fetch, so
// that the browser does not call it one for a document any more. The worker of the guide leaves the
// login alone.
func TestLoginThroughAServiceWorker(t *testing.T) {
	t.Parallel()
	shown := readGuide(t, "web.md").blocks["js"]
	require.Len(t, shown, 1)
	for name, test := range map[string]struct{ onFetch, callback string }{
		"repeats":   {`self.addEventListener("fetch", e => e.respondWith(fetch(e.request)));`, "empty navigate"},
		"the guide": {shown[0], "document navigate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loginThroughAServiceWorker(t, test.onFetch, test.callback)
		})
	}
}

// loginThroughAServiceWorker logs a user in. The browser says of the callback what it is for.
func loginThroughAServiceWorker(t *testing.T, onFetch, callback string) {
	c := newChrome(t)
	server := csoauthtest.NewServer(t, nil)
	mux := http.NewServeMux()
	dests := make(chan string, 9) // of callbacks
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/callback" {
			dests <- r.Header.Get("Sec-Fetch-Dest") + " " + r.Header.Get("Sec-Fetch-Mode")
		}
		mux.ServeHTTP(w, r)
	}))
	defer site.Close()
	address := strings.Replace(site.URL, "127.0.0.1", "localhost", 1)
	config := server.Config(address + "/callback")
	config.AuthorizeRoute = csoauth.RoutePath
	login := &httplogin.Handlers{
		Config:  config,
		Keys:    [][]byte{[]byte("0123456789abcdef0123456789abcdef")},
		OnToken: func(http.ResponseWriter, *http.Request, *csoauth.Token) error { return nil },
	}
	require.NoError(t, login.Validate())
	mux.HandleFunc("/login", login.Start)
	mux.HandleFunc("/callback", login.Callback)
	mux.HandleFunc("/worker.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, `
			self.addEventListener("install", () => self.skipWaiting());
			self.addEventListener("activate", e => e.waitUntil(self.clients.claim()));
			`+onFetch)
	})
	page := func(name string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, `<!doctype html><title>Test</title><body data-page=%q>`, name)
		}
	}
	mux.HandleFunc("/{$}", page("home"))
	mux.HandleFunc("/there", page("there"))

	b := c.anyTab()
	b.logIn(server, asAda)
	b.open(address)
	b.await("home")
	require.True(t, evaluate[bool](b, `(async () => {
		await navigator.serviceWorker.register("/worker.js");
		await navigator.serviceWorker.ready;
		if (!navigator.serviceWorker.controller) {
			await new Promise(done => navigator.serviceWorker.addEventListener("controllerchange", done));
		}
		return true;
	})()`))
	b.open(address + "/login?return_to=/there")
	b.await("consent")
	b.click(allow)
	b.await("there")
	assert.Equal(t, callback, <-dests, "what the worker does with a callback")
	assert.Empty(t, dests)
}
