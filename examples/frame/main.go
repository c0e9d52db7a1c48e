// Frame is a web application that another site shows in a frame, as Contentstack shows apps. Its
// users log in in a window of their own, which then closes.
//
//	go run ./cmd/csoauth emulate                    in another terminal
//	go run ./examples/frame -site http://127.0.0.1:8080
//
// Any page of that site may show http://localhost:8184/ in a frame.
package main

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"flag"
	"fmt"
	"html/template"
	"log"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
	"github.com/contentstack/csoauth/httplogin"
	"github.com/contentstack/csoauth/tokens"
)

//go:embed frame.html done.html frame.js done.js
var files embed.FS

var pages = template.Must(template.ParseFS(files, "*.html"))

func main() {
	listen := flag.String("listen", "localhost:8184", "`address` to listen on")
	contentstack := flag.String("contentstack", "http://127.0.0.1:8484", "`address` of csoauth emulate")
	site := flag.String("site", "https://app.contentstack.com", "`origin` whose pages may show the application in a frame")
	flag.Parse()
	a, err := newApp(&csoauth.Config{
		AppUID: "64e0f1a2b3c4d5e6f7a8b9c0", ClientID: "emulated-Client1",
		RedirectURI: "http://" + *listen + "/callback", AuthorizeRoute: csoauth.RoutePath,
		Endpoints: map[csoauth.Region]csoauth.Endpoints{csoauth.NA: csoauth.OneHost(*contentstack)},
	}, *site)
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server := &http.Server{Addr: *listen, Handler: a.handler(), ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
	if err := a.users.Close(); err != nil {
		log.Fatal(err)
	}
}

// An app keeps its users' tokens in memory. For more, see docs/guides/many-users.md.
type app struct {
	site  string
	users *tokens.Manager
	apis  *csapi.Client
	login *httplogin.Handlers
}

func newApp(config *csoauth.Config, site string) (*app, error) {
	users, err := tokens.New(config, new(tokens.Memory), nil)
	if err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	rand.Read(key) // never fails; several replicas need the same key
	a := &app{site: site, users: users, apis: csapi.New(config, nil, nil)}
	a.login = &httplogin.Handlers{Config: config, Keys: [][]byte{key}, OnToken: a.loggedIn, Logger: slog.Default()}
	return a, a.login.Validate()
}

func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.serveFrame)
	mux.HandleFunc("/login", a.login.Start)
	mux.HandleFunc("/callback", a.login.Callback)
	mux.HandleFunc("GET /done", a.serveDone)
	mux.HandleFunc("GET /name", a.serveName)
	mux.Handle("GET /frame.js", http.FileServerFS(files))
	mux.Handle("GET /done.js", http.FileServerFS(files))
	return mux
}

// serveFrame is the page in the frame. Only one site may show it there.
func (a *app) serveFrame(w http.ResponseWriter, _ *http.Request) {
	write(w, "frame.html", a.site, nil)
}

// doneCookie brings the session from the callback to the page /done, and nowhere else.
const doneCookie = "done"

// loggedIn stores the token under a new session. This runs in the window, not in the frame.
func (a *app) loggedIn(w http.ResponseWriter, r *http.Request, token *csoauth.Token) error {
	session := rand.Text()
	if err := a.users.Put(r.Context(), session, token); err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{
		Name: doneCookie, Value: session, Path: "/done", MaxAge: 60,
		Secure: strings.HasPrefix(a.login.Config.RedirectURI, "https://"), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	return nil
}

// serveDone is the last page in the window. Its script gives the session to the frame.
func (a *app) serveDone(w http.ResponseWriter, r *http.Request) {
	session, err := r.Cookie(doneCookie)
	if err != nil {
		http.Error(w, "please log in again", http.StatusBadRequest)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: doneCookie, Path: "/done", MaxAge: -1})
	write(w, "done.html", "'none'", session.Value)
}

// serveName is for the script in the frame, which sends the session in a header.
func (a *app) serveName(w http.ResponseWriter, r *http.Request) {
	session, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || session == "" {
		http.Error(w, "please log in", http.StatusUnauthorized)
		return
	}
	user, err := a.apis.For(a.users.For(session)).User(r.Context())
	switch {
	case err == nil:
		fmt.Fprint(w, user.FirstName, " ", user.LastName)
	case errors.Is(err, csoauth.ErrLoginRequired):
		http.Error(w, "please log in", http.StatusUnauthorized)
	default:
		slog.Warn("cannot read the user's name", "err", err)
		http.Error(w, "please try again later", http.StatusBadGateway)
	}
}

// write writes a page that pages of one site may show in a frame.
func write(w http.ResponseWriter, page, frameAncestors string, data any) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors "+frameAncestors)
	if err := pages.ExecuteTemplate(w, page, data); err != nil {
		slog.Error("cannot write the page", "page", page, "err", err)
	}
}
