package integration_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/securecookie"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/httplogin"
)

// These benchmarks run httplogin (csoauth) beside what a careful web server writes with
// golang.org/x/oauth2 and github.com/gorilla/securecookie (xoauth2). Both get the same request and
// set the same headers, and each responds as it would in production. The peer leaves out what only
// httplogin does: a cookie for each tab, room for it among the others, and no response to
// prefetchers.
//
//	go test -bench 'Start|CallbackForged' -count 10 -run '^$' | benchstat -col /impl -

// BenchmarkStart measures the request that begins a login: without a cookie, and with a forged one
// of an earlier attempt.
func BenchmarkStart(b *testing.B) {
	for _, row := range []string{"none", "wrong-tag"} {
		b.Run("cookie="+row, func(b *testing.B) {
			eachLogin(b, func(b *testing.B, l webLogin) {
				r := visitTo("/login?return_to=/entries%3Fpage%3D2")
				if row == "wrong-tag" {
					cookie, _ := attemptOf(b, l)
					r.AddCookie(wrongTag(cookie))
				}
				repeat(b, l.start, r, http.StatusSeeOther)
			})
		})
	}
}

// BenchmarkCallbackForged measures what a forged callback costs: in a browser without the cookie
// that its state names, and in one where that cookie has a wrong tag.
func BenchmarkCallbackForged(b *testing.B) {
	for _, row := range []string{"none", "wrong-tag"} {
		b.Run("cookie="+row, func(b *testing.B) {
			eachLogin(b, func(b *testing.B, l webLogin) {
				cookie, state := attemptOf(b, l)
				r := visitTo("/callback?code=stolen&location=NA&state=" + state)
				if row == "wrong-tag" {
					r.AddCookie(wrongTag(cookie))
					require.ErrorContains(b, l.refusal(r), l.says)
				}
				repeat(b, l.callback, r, http.StatusBadRequest)
			})
		})
	}
}

// A webLogin is the two handlers of a web server.
type webLogin struct {
	start, callback http.HandlerFunc
	refusal         func(r *http.Request) error // why a callback is refused
	says            string                      // of a wrong tag
}

func eachLogin(b *testing.B, run func(*testing.B, webLogin)) {
	config := &csoauth.Config{
		AppUID: "64e0f1a2b3c4d5e6f7a8b9c0", ClientID: "Ie0FEfTzlfAHL4xM", RedirectURI: "https://app.example.org/callback",
		Scopes: []string{"user:read", "organization:read", "cm.stacks.management:read"},
	}
	b.Run("impl=csoauth", func(b *testing.B) { run(b, ourLogin(b, config)) })
	b.Run("impl=xoauth2", func(b *testing.B) { run(b, newPeerLogin(config).handlers()) })
}

func ourLogin(b *testing.B, config *csoauth.Config) webLogin {
	handlers := func() *httplogin.Handlers {
		return &httplogin.Handlers{
			Config: config, Keys: [][]byte{[]byte("0123456789abcdef0123456789abcdef")},
			OnToken: func(http.ResponseWriter, *http.Request, *csoauth.Token) error {
				return errors.New("a forged callback got in")
			},
		}
	}
	measured := handlers()
	require.NoError(b, measured.Validate())
	return webLogin{measured.Start, measured.Callback, func(r *http.Request) (why error) {
		asked := handlers()
		asked.OnError = func(_ http.ResponseWriter, _ *http.Request, err error) { why = err }
		asked.Callback(httptest.NewRecorder(), r)
		return why
	}, "damaged or forged"}
}

// A peerLogin is a login with x/oauth2 and securecookie.
type peerLogin struct {
	config *oauth2.Config
	cookie *securecookie.SecureCookie
}

type peerAttempt struct {
	State    string    `json:"state"`
	Verifier string    `json:"verifier"`
	ReturnTo string    `json:"return_to"`
	Made     time.Time `json:"made"`
}

