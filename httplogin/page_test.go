package httplogin_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/httplogin"
)

// What a user and the operator are told of each kind of failure.
func TestFailedLogin(t *testing.T) {
	const path, link = "/login", "/login?return_to=%2Fhere%3Fa%3Db"
	const failed, lost, denied = "The login did not work", "This page ends a login", "Access was denied"
	onToken := func(err error) func(*httplogin.Handlers) {
		return func(h *httplogin.Handlers) {
			h.OnToken = func(http.ResponseWriter, *http.Request, *csoauth.Token) error { return err }
		}
	}
	tokenEndpoint := func(f roundTrip) func(*httplogin.Handlers) {
		return func(h *httplogin.Handlers) { h.Config.HTTPClient.Transport = f }
	}
	tests := map[string]struct {
		set    func(*httplogin.Handlers)
		wait   time.Duration      // before the callback
		cookie func(*http.Cookie) // what happened to it
		visit  string             // STATE is the attempt's; empty: the right callback
		header string             // of the request
		status int
		level  string
		cause  string // in the log
		page   string // what it says
		link   string // of "Try again"
	}{
		"the user says no":                 {visit: "/callback?error=access_denied&state=STATE", status: 403, level: "INFO", cause: "access_denied", page: denied, link: link},
		"no StartPath":                     {set: func(h *httplogin.Handlers) { h.StartPath = "" }, visit: "/callback?error=access_denied&state=STATE", status: 403, level: "INFO", cause: "access_denied", page: denied, link: "/"},
		"a StartPath with a query":         {set: func(h *httplogin.Handlers) { h.StartPath = "/login?a=b" }, visit: "/callback?error=access_denied&state=STATE", status: 403, level: "INFO", cause: "access_denied", page: denied, link: "/login?a=b&return_to=%2Fhere%3Fa%3Db"},
		"another error of the callback":    {visit: "/callback?error=server_error&state=STATE", status: 502, level: "ERROR", cause: "server_error", page: failed, link: link},
		"too late":                         {wait: 11 * time.Minute, status: 400, level: "INFO", cause: "1m0s", page: lost, link: link},
		"forged":                           {visit: "/callback?code=the-code&state=forged", status: 400, level: "INFO", cause: "no attempt of this browser", page: lost, link: path},
		"no state":                         {visit: "/callback?code=the-code", status: 400, level: "INFO", cause: "state occurs 0 times", page: lost, link: path},
		"another browser":                  {cookie: func(c *http.Cookie) { c.Name = "session" }, status: 400, level: "INFO", cause: "no attempt to log in", page: lost, link: path},
		"a cookie that was changed":        {cookie: func(c *http.Cookie) { c.Value = "1" + c.Value }, status: 400, level: "INFO", cause: "its cookie cannot be opened: ", page: lost, link: path},
		"the code is refused":              {set: tokenEndpoint(refuse(400, `{"error":"invalid_grant"}`)), status: 400, level: "INFO", cause: "invalid_grant", page: lost, link: link},
		"the code is refused in words":     {set: tokenEndpoint(refuse(401, `{"message":["invalid code"]}`)), status: 400, level: "INFO", cause: "invalid code", page: lost, link: link},
		"the secret is wrong":              {set: tokenEndpoint(refuse(401, `{"error":"invalid_client"}`)), status: 500, level: "ERROR", cause: "invalid_client", page: failed, link: link},
		"the redirect URI is wrong":        {set: tokenEndpoint(refuse(400, `{"error":"invalid_grant","error_description":"redirect_uri mismatch"}`)), status: 500, level: "ERROR", cause: "redirect_uri", page: failed, link: link},
		"too many requests":                {set: tokenEndpoint(refuse(429, `{"error":"slow_down"}`)), status: 502, level: "ERROR", cause: "slow_down", page: failed, link: link},
		"Contentstack fails":               {set: tokenEndpoint(refuse(500, `{"error":"invalid_grant"}`)), status: 502, level: "ERROR", cause: "500", page: failed, link: link},
		"the path route":                   {set: func(h *httplogin.Handlers) { h.Config.AuthorizeRoute = csoauth.RoutePath }, visit: "/callback?code=the-code&state=forged", status: 400, level: "INFO", cause: "no attempt of this browser", page: lost, link: path},
		"a prefetch":                       {header: "Sec-Purpose: prefetch", status: 403, level: "INFO", cause: "ahead of a visit", page: failed, link: path},
		"a frame":                          {header: "Sec-Fetch-Dest: iframe", status: 403, level: "INFO", cause: "cannot be shown in a frame", page: failed, link: path},
		"a query that does not parse":      {visit: "/callback?error=a;b&code=the-code&state=STATE", status: 400, level: "INFO", cause: "does not parse", page: lost, link: path},
		"Contentstack cannot be reached":   {set: tokenEndpoint(noRoute), status: 502, level: "ERROR", cause: "no route", page: failed, link: link},
		"Contentstack does not respond":    {set: tokenEndpoint(hang), status: 504, level: "ERROR", cause: context.DeadlineExceeded.Error(), page: failed, link: link},
		"the application fails":            {set: onToken(errors.New("the database is full")), status: 500, level: "ERROR", cause: "the database is full", page: failed, link: link},
		"the application does not respond": {set: onToken(context.DeadlineExceeded), status: 500, level: "ERROR", cause: "deadline exceeded", page: failed, link: link},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := httpsHandlers()
				var out bytes.Buffer
				h.StartPath, h.Logger = path, slog.New(slog.NewTextHandler(&out, nil))
				h.Config.HTTPClient = &http.Client{Transport: roundTrip(tokenFor)}
				if tt.set != nil {
					tt.set(h)
				}
				require.NoError(t, h.Validate())
				cookie, state := start(t, h, "/login?return_to=/here%3Fa=b")
				time.Sleep(tt.wait)
				began := time.Now()

				r := httptest.NewRequest(http.MethodGet, strings.Replace(cmp.Or(tt.visit, "/callback?code=the-code&state=STATE"), "STATE", state, 1), nil)
				if tt.cookie != nil {
					tt.cookie(cookie)
				}
				r.AddCookie(cookie)
				if name, value, ok := strings.Cut(tt.header, ": "); ok {
					r.Header.Set(name, value)
				}
				w := httptest.NewRecorder()
				h.Callback(w, r)

				body := html.UnescapeString(w.Body.String())
				assert.Equal(t, tt.status, w.Code)
				assert.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
				for text, shown := range map[string]bool{
					`data-page="denied"`: tt.page == denied, denied: tt.page == denied,
					`data-page="login-failed"`: tt.page != denied, failed: tt.page != denied,
					lost: tt.page == lost, "tell the people who run this site": tt.page == failed, "You are now, so try again": tt.page == lost && h.Config.AuthorizeRoute == csoauth.RouteHash,
				} {
					assert.Equal(t, shown, strings.Contains(body, text), text)
				}
				assert.Contains(t, body, "<h1>"+map[bool]string{true: denied, false: failed}[tt.page == denied]+"</h1>")
				assert.Contains(t, body, `<a class="button primary" href="`+tt.link+`">Try again</a>`)
				if !strings.HasPrefix(name, "the application") {
					assert.Contains(t, out.String(), `err="httplogin: `)
				}
				if strings.HasPrefix(tt.link, path) {
					start(t, h, tt.link)
				}
				assert.Contains(t, out.String(), "level="+tt.level+" ")
				assert.Contains(t, out.String(), "path="+r.URL.Path+" err=")
				assert.Contains(t, out.String(), tt.cause)
				for _, secret := range []string{state, "the-code", "the-access-token", "the-refresh-token"} {
					assert.NotContains(t, out.String()+body, secret)
				}
				if tt.status >= http.StatusBadGateway {
					assert.Contains(t, out.String(), "the code was not exchanged")
				}
				if tt.status == http.StatusGatewayTimeout {
					assert.Equal(t, 45*time.Second, time.Since(began))
				}
			})
		})
	}
}

