package integration_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const tokenPath = "/apps-api/apps/token"

// A front stands before a server. It gives it Contentstack's authorize path, which has the app's
// UID in it, and keeps what the tests ask for later: the token requests, and every secret that went
// through it either way.
type front struct {
	*httptest.Server
	proxy httputil.ReverseProxy

	mu       sync.Mutex
	posts    []url.Values      // the forms of the token requests
	renewals map[string]string // the refresh token in the response to a refresh that was granted, by the one that was sent
	secrets  []string
	slow     time.Duration // what a token request takes longer than the server needs
}

// renewalsOf returns how many refreshes began with a refresh token, and the refresh token that is
// good after them.
func (f *front) renewalsOf(refreshToken string) (n int, last string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		next, ok := f.renewals[refreshToken]
		if !ok {
			return n, refreshToken
		}
		n, refreshToken = n+1, next
	}
}

// slowDown makes token requests take longer from now on.
func (f *front) slowDown(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slow = d
}

func newFront(t *testing.T, server string) *front {
	target, err := url.Parse(server)
	require.NoError(t, err)
	transport := &http.Transport{}
	f := &front{renewals: map[string]string{}}
	f.proxy = httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // the server makes URLs of itself from it, and the browser must find them here
		},
		ModifyResponse: f.readAnswer,
	}
	f.Server = httptest.NewServer(f)
	t.Cleanup(func() {
		f.Close()
		transport.CloseIdleConnections()
	})
	return f
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/apps/app-uid/authorize":
		r.URL.Path = "/apps/authorize"
		f.keep(r.URL.Query().Get("state"))
	case r.URL.Path == tokenPath && r.Method == http.MethodPost:
		form, err := f.readTokenRequest(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), refreshKey{}, form.Get("refresh_token")))
	}
	f.proxy.ServeHTTP(w, r)
}

// refreshKey is for the refresh token in a request's context.
type refreshKey struct{}

func (f *front) readTokenRequest(r *http.Request) (url.Values, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"code", "code_verifier", "client_secret", "refresh_token"} {
		f.keep(form[name]...)
	}
	f.mu.Lock()
	f.posts = append(f.posts, form)
	slow := f.slow
	f.mu.Unlock()
	time.Sleep(slow)
	return form, nil
}

// readAnswer keeps the secrets in a response: cookies, the code in a redirect, and tokens.
func (f *front) readAnswer(resp *http.Response) error {
	for _, cookie := range resp.Cookies() {
		f.keep(cookie.Value)
	}
	if location, err := resp.Location(); err == nil {
		f.keep(location.Query().Get("code"))
	}
	if resp.Request.URL.Path != tokenPath {
		return nil
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		ID      string `json:"id_token"`
	}
	if err := json.Unmarshal(body, &tokens); err != nil {
		return err
	}
	f.keep(tokens.Access, tokens.Refresh, tokens.ID)
	if sent, _ := resp.Request.Context().Value(refreshKey{}).(string); sent != "" && tokens.Refresh != "" {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.renewals[sent] = tokens.Refresh
	}
	return nil
}

// keep remembers secrets. What is shorter than a real one would be found in any text.
func (f *front) keep(secrets ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range secrets {
		if len(s) >= 8 && !slices.Contains(f.secrets, s) {
			f.secrets = append(f.secrets, s)
		}
	}
}

// secretsIn returns how many of the secrets that went through the front are in text, as they are or
// encoded.
func (f *front) secretsIn(text string) (found int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.secrets {
		inJSON, _ := json.Marshal(s) // a string always marshals
		for _, written := range []string{s, url.QueryEscape(s), url.PathEscape(s), strings.Trim(string(inJSON), `"`)} {
			if strings.Contains(text, written) {
				found++
				break
			}
		}
	}
	return found
}

// lastPost returns the form of the newest token request.
func (f *front) lastPost(t *testing.T) url.Values {
	f.mu.Lock()
	defer f.mu.Unlock()
	require.NotEmpty(t, f.posts, "no token request was sent")
	return f.posts[len(f.posts)-1]
}

// countPosts returns how many token requests were sent.
func (f *front) countPosts() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.posts)
}
