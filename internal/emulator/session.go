package emulator

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// SessionCookie names the cookie that says who is logged in to the emulator in a browser. Its value
// is the user's uid, and nothing protects it: the emulator has no passwords either.
const SessionCookie = "emulator_session"

// FirstUser is a session of the first user.
const FirstUser = "first"

// session returns the user of a request's session, nil if there is none, and an error for a user
// whom nobody knows.
func (e *Emulator) session(r *http.Request) (*User, error) {
	cookie, err := r.Cookie(SessionCookie)
	if err != nil || cookie.Value == "" {
		return nil, nil
	}
	uid := cookie.Value
	if uid == FirstUser {
		uid = ""
	}
	user, ok := e.findUser(uid)
	if !ok {
		return nil, fmt.Errorf("the session is of user %.40q, whom nobody knows: log in again", uid)
	}
	return &user, nil
}

// lostPath is the index, which explains that the authorize request is lost.
const lostPath = "/?lost=1"

// loginURL is the login page, which leads to next after the login. It is always a path of this
// emulator, whatever next is.
func loginURL(next string) string { return "/login?" + url.Values{"return": {next}}.Encode() }

// serveLogin shows who can log in. A user who comes from the hash route has lost the authorize
// request: what stands behind # never reaches a server.
func (e *Emulator) serveLogin(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	data := loginData{e.o.Users, q.Get("return"), q.Has("lost")}
	if data.Lost {
		data.Return = lostPath
	}
	writePage(w, http.StatusOK, loginPage(data))
}

// logIn begins a session, and goes on to the authorize page that asked for it.
func (e *Emulator) logIn(w http.ResponseWriter, r *http.Request) {
	form, err := parseForm(r)
	if err != nil {
		writePage(w, http.StatusBadRequest, errorPage("The login did not work", err.Error()))
		return
	}
	user, ok := e.findUser(form.Get("user"))
	if !ok || form.Get("user") == "" {
		writePage(w, http.StatusBadRequest, errorPage("The login did not work", "there is no such user"))
		return
	}
	http.SetCookie(w, &http.Cookie{Name: SessionCookie, Value: user.UID, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, returnPath(form.Get("return")), http.StatusSeeOther)
}

func (e *Emulator) logOut(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: SessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// returnPath is where to go after logging in: to an authorize page of this emulator, or else to the
// index.
func returnPath(asked string) string {
	u, err := url.Parse(asked)
	if err != nil || u.Scheme != "" || u.Host != "" || strings.Contains(asked+u.Path, "\\") { // a slash to browsers
		return "/"
	}
	isAuthorize, _ := path.Match("/apps/*/authorize", u.Path)
	if asked == lostPath || isAuthorize && path.Clean(u.Path) == u.Path {
		return asked
	}
	return "/"
}
