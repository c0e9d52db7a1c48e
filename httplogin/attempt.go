package httplogin

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/contentstack/csoauth"
)

const (
	attemptLifetime = 10 * time.Minute
	maxAttempts     = 5    // of one browser; the oldest makes room
	maxDeleted      = 8    // in one answer
	maxCookie       = 3800 // bytes of name and value; the attributes count as well in some browsers
	nameSize        = 22   // of a hash in a cookie's name
	cookiePrefix    = "csoauth-"
	// A browser takes a cookie with this prefix only over https, with Secure and for all paths, and from no other host.
	hostPrefix = "__Host-"
)

// An attempt is what has to survive the user's visit to Contentstack. It travels in a cookie of its own, sealed, so that two
// tabs do not end each other's.
type attempt struct {
	request  *csoauth.AuthRequest
	returnTo string
}

type attemptJSON struct {
	Request  json.RawMessage `json:"request"`
	ReturnTo string          `json:"return_to"`
}

// seal returns the cookie of an attempt. In its value, the time at which it was made comes first and in clear, for makeRoom.
func (l *Login) seal(a attempt) (*http.Cookie, error) {
	request, err := a.request.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("httplogin: %w", err)
	}
	var plain bytes.Buffer
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false) // which would make & six times as long
	if err := encoder.Encode(attemptJSON{request, a.returnTo}); err != nil {
		return nil, fmt.Errorf("httplogin: %w", err)
	}
	cookie := l.cookie(l.cookieName(a.request.State))
	made := strconv.FormatInt(time.Now().Unix(), 36)
	cookie.Value = made + "." + base64.RawURLEncoding.EncodeToString(l.box.Seal(plain.Bytes(), l.place(cookie.Name, made)))
	cookie.MaxAge = int(attemptLifetime.Seconds())
	if n := len(cookie.Name) + len(cookie.Value); n > maxCookie {
		return nil, fmt.Errorf("httplogin: the cookie would have %d bytes, and browsers drop what is over 4096: ask for fewer scopes or params", n)
	}
	return cookie, nil
}

// open returns the attempt in a cookie.
func (l *Login) open(cookie *http.Cookie) (attempt, error) {
	made, text, _ := strings.Cut(cookie.Value, ".")
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return attempt{}, fmt.Errorf("httplogin: %w: its cookie is not base64url", csoauth.ErrState)
	}
	plain, err := l.box.Open(sealed, l.place(cookie.Name, made))
	if err != nil {
		return attempt{}, fmt.Errorf("httplogin: %w: its cookie cannot be opened: %w", csoauth.ErrState, err)
	}
	var j attemptJSON
	if err := json.Unmarshal(plain, &j); err != nil {
		return attempt{}, fmt.Errorf("httplogin: %w: its cookie holds something else", csoauth.ErrState)
	}
	a := attempt{request: new(csoauth.AuthRequest)}
	if err := a.request.UnmarshalBinary(j.Request); err != nil {
		return attempt{}, fmt.Errorf("httplogin: %w: %w", csoauth.ErrState, err)
	}
	a.returnTo, err = checkReturnTo(j.ReturnTo) // again, for what counts as safe may have become stricter
	return a, err
}

// place is what a cookie is good for: this name, client and redirect URI.
func (l *Login) place(name, made string) []byte {
	return []byte(strings.Join([]string{name, made, l.Config.ClientID, l.Config.RedirectURI}, "\x00"))
}

// cookieName does not tell the state, which is secret until the callback.
func (l *Login) cookieName(state string) string {
	sum := sha256.Sum256([]byte(state))
	return l.prefix + base64.RawURLEncoding.EncodeToString(sum[:16])
}

func cookiePrefixOf(c *csoauth.Config, https bool) string {
	sum := sha256.Sum256([]byte(c.ClientID + "\x00" + c.RedirectURI))
	prefix := cookiePrefix + base64.RawURLEncoding.EncodeToString(sum[:3]) + "-"
	if https {
		return hostPrefix + prefix
	}
	return prefix
}

// cookie has the attributes of all of them. Lax, because the callback comes from another site.
func (l *Login) cookie(name string) *http.Cookie {
	return &http.Cookie{Name: name, Path: "/", Secure: l.https, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// expired deletes a cookie.
func (l *Login) expired(name string) *http.Cookie {
	cookie := l.cookie(name)
	cookie.MaxAge = -1
	return cookie
}

// openOne opens the first of several cookies of one name that can be opened: another path or host may have added some.
func (l *Login) openOne(cookies []*http.Cookie) (a attempt, err error) {
	for _, cookie := range cookies {
		if a, err = l.open(cookie); err == nil {
			break
		}
	}
	return a, err
}

// cookiesOf returns the cookie of the attempt that a callback's state names, and others of that name.
func (l *Login) cookiesOf(r *http.Request, states []string) ([]*http.Cookie, error) {
	if len(states) != 1 || states[0] == "" {
		return nil, fmt.Errorf("httplogin: callback: %w: state occurs %d times", csoauth.ErrState, len(states))
	}
	if cookies := r.CookiesNamed(l.cookieName(states[0])); len(cookies) > 0 {
		return cookies, nil
	}
	if len(l.attempts(r)) > 0 {
		return nil, fmt.Errorf("httplogin: callback: %w: it is of no attempt that this browser has", csoauth.ErrState)
	}
	return nil, fmt.Errorf("httplogin: callback: %w", ErrNoCookie)
}

// attempts returns the cookies of a browser's attempts, the oldest first.
func (l *Login) attempts(r *http.Request) (cookies []*http.Cookie) {
	for _, cookie := range r.Cookies() {
		if strings.HasPrefix(cookie.Name, l.prefix) && len(cookie.Name) == len(l.prefix)+nameSize {
			cookies = append(cookies, cookie)
		}
	}
	made := func(c *http.Cookie) int64 {
		text, _, _ := strings.Cut(c.Value, ".")
		at, err := strconv.ParseInt(text, 36, 64)
		if err != nil || at > time.Now().Add(attemptLifetime).Unix() {
			return 0 // what is no time of ours is the oldest
		}
		return at
	}
	slices.SortStableFunc(cookies, func(a, b *http.Cookie) int { return cmp.Compare(made(a), made(b)) })
	return cookies
}

// makeRoom deletes the oldest attempts if the browser has too many, so that requests stay within what servers take.
func (l *Login) makeRoom(w http.ResponseWriter, r *http.Request) {
	all := l.attempts(r)
	for i := 0; len(all)-i >= maxAttempts && i < maxDeleted; i++ {
		http.SetCookie(w, l.expired(all[i].Name))
	}
}

type returnToKey struct{}

// returningTo tells the error page where another try should lead.
func returningTo(r *http.Request, path string) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), returnToKey{}, path))
}