const (
	peerCookie = "__Host-csoauth-0123456789abcdefghijkl" // as long as one of ours
	peerPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	peerPage   = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Not logged in</title></head>
<body><h1>You are not logged in</h1><p>The login did not work. <a href="/">Try again</a></p></body>
</html>
`
)

func newPeerLogin(c *csoauth.Config) *peerLogin {
	hashKey, blockKey := []byte("0123456789abcdef0123456789abcdef"), []byte("fedcba9876543210fedcba9876543210")
	return &peerLogin{
		config: &oauth2.Config{
			ClientID: c.ClientID, RedirectURL: c.RedirectURI, Scopes: c.Scopes,
			Endpoint: oauth2.Endpoint{AuthURL: "https://app.contentstack.com/#!/apps/" + c.AppUID + "/authorize"},
		},
		// With gob, which is the default, Start takes half as long again: it sends the type along
		// in each cookie.
		cookie: securecookie.New(hashKey, blockKey).SetSerializer(securecookie.JSONEncoder{}).MaxAge(600),
	}
}

func (p *peerLogin) handlers() webLogin {
	refusal := func(r *http.Request) error { return p.check(httptest.NewRecorder(), r) }
	return webLogin{p.start, p.callback, refusal, securecookie.ErrMacInvalid.Error()}
}

func (p *peerLogin) start(w http.ResponseWriter, r *http.Request) {
	secure(w)
	returnTo, err := peerReturnTo(r.URL.Query().Get("return_to"))
	if err != nil {
		refuse(w)
		return
	}
	a := peerAttempt{oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), returnTo, time.Now()}
	value, err := p.cookie.Encode(peerCookie, a)
	if err != nil {
		refuse(w)
		return
	}
	setPeerCookie(w, value, 600)
	w.Header().Set("Location", p.config.AuthCodeURL(a.State, oauth2.S256ChallengeOption(a.Verifier)))
	w.WriteHeader(http.StatusSeeOther)
}

// callback ends where a forged one does.
func (p *peerLogin) callback(w http.ResponseWriter, r *http.Request) {
	secure(w)
	if err := p.check(w, r); err != nil {
		refuse(w)
		return
	}
	w.WriteHeader(http.StatusNotImplemented)
}

// check deletes the cookie, as httplogin does.
func (p *peerLogin) check(w http.ResponseWriter, r *http.Request) error {
	state := r.URL.Query().Get("state")
	cookie, err := r.Cookie(peerCookie)
	if err != nil {
		return err
	}
	setPeerCookie(w, "", -1)
	var a peerAttempt
	if err := p.cookie.Decode(peerCookie, cookie.Value, &a); err != nil {
		return err
	}
	if state == "" || state != a.State {
		return errors.New("state of another attempt")
	}
	return nil
}

func setPeerCookie(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: peerCookie, Value: value, MaxAge: maxAge, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

func peerReturnTo(path string) (string, error) {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.Contains(path, `\`) {
		return "", errors.New("return_to leads away")
	}
	return u.String(), nil
}

func secure(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", peerPolicy)
}

func refuse(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = io.WriteString(w, peerPage)
}

// visitTo is what a browser sends.
func visitTo(target string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "https://app.example.org"+target, nil)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Dest", "document")
	r.Header.Set("User-Agent", "Mozilla/5.0")
	return r
}

// attemptOf begins an attempt, and returns its cookie and state.
func attemptOf(b *testing.B, l webLogin) (*http.Cookie, string) {
	b.Helper()
	w := httptest.NewRecorder()
	l.start(w, visitTo("/login?return_to=/here"))
	require.Len(b, w.Result().Cookies(), 1)
	_, query, _ := strings.Cut(w.Header().Get("Location"), "?")
	values, err := url.ParseQuery(query)
	require.NoError(b, err)
	return w.Result().Cookies()[0], values.Get("state")
}

// wrongTag changes the tag of a cookie, which is the end of both kinds.
func wrongTag(cookie *http.Cookie) *http.Cookie {
	value := []byte(cookie.Value)
	at := len(value) - 8 // before any padding
	if value[at] == 'A' {
		value[at] = 'B'
	} else {
		value[at] = 'A'
	}
	return &http.Cookie{Name: cookie.Name, Value: string(value)}
}

// repeat measures handler on r.
func repeat(b *testing.B, handler http.HandlerFunc, r *http.Request, status int) {
	w := &answer{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		handler(w, r)
	}
	require.Equal(b, status, w.status)
}

// An answer is a response that keeps the header and status, and drops the page.
type answer struct {
	header http.Header
	status int
}

func (a *answer) Header() http.Header               { return a.header }
func (a *answer) WriteHeader(status int)            { a.status = status }
func (a *answer) Write(p []byte) (int, error)       { return len(p), nil }
func (a *answer) WriteString(s string) (int, error) { return len(s), nil }
