package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"sync"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/httplogin"
	"github.com/contentstack/csoauth/internal/emulator"
)

// shootWeb takes the pages that package httplogin shows when a login fails.
func shootWeb(ctx context.Context, s *studio) error {
	e, stop, err := startEmulator()
	if err != nil {
		return err
	}
	defer stop()
	t := s.tour()
	t.open(emulatorURL+"/login", "login")
	t.click(asAda, "index")
	c := config()
	c.AuthorizeRoute = csoauth.RouteHash
	t.website(c, func() {
		t.open(redirectURI+"?code=c&state=s", "login-failed")
		t.shoot("web-stacks", redirectURI+"?code=…", card)
	})
	t.website(config(), func() {
		t.open(redirectURI+"?code=c&state=s", "login-failed")
		t.shoot("web-lost", redirectURI+"?code=…", card)
		t.open("http://127.0.0.1:8184/login", "login-failed")
		t.shoot("web-address", "http://127.0.0.1:8184/login", card)
		t.open(appURL+"/login", "consent")
		t.click(deny, "denied")
		t.shoot("web-denied", redirectURI+"?error=…", card)
		e.FailNext(emulator.Fault{Status: http.StatusBadGateway})
		t.open(appURL+"/login", "consent")
		t.click(allow, "login-failed")
		t.shoot("web-failed", redirectURI+"?code=…", card)
	})
	t.busy(ctx)
	return t.err
}

// website runs a web server with the handlers of httplogin, and visit meanwhile.
func (t *tour) website(c *csoauth.Config, visit func()) {
	if t.err != nil {
		return
	}
	login := &httplogin.Handlers{Config: c, Keys: [][]byte{bytes.Repeat([]byte("k"), 32)}, StartPath: "/login",
		OnToken: func(http.ResponseWriter, *http.Request, *csoauth.Token) error { return nil }}
	mux := http.NewServeMux()
	mux.HandleFunc("/login", login.Start)
	mux.HandleFunc("/callback", login.Callback)
	stop, err := serve(appURL, mux)
	if err != nil {
		t.err = err
		return
	}
	defer stop()
	visit()
}

// busy takes the page of the one who comes when as many codes are redeemed as can be.
func (t *tour) busy(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	const most = 64
	arrived, release := make(chan error, 2*most), make(chan struct{})
	c := config()
	c.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		arrived <- nil
		<-release
		return nil, fmt.Errorf("released")
	})}
	t.website(c, func() {
		var others sync.WaitGroup
		for range most {
			others.Go(func() { arrived <- comeBack() })
		}
		for range most {
			select {
			case err := <-arrived:
				t.err = errors.Join(t.err, err)
			case <-ctx.Done():
				t.err = ctx.Err()
			}
		}
		t.open(appURL+"/login", "busy")
		t.shoot("web-busy", redirectURI+"?code=…", card)
		close(release)
		others.Wait()
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// comeBack begins a login at the web server, and comes back with a code.
func comeBack() error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := browser.Get(appURL + "/login")
	if err != nil {
		return err
	}
	resp.Body.Close()
	to, err := resp.Location()
	if err != nil {
		return err
	}
	state := to.Query().Get("state")
	resp, err = browser.Get(redirectURI + "?" + url.Values{"code": {state}, "state": {state}}.Encode())
	if err != nil {
		return err
	}
	resp.Body.Close()
	return fmt.Errorf("another visitor got %s", resp.Status)
}
