package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/emulator"
)

// This file is only for -emulator. Leave it out of your application.

// emulatedUsers are the users on the emulated login page.
var emulatedUsers = []emulator.User{
	{UID: "ada", Email: "ada@example.com", FirstName: "Ada", LastName: "Lovelace", Organizations: []emulator.Organization{{UID: "press", Name: "Emulated Press"}, {UID: "shop", Name: "Emulated Shop"}}},
	{UID: "alan", Email: "alan@example.com", FirstName: "Alan", LastName: "Turing", Organizations: []emulator.Organization{{UID: "press", Name: "Emulated Press"}}},
}

var emulatedStacks = map[string]string{
	"press": `{"stacks":[{"name":"Books","description":"Everything in print","api_key":"blt00000000000books"},{"name":"Papers","api_key":"blt0000000000papers"}],"count":2}`,
	"shop":  `{"stacks":[{"name":"Shop <EU>","description":"Prices & texts","api_key":"blt000000000000shop"}],"count":1}`,
}

// runEmulated calls run with an emulated Contentstack, where access tokens expire after a minute.
func runEmulated(ctx context.Context, s *settings, listener net.Listener) error {
	defer listener.Close() // in case run is not reached
	site := fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port)
	registered := emulator.DefaultApp()
	registered.RedirectURIs = []string{site + callbackPath}
	e, err := emulator.New(emulator.Options{Apps: []emulator.App{registered}, Users: emulatedUsers, AccessTokenLifetime: time.Minute})
	if err != nil {
		return err
	}
	e.API("GET /v3/stacks", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, emulatedStacks[r.Header.Get("organization_uid")])
	}))
	contentstack := httptest.NewServer(e)
	defer contentstack.Close()
	dir, err := os.MkdirTemp("", "web-tokens-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	key := make([]byte, 32)
	rand.Read(key)
	configured := &settings{
		config: &csoauth.Config{
			AppUID: registered.UID, ClientID: registered.ClientID, RedirectURI: site + callbackPath,
			Endpoints:      map[csoauth.Region]csoauth.Endpoints{csoauth.NA: csoauth.OneHost(contentstack.URL)},
			AuthorizeRoute: csoauth.RoutePath,
		},
		sealKeys: [][]byte{key}, dir: dir, listen: s.listen,
	}
	slog.SetLogLoggerLevel(slog.LevelDebug) // shows each refresh
	slog.Info("emulating Contentstack: access tokens expire after a minute; Ctrl-C stops the program", "at", contentstack.URL)
	fmt.Println("Open this in your browser:", site)
	return run(ctx, configured, listener)
}
