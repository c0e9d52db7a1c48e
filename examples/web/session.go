package main

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
)

// sessions say who is logged in to this application, in which browser: they map the value of a cookie to the key of the
// user's token. They are in memory, so they end with the process, and no other replica knows them: a table in your database,
// with a time at which each session ends, does better. They are safe for concurrent use.
type sessions struct {
	https bool
	mu    sync.Mutex
	keys  map[string]string
}

func newSessions(redirectURI string) *sessions {
	return &sessions{https: strings.HasPrefix(redirectURI, "https://"), keys: map[string]string{}}
}

// begin begins a session. Its cookie's value is new, so that nobody can have put it there before the log-in.
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

// key returns the key of the user whose request r is.
func (s *sessions) key(r *http.Request) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, ok := s.keys[s.value(r)]
	return key, ok
}

// end ends the session of r, and returns the user's key.
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
		return "" // which is no session's
	}
	return cookie.Value
}

// cookie has the attributes that all have. With the prefix a browser takes it from no other host and only over https.
func (s *sessions) cookie() *http.Cookie {
	name := "web-session"
	if s.https {
		name = "__Host-" + name
	}
	return &http.Cookie{Name: name, Path: "/", Secure: s.https, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}
