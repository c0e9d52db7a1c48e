package httplogin_test

import (
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/httplogin"
)

// A login in a web server of your own.
func Example() {
	config := &csoauth.Config{
		AppUID: "your-app-uid", ClientID: "your-client-id", RedirectURI: "https://example.com/callback",
		AuthorizeRoute: csoauth.RoutePath, // works for users who are not logged in yet
	}
	login := &httplogin.Handlers{
		Config: config,
		Keys:   [][]byte{[]byte("32 random bytes of your own here")},
		OnToken: func(w http.ResponseWriter, r *http.Request, token *csoauth.Token) error {
			// Start your session, and store the token in package tokens. The module's README shows
			// how.
			http.SetCookie(w, &http.Cookie{Name: "__Host-session", Value: "a-random-one", Path: "/", Secure: true, HttpOnly: true})
			return nil
		},
	}
	if err := login.Validate(); err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/login", login.Start)
	mux.HandleFunc("/callback", login.Callback)

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/login?return_to=/entries", nil))
	fmt.Println(w.Code, w.Header().Get("Location")[:50])
	// Output: 303 https://app.contentstack.com/apps/your-app-uid/aut
}

// A page of your own for logins that failed.
func ExampleHandlers_Callback() {
	login := &httplogin.Handlers{
		Config:  &csoauth.Config{AppUID: "your-app-uid", ClientID: "your-client-id", RedirectURI: "https://example.com/callback"},
		Keys:    [][]byte{[]byte("32 random bytes of your own here")},
		OnToken: func(http.ResponseWriter, *http.Request, *csoauth.Token) error { return nil },
		OnError: func(w http.ResponseWriter, r *http.Request, err error) {
			switch {
			case errors.Is(err, csoauth.ErrDenied):
				http.Error(w, "you denied access", http.StatusForbidden)
			case errors.Is(err, httplogin.ErrBusy):
				http.Error(w, "reload this page in a moment", http.StatusServiceUnavailable)
			case errors.Is(err, csoauth.ErrConfig):
				http.Error(w, "the login is not set up: tell the operator", http.StatusInternalServerError)
			default: // do not tell a forged callback the cause
				http.Error(w, "please log in again", http.StatusBadRequest)
			}
		},
	}
	w := httptest.NewRecorder()
	login.Callback(w, httptest.NewRequest(http.MethodGet, "/callback?code=guess&state=guess", nil))
	fmt.Print(w.Code, " ", w.Body)
	// Output: 400 please log in again
}

// A test of a web login, with an emulated Contentstack.
func TestYourLogin(t *testing.T) {
	contentstack := csoauthtest.NewServer(t, nil)
	mux := http.NewServeMux()
	app := httptest.NewServer(mux)
	defer app.Close()
	var got *csoauth.Token
	login := &httplogin.Handlers{Config: contentstack.Config(app.URL + "/callback"), Keys: keys,
		OnToken: func(_ http.ResponseWriter, _ *http.Request, token *csoauth.Token) error { got = token; return nil }}
	mux.HandleFunc("/login", login.Start)
	mux.HandleFunc("/callback", login.Callback)
	mux.HandleFunc("/entries", func(http.ResponseWriter, *http.Request) {})

	resp, err := contentstack.Browser().Get(app.URL + "/login?return_to=/entries") // logs in, consents, comes back
	if err != nil || resp.Request.URL.Path != "/entries" || got == nil {
		t.Fatal(err, resp.Request.URL, got)
	}
	resp.Body.Close()
}
