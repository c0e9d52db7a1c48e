package main

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
)

// sessions are the logged-in browsers. A cookie identifies each browser. They are safe for
// concurrent use.
//
// They are in memory, so they end with the process, and other replicas do not share them. In your
// application, use a database table in which each session has an expiry.
type sessions struct {
	https bool
	mu    sync.Mutex
	keys  map[string]string // from the cookie's value to the key of the user's token
}

func newSessions(redirectURI string) *sessions {
	return &sessions{https: strings.HasPrefix(redirectURI, "https://"), keys: map[string]string{}}
}

// begin begins a session. Its cookie gets a new value, which an attacker who planted a cookie
// before the login does not know.
func (s *sessions) begin(w http.ResponseWriter, r *http.Request, key string) {
	value := make([]byte, 32)
	rand.Read(value) // never fails
	cookie := s.cookie()
	cookie.Value = base64.RawURLEncoding.EncodeToString(value)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys, s.value(r))
	s.keys[cookie.Value] = key
	http.SetCookie(w, cookie)
}

// key returns the key of the user who sent r.
func (s *sessions) key(r *http.Request) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, ok := s.keys[s.value(r)]
	return key, ok
}

// end ends the session of r and returns the user's key.
func (s *sessions) end(w http.ResponseWriter, r *http.Request) (string, bool) {
	cookie := s.cookie()
	cookie.MaxAge = -1
	http.SetCookie(w, cookie)
	s.mu.Lock()
	defer s.mu.Unlock()
	value := s.value(r)
	key, ok := s.keys[value]
	delete(s.keys, value)
	return key, ok
}

func (s *sessions) value(r *http.Request) string {
	cookie, err := r.Cookie(s.cookie().Name)
	if err != nil {
		return "" // no session has this value
	}
	return cookie.Value
}

// cookie returns a session cookie without a value. A browser accepts the prefix __Host- only over
// https, and only from this host itself.
func (s *sessions) cookie() *http.Cookie {
	name := "web-session"
	if s.https {
		name = "__Host-" + name
	}
	return &http.Cookie{Name: name, Path: "/", Secure: s.https, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}