func refuse(status int, body string) roundTrip {
	return func(*http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		w.WriteHeader(status)
		_, _ = w.WriteString(body)
		return w.Result(), nil
	}
}

var errNoRoute = errors.New("no route")

func noRoute(*http.Request) (*http.Response, error) { return nil, errNoRoute }

func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// A developer opens 127.0.0.1, and registered localhost.
func TestLoginThatBeginsAtAnotherNameOfThisMachine(t *testing.T) {
	for _, test := range []struct {
		redirectURI, host string
		there             string // where it has to begin; empty: it begins
	}{
		{"http://localhost:3000/callback", "127.0.0.1:3000", "http://localhost:3000"},
		{"http://localhost:3000/callback", "[::1]:3000", "http://localhost:3000"},
		{"http://127.0.0.1:3000/callback", "localhost", "http://127.0.0.1:3000"},
		{"http://app.localhost:3000/callback", "localhost:3000", "http://app.localhost:3000"},
		{"http://localhost:3000/callback", "localhost:3000", ""},
		{"http://localhost:3000/callback", "LOCALHOST:8080", ""}, // a proxy's port
		{"http://localhost:3000/callback", "app.example.com", ""},
		{"http://localhost:3000/callback", "10.0.0.1:3000", ""},
		{"https://example.com/callback", "127.0.0.1:3000", ""}, // behind a proxy
		{"https://example.com/callback", "example.com", ""},
	} {
		h := httpsHandlers()
		h.Config.RedirectURI = test.redirectURI
		var out bytes.Buffer
		h.Logger = slog.New(slog.NewTextHandler(&out, nil))
		r := httptest.NewRequest(http.MethodGet, "/login?return_to=/here", nil)
		r.Host = test.host
		w := httptest.NewRecorder()
		h.Start(w, r)
		if test.there == "" {
			assert.Equal(t, http.StatusSeeOther, w.Code, test)
			continue
		}
		assert.Equal(t, http.StatusBadRequest, w.Code, test)
		assert.Empty(t, w.Header().Values("Set-Cookie"))
		assert.Contains(t, w.Body.String(), `<a class="button primary" href="`+test.there+`/login?return_to=/here">Start there</a>`)
		assert.Contains(t, w.Body.String(), "<h1>Start the login at another address</h1>")
		assert.Contains(t, w.Body.String(), "Your browser keeps their cookies apart")
		assert.Contains(t, out.String(), "browsers keep their cookies apart")
	}
}
