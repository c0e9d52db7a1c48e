// Web is a web application whose users log in with Contentstack. It shows them who they are and the stacks of their
// organization, and logs them out.
//
//	go run ./examples/web -emulator   see it work, without a Contentstack account
//	go run ./examples/web             for the app that the environment configures: see settings.go
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
	"syscall"

	"github.com/contentstack/csoauth"
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

// run serves until ctx ends. Its error has that of Close in it, which names the users whose new tokens are lost.
func run(ctx context.Context, s *settings, listener net.Listener) (err error) {
	if s.emulator {
		return runEmulated(ctx, s, listener)
	}
	a, err := newApp(s)
	if err != nil {
		listener.Close() // nothing came of it
		return err
	}
	defer func() { err = errors.Join(err, a.tokens.Close()) }()
	slog.Info("serving", "at", listener.Addr())
	return serve(ctx, listener, a.handler())
}

// An app is the web application. It is safe for concurrent use.
type app struct {
	config   *csoauth.Config
	login    *httplogin.Login
	tokens   *tokens.Manager
	sessions *sessions
}

func newApp(s *settings) (*app, error) {
	store, err := tokens.Sealed(tokens.Dir(s.dir), s.sealKeys...)
	if err != nil {
		return nil, err
	}
	a := &app{
		config:   s.config,
		tokens:   tokens.New(s.config, store, &tokens.Options{Logger: slog.Default()}),
		sessions: newSessions(s.config.RedirectURI),
	}
	a.login = &httplogin.Login{Config: s.config, Keys: s.sealKeys, OnToken: a.loggedIn, StartPath: "/login", Logger: slog.Default()}
	return a, a.login.Validate()
}

// handler refuses what another site's page posts, for all paths. A log-in needs no more than httplogin's own checks.
func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.serveHome)
	mux.HandleFunc("GET /style.css", serveStyle)
	mux.HandleFunc("/login", a.login.Start)
	mux.HandleFunc(callbackPath, a.login.Callback)
	mux.HandleFunc("POST /logout", a.serveLogout)
	return http.NewCrossOriginProtection().Handler(mux)
}

// loggedIn keeps the token of a user who comes back from Contentstack, and begins the session.
func (a *app) loggedIn(w http.ResponseWriter, r *http.Request, token *csoauth.Token) error {
	if token.UserUID == "" {
		return errors.New("the token is of no user") // whose page would that be?
	}
	key := token.UserUID + "/" + token.OrganizationUID // one login of one user is for one organization
	if err := a.tokens.Put(r.Context(), key, token); err != nil {
		return err
	}
	a.sessions.begin(w, r, key)
	return nil
}

// serveLogout ends the session, and forgets the user's tokens: in all browsers of the user's, for they share the login. At
// Contentstack the app stays allowed until the user removes it there, under Authorized Apps.
func (a *app) serveLogout(w http.ResponseWriter, r *http.Request) {
	if key, ok := a.sessions.end(w, r); ok {
		if err := a.tokens.Delete(r.Context(), key); err != nil {
			slog.Error("tokens not deleted", "user", key, "err", err)
			writePage(w, http.StatusInternalServerError, pageData{Notice: "You are logged out here, but your tokens could not be deleted."})
			return
		}
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
