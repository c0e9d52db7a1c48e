package main

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/contentstack/csoauth/internal/emulator"
	"github.com/contentstack/csoauth/loopback"
)

// shootLanding takes the pages at which the login of a terminal program ends.
func shootLanding(ctx context.Context, s *studio) error {
	e, stop, err := startEmulator()
	if err != nil {
		return err
	}
	defer stop()
	t := s.tour()
	t.open(emulatorURL+"/login", "login")
	t.click(asAda, "index")
	t.loopback(ctx, func(address string) {
		t.open(redirectURI+"?code=…&state=…", "not-this-login")
		t.shoot("landing-other", redirectURI, card)
		t.open(address, "consent")
		t.click(deny, "denied")
		t.shoot("landing-denied", redirectURI, card)
	})
	t.loopback(ctx, func(address string) {
		e.FailNext(emulator.Fault{Status: http.StatusBadGateway})
		t.open(address, "consent")
		t.click(allow, "login-failed")
		t.shoot("landing-failed", redirectURI, card)
	})
	t.loopback(ctx, func(address string) {
		t.open(address, "logged-in") // consent is remembered
		t.shoot("landing-logged-in", redirectURI, card)
	})
	return t.err
}

// loopback runs a login of a program, and visit with its authorize URL.
func (t *tour) loopback(ctx context.Context, visit func(address string)) {
	if t.err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	addresses, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		_, err := loopback.Login(ctx, config(), &loopback.Options{Program: "csoauth", Out: io.Discard,
			OpenBrowser: func(_ context.Context, address string) error {
				addresses <- address
				return nil
			}})
		ended <- err
	}()
	select {
	case address := <-addresses:
		visit(address)
		cancel()
		<-ended // it may have failed: that is on the page
	case err := <-ended:
		t.err = fmt.Errorf("no browser was opened: %w", err)
	}
}
