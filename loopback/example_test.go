package loopback_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/emulator"
	"github.com/contentstack/csoauth/loopback"
)

// A program logs its user in.
func Example() {
	config, allow := emulated() // your app, and in place of a browser a user who allows it
	token, err := loopback.Login(context.Background(), config, &loopback.Options{OpenBrowser: allow})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("logged in to organization", token.OrganizationUID)
	// Output: logged in to organization blt1a2b3c4d5e6f7081
}

// emulated starts a Contentstack for the example.
func emulated() (*csoauth.Config, func(context.Context, string) error) {
	e, err := emulator.New(emulator.Options{})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(e)
	app := emulator.DefaultApp()
	config := &csoauth.Config{
		AppUID: app.UID, ClientID: app.ClientID, RedirectURI: "http://localhost:" + freePort() + "/callback",
		Endpoints: map[csoauth.Region]csoauth.Endpoints{csoauth.NA: {App: server.URL}},
	}
	if err := e.Register(app.UID, config.RedirectURI); err != nil {
		log.Fatal(err)
	}
	allow := func(_ context.Context, address string) error {
		go func() {
			defer server.Close()
			resp, err := (&http.Client{Transport: &emulator.Browser{Emulator: server.URL}}).Get(address)
			if err != nil {
				log.Fatal(err)
			}
			resp.Body.Close()
		}()
		return nil
	}
	return config, allow
}
