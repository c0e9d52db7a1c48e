package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/contentstack/csoauth/tokens"
)

// A visit opens an authorize URL in the user's browser, and returns the parameters with which it comes back.
type visit func(ctx context.Context, authorizeURL string) (url.Values, error)

// login lets a user log in, and stores what comes of it under the user's key. A web application does the first half in its
// log-in handler and the second in its callback handler, and keeps the request in the session in between.
func (w *worker) login(ctx context.Context, open visit) (key string, err error) {
	request, err := w.config.NewAuthRequest(nil)
	if err != nil {
		return "", err
	}
	callback, err := open(ctx, w.config.AuthorizeURL(request))
	if err != nil {
		return "", err
	}
	token, err := w.config.Exchange(ctx, request, callback)
	if err != nil {
		return "", err
	}
	key = token.UserUID + "/" + token.OrganizationUID // one login of one user is for one organization
	if err := w.tokens.Put(ctx, key, token); err != nil {
		return "", err
	}
	slog.Info("logged in", "user", key, "key", tokens.KeyHash(key)) // which is how the Manager's events name the user
	return key, nil
}

// browserOf asks the person at the terminal to open a browser, and waits at a redirect URI on this machine.
func browserOf(redirectURI string) visit {
	return func(ctx context.Context, authorizeURL string) (url.Values, error) {
		at, err := url.Parse(redirectURI)
		if err != nil {
			return nil, err
		}
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", at.Host)
		if err != nil {
			return nil, err
		}
		fmt.Println("Open this in your browser:", authorizeURL)
		return awaitCallback(ctx, listener, at.Path)
	}
}

// awaitCallback returns the parameters of the first request for path, and closes the listener.
func awaitCallback(ctx context.Context, listener net.Listener, path string) (url.Values, error) {
	callbacks := make(chan url.Values, 1)
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			http.NotFound(w, r)
			return
		}
		io.WriteString(w, "Back at the worker. The terminal says how it went; you can close this page.\n")
		select {
		case callbacks <- r.URL.Query():
		default: // there was one
		}
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer func() {
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = server.Shutdown(patience) // the page is a courtesy
		<-served
	}()
	select {
	case callback := <-callbacks:
		return callback, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("nobody came back from the browser: %w", ctx.Err())
	}
}
