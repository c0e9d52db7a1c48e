// Web is a web application whose users log in with Contentstack. It shows them their name and the
// stacks of their organization, and logs them out.
//
//	go run ./examples/web -emulator   try it without a Contentstack account
//	go run ./examples/web             use your app; settings.go lists the environment variables
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
	"github.com/contentstack/csoauth/httplogin"
	"github.com/contentstack/csoauth/tokens"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := readSettings(os.Args[1:], os.Getenv)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	var listener net.Listener
	if err == nil {
		listener, err = new(net.ListenConfig).Listen(ctx, "tcp", s.listen)
	}
	if err == nil {
		err = run(ctx, s, listener)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "web:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends. Its error includes the error of Close, which names the users whose new
// tokens could not be stored, each by the hash that the log has too.
func run(ctx context.Context, s *settings, listener net.Listener) (err error) {
	if s.emulator {
		return runEmulated(ctx, s, listener)
	}
	a, err := newApp(s)
	if err != nil {
		listener.Close() // nothing serves on it
		return err
	}
	defer func() { err = errors.Join(err, a.tokens.Close()) }()
	slog.Info("serving", "listen", listener.Addr(), "open", strings.TrimSuffix(s.config.RedirectURI, callbackPath))
	return serve(ctx, listener, a.handler())
}

// An app is the web application. It is safe for concurrent use.
type app struct {
	apis     *csapi.Client // of all users
	login    *httplogin.Handlers
	tokens   *tokens.Manager
	sessions *sessions
}

func newApp(s *settings) (*app, error) {
	store, err := tokens.Sealed(tokens.Dir(s.dir), s.sealKeys...)
	if err != nil {
		return nil, err
	}
	manager, err := tokens.New(s.config, store, &tokens.Options{Logger: slog.Default()})
	if err != nil {
		return nil, err
	}
	a := &app{apis: csapi.New(s.config, nil, nil), tokens: manager, sessions: newSessions(s.config.RedirectURI)}
	a.login = &httplogin.Handlers{Config: s.config, Keys: s.sealKeys, OnToken: a.loggedIn, StartPath: "/login", Logger: slog.Default()}
	return a, a.login.Validate()
}

// handler returns the handler of all paths. It refuses a POST from a page of another site. The two
// login paths have httplogin's own checks.
func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.serveHome)
	mux.HandleFunc("GET /style.css", serveStyle)
	mux.HandleFunc("/login", a.login.Start)
	mux.HandleFunc(callbackPath, a.login.Callback)
	mux.HandleFunc("POST /logout", a.serveLogout)
	return http.NewCrossOriginProtection().Handler(mux)
}

// loggedIn stores the token of a user who has returned from Contentstack, and begins a session.
func (a *app) loggedIn(w http.ResponseWriter, r *http.Request, token *csoauth.Token) error {
	if token.UserUID == "" {
		return errors.New("the token names no user") // so there is no key to store it under
	}
	key := token.UserUID + "/" + token.OrganizationUID // each login is for one user in one organization
	if err := a.tokens.Put(r.Context(), key, token); err != nil {
		return err
	}
	slog.Info("logged in", "user", key, "key", tokens.KeyHash(key)) // the Manager logs this hash instead of the key
	a.sessions.begin(w, r, key)
	return nil
}

// serveLogout ends the session and deletes the user's tokens. That logs the user out in all
// browsers, because they share the tokens. Contentstack still allows the app until the user removes
// it there, under Authorized Apps. csapi's Revoke would end that too, and with it the user's logins
// in all other programs of this app.
func (a *app) serveLogout(w http.ResponseWriter, r *http.Request) {
	if key, ok := a.sessions.end(w, r); ok {
		if err := a.tokens.Delete(r.Context(), key); err != nil {
			slog.Error("cannot delete the tokens", "user", key, "err", err)
			writePage(w, http.StatusInternalServerError, pageData{Notice: "You are logged out here, but your tokens could not be deleted."})
			return
		}
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
