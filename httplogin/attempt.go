package httplogin

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
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
	cookieLifetime  = 2 * attemptLifetime // so that a user who comes too late is told so, not that there was no attempt
	maxAttempts     = 5                   // of one browser; the oldest makes room
	maxDeleted      = 8                   // in one response
	maxCookies      = 8 << 10             // bytes of the cookies of one attempt that are read; ours has about a thousand
	nameSize        = 22                  // of a hash in a cookie's name
	cookiePrefix    = "csoauth-"
	// A browser takes a cookie with this prefix only over https, with Secure and for all paths, and
	// from no other host.
	hostPrefix = "__Host-"
)

// seal returns the cookie of an attempt: what has to survive the user's visit to Contentstack and
// neither the Config nor the callback knows. Its name stands for the state. In its value, the time
// at which it was made comes first and in clear, for makeRoom.
func (h *Handlers) seal(request *csoauth.AuthRequest, returnTo string) *http.Cookie {
	cookie := h.cookie(h.cookieName(request.State))
	cookie.MaxAge = int(cookieLifetime.Seconds())
	made := strconv.FormatInt(time.Now().Unix(), 36)
	sealed := h.box.Seal([]byte(string(request.Verifier)+"\n"+returnTo), h.place(cookie.Name, made))
	cookie.Value = made + "." + base64.RawURLEncoding.EncodeToString(sealed)
	return cookie
}

// open returns the attempt in a cookie that has the name for state, and where the user goes after
// it.
func (h *Handlers) open(cookie *http.Cookie, state string) (request *csoauth.AuthRequest, returnTo string, err error) {
	made, text, _ := strings.Cut(cookie.Value, ".")
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, "", &cookieError{err}
	}
	plain, err := h.box.Open(sealed, h.place(cookie.Name, made))
	if err != nil {
		return nil, "", &cookieError{err}
	}
	at, err := strconv.ParseInt(made, 36, 64)
	if err != nil {
		return nil, "", &cookieError{err}
	}
	verifier, returnTo, _ := strings.Cut(string(plain), "\n")
	if returnTo, err = checkReturnTo(returnTo); err != nil { // an older release may have let it pass
		returnTo = "/"
	}
	if request, err = h.Config.NewAuthRequest(h.AuthOptions); err != nil {
		return nil, "", fmt.Errorf("httplogin: %w", err)
	}
	request.State, request.Verifier = state, csoauth.Verifier(verifier)
	request.Expires = time.Unix(at, 0).Add(attemptLifetime)
	return request, returnTo, nil
}

// A cookieError is for a cookie that opens no attempt. Its text is made only when it is read,
// because anyone can cause one.
type cookieError struct{ why error }

func (e *cookieError) Error() string {
	return fmt.Sprintf("httplogin: callback: %v: its cookie cannot be opened: %v", csoauth.ErrState, e.why)
}

func (e *cookieError) Unwrap() error { return csoauth.ErrState }

// place is what a cookie is good for: this name and time, and what the attempt takes from the
// Config.
func (h *Handlers) place(name, made string) []byte {
	b := make([]byte, 0, len(name)+1+len(made)+len(h.app))
	b = append(b, name...)
	b = append(b, 0)
	b = append(b, made...)
	return append(b, h.app[:]...)
}

// cookieName does not tell the state, which is secret until the callback.
func (h *Handlers) cookieName(state string) string {
	sum := sha256.Sum256([]byte(state))
	name := append(make([]byte, 0, len(h.prefix)+nameSize), h.prefix...)
	return string(base64.RawURLEncoding.AppendEncode(name, sum[:16]))
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
func (h *Handlers) cookie(name string) *http.Cookie {
	return &http.Cookie{Name: name, Path: "/", Secure: h.https, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// expired deletes a cookie.
func (h *Handlers) expired(name string) *http.Cookie {
	cookie := h.cookie(name)
	cookie.MaxAge = -1
	return cookie
}

// openOne opens the first of several cookies of one name that can be opened: another path or host
// may have added some. It reads 8 KiB of them at most.
func (h *Handlers) openOne(cookies []*http.Cookie, state string) (request *csoauth.AuthRequest, returnTo string, err error) {
	read := 0
	for _, cookie := range cookies {
		if read += len(cookie.Value); read > maxCookies {
			return nil, "", fmt.Errorf("httplogin: callback: %w: its cookies have more than %d bytes", csoauth.ErrState, maxCookies)
		}
		if request, returnTo, err = h.open(cookie, state); err == nil {
			break
		}
	}
	return request, returnTo, err
}

// cookiesOf returns the cookie of the attempt that a callback's state names, and others of that
// name.
func (h *Handlers) cookiesOf(r *http.Request, states []string) ([]*http.Cookie, error) {
	if len(states) != 1 || states[0] == "" {
		return nil, fmt.Errorf("httplogin: callback: %w: state occurs %d times", csoauth.ErrState, len(states))
	}
	if len(r.Header["Cookie"]) == 0 { // as in a flood of forged callbacks
		return nil, errNoCookie
	}
	if cookies := r.CookiesNamed(h.cookieName(states[0])); len(cookies) > 0 {
		return cookies, nil
	}
	if len(h.attempts(r)) > 0 {
		return nil, fmt.Errorf("httplogin: callback: %w: it belongs to no attempt of this browser", csoauth.ErrState)
	}
	return nil, errNoCookie
}

var errNoCookie = fmt.Errorf("httplogin: callback: %w", ErrNoCookie)

// attempts returns the cookies of a browser's attempts, the oldest first.
func (h *Handlers) attempts(r *http.Request) (cookies []*http.Cookie) {
	for _, cookie := range r.Cookies() {
		if strings.HasPrefix(cookie.Name, h.prefix) && len(cookie.Name) == len(h.prefix)+nameSize {
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

// makeRoom deletes the oldest attempts if the browser has too many, so that requests stay within
// what servers take.
func (h *Handlers) makeRoom(w http.ResponseWriter, r *http.Request) {
	all := h.attempts(r)
	for i := 0; len(all)-i >= maxAttempts && i < maxDeleted; i++ {
		http.SetCookie(w, h.expired(all[i].Name))
	}
}

type returnToKey struct{}

// returningTo tells the error page where another try should lead.
func returningTo(r *http.Request, path string) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), returnToKey{}, path))
}
