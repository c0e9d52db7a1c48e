// Hello is the smallest web application whose users log in with Contentstack. It greets them by
// name. Start csoauth emulate in another terminal, then open http://localhost:8184.
package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"net/http"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
	"github.com/contentstack/csoauth/httplogin"
	"github.com/contentstack/csoauth/tokens"
)

func main() {
	config := &csoauth.Config{
		AppUID: "64e0f1a2b3c4d5e6f7a8b9c0", ClientID: "emulated-Client1",
		RedirectURI: "http://localhost:8184/callback", AuthorizeRoute: csoauth.RoutePath,
		Endpoints: map[csoauth.Region]csoauth.Endpoints{csoauth.NA: csoauth.OneHost("http://127.0.0.1:8484")},
	}
	users, err := tokens.New(config, new(tokens.Memory), nil)
	if err != nil {
		log.Fatal(err)
	}
	key := make([]byte, 32)
	rand.Read(key) // never fails
	app, err := newApp(config, users, key)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("localhost:8184", app))
}

type app struct {
	users *tokens.Manager
	apis  *csapi.Client
}

// newApp returns the application. The key seals the cookies of logins that are under way.
func newApp(config *csoauth.Config, users *tokens.Manager, key []byte) (http.Handler, error) {
	a := &app{users: users, apis: csapi.New(config, nil, nil)}
	login := &httplogin.Handlers{Config: config, Keys: [][]byte{key}, OnToken: a.begin, StartPath: "/login"}
	mux := http.NewServeMux()
	mux.HandleFunc("/login", login.Start)
	mux.HandleFunc("/callback", login.Callback)
	mux.HandleFunc("/", a.greet)
	return mux, login.Validate()
}

// begin stores a user's token under a new session, and gives the browser the session's cookie.
func (a *app) begin(w http.ResponseWriter, r *http.Request, token *csoauth.Token) error {
	session := rand.Text()
	http.SetCookie(w, &http.Cookie{Name: "session", Value: session, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return a.users.Put(r.Context(), session, token)
}

func (a *app) greet(w http.ResponseWriter, r *http.Request) {
	session, err := r.Cookie("session")
	if err != nil {
		http.Error(w, "open /login", http.StatusUnauthorized)
		return
	}
	user, err := a.apis.For(a.users.For(session.Value)).User(r.Context())
	switch {
	case err == nil:
		fmt.Fprintln(w, "Hello,", user.FirstName)
	case errors.Is(err, csoauth.ErrLoginRequired):
		http.Error(w, "open /login", http.StatusUnauthorized)
	default: // the user is still logged in
		http.Error(w, "please try again later", http.StatusBadGateway)
	}
}
