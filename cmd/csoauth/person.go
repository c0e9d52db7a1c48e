package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/browser"
	"github.com/contentstack/csoauth/internal/emulator"
	"github.com/contentstack/csoauth/internal/landing"
)

// A visitor opens an authorize URL as v would, and returns what comes back to the redirect URI.
type visitor interface {
	visit(ctx context.Context, authorizeURL string, v emulator.Visitor) (url.Values, error)
}

// A robot visits by itself. The redirect URI is registered, and never requested.
type robot struct {
	base      string
	transport http.RoundTripper
}

func (r robot) visit(ctx context.Context, authorizeURL string, v emulator.Visitor) (url.Values, error) {
	browser := &http.Client{Transport: &emulator.Browser{Emulator: r.base, Visitor: v, Transport: r.transport}}
	back, page, err := emulator.SentBack(ctx, browser, r.base, authorizeURL)
	if err == nil && back == nil {
		err = fmt.Errorf("the authorize page responded with %s and did not redirect to the app", page.Status)
	}
	return back, err
}

// A person visits with the machine's browser, which comes back to a listener of the demo's.
type person struct {
	tell      *teller
	listener  net.Listener
	callbacks chan url.Values
}

// newPerson listens for callbacks until ctx ends.
func newPerson(ctx context.Context, tell *teller) (*person, <-chan error, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, fmt.Errorf("demo: %w", err)
	}
	p := &person{tell, listener, make(chan url.Values)}
	done := make(chan error, 1)
	go func() { done <- serve(ctx, listener, http.HandlerFunc(p.callback)) }()
	return p, done, nil
}

func (p *person) redirectURI() string { return "http://" + p.listener.Addr().String() + "/callback" }

func (p *person) callback(w http.ResponseWriter, r *http.Request) {
	landing.Protect(w.Header())
	if r.URL.Path != "/callback" || r.Method != http.MethodGet {
		http.NotFound(w, r)
		return
	}
	callback, err := csoauth.ParseCallback(r.URL.RawQuery)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	select {
	case p.callbacks <- callback:
		landing.Write(w, http.StatusOK, landing.Page{Name: "demo", Good: true, Title: "You are back at the demo", Text: []string{"The demo goes on in the terminal. Go back to it. You can close this page."}}.HTML())
	case <-r.Context().Done():
	}
}

func (p *person) visit(ctx context.Context, authorizeURL string, v emulator.Visitor) (url.Values, error) {
	wish := "Allow"
	if v.Deny {
		wish = "Deny"
	}
	p.tell.text("In your browser, log in as any user if you are asked to, and choose " + wish + ". If no browser opens, open this:")
	p.tell.line("   %s", authorizeURL)
	process, err := browser.Open(authorizeURL)
	if err != nil {
		p.tell.text("(" + err.Error() + ")")
	} else {
		defer process.Release()
	}
	select {
	case back := <-p.callbacks:
		return back, nil
	case <-ctx.Done():
		return nil, errors.New("the user did not return from the browser in time")
	}
}
