package tokens_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

// A provider is the strictest OAuth server: a refresh token that comes a second time ends the
// login. It is an http.RoundTripper, so that the real Config asks it, and works inside a synctest
// bubble.
type provider struct {
	mu     sync.Mutex
	logins map[string]*login // by every refresh token that was ever given out
	count  int
	posts  []post
	at     int // requests under way
	most   int

	lives  time.Duration                                         // of access tokens
	takes  time.Duration                                         // to respond
	before func(n int, r *http.Request) (*http.Response, error)  // what happens instead to the nth request, from 1; nil, nil: nothing does
	after  func(n int, r *http.Response) (*http.Response, error) // what becomes of the nth response
}

// A login is a family of tokens.
type login struct {
	name    string
	refresh string // the one that is good
	access  string
	revoked bool
}

// A post is a request to the token endpoint, as the provider saw it.
type post struct {
	at      time.Time
	login   string
	refresh string
	granted bool
}

func newProvider() *provider {
	return &provider{logins: map[string]*login{}, lives: time.Hour, takes: 100 * time.Millisecond}
}

// config is an app at this provider.
func (p *provider) config() *csoauth.Config {
	return &csoauth.Config{AppUID: "app", ClientID: "client", RedirectURI: "http://localhost:8184/callback", HTTPClient: &http.Client{Transport: p}}
}

// login logs a user in, with a whole lifetime left.
func (p *provider) login(name string) *csoauth.Token {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := &login{name: name}
	p.grant(l)
	return &csoauth.Token{
		AccessToken: l.access, RefreshToken: l.refresh, TokenType: "Bearer", Expiry: time.Now().Add(p.lives),
		UserUID: name, OrganizationUID: "org", ClientID: "client", RedirectURI: "http://localhost:8184/callback",
	}
}

func (p *provider) grant(l *login) {
	p.count++
	l.access, l.refresh = fmt.Sprintf("access-%s-%d", l.name, p.count), fmt.Sprintf("refresh-%s-%d", l.name, p.count)
	p.logins[l.refresh] = l
}

func (p *provider) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, _ := url.ParseQuery(string(body))
	p.mu.Lock()
	p.posts = append(p.posts, post{at: time.Now(), refresh: form.Get("refresh_token")})
	n := len(p.posts)
	p.at++
	p.most = max(p.most, p.at)
	takes, before, after := p.takes, p.before, p.after
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.at--
		p.mu.Unlock()
	}()
	if before != nil {
		if resp, err := before(n, r); resp != nil || err != nil {
			return resp, err
		}
	}
	answer := p.answer(n, form.Get("refresh_token"))
	select {
	case <-time.After(takes):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if after != nil {
		return after(n, answer)
	}
	return answer, nil
}

// answer processes a refresh token, whether or not the response arrives.
func (p *provider) answer(n int, refresh string) *http.Response {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.logins[refresh]
	if l == nil || l.revoked || l.refresh != refresh {
		if l != nil {
			l.revoked = true
			p.posts[n-1].login = l.name
		}
		return jsonAnswer(http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": "the refresh token is not good"})
	}
	p.grant(l)
	p.posts[n-1].login, p.posts[n-1].granted = l.name, true
	return jsonAnswer(http.StatusOK, map[string]any{
		"access_token": l.access, "refresh_token": l.refresh, "token_type": "Bearer", "expires_in": p.lives.Seconds(),
		"user_uid": l.name, "organization_uid": "org",
	})
}

func jsonAnswer(status int, v any) *http.Response {
	body, _ := json.Marshal(v)
	return httpAnswer(status, "application/json", string(body))
}

func httpAnswer(status int, media, body string) *http.Response {
	return &http.Response{
		StatusCode: status,
		Header:     http.Header{"Content-Type": {media}},
		Body:       io.NopCloser(bytes.NewBufferString(body)),
	}
}

// asked returns how many requests came so far.
func (p *provider) asked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.posts)
}

// isAlive reports whether t's refresh token is the one that is good.
func (p *provider) isAlive(t *csoauth.Token) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.logins[t.RefreshToken]
	return l != nil && !l.revoked && l.refresh == t.RefreshToken
}

// requireAlive fails unless t's refresh token is the one that is good.
func (p *provider) requireAlive(tb testing.TB, t *csoauth.Token) {
	tb.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.logins[t.RefreshToken]
	require.NotNil(tb, l, "the provider knows the refresh token")
	require.False(tb, l.revoked, "the login of %s was revoked: a refresh token was sent twice", l.name)
	require.Equal(tb, l.refresh, t.RefreshToken, "the login of %s: somebody else has a newer refresh token", l.name)
}
