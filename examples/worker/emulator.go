package main

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/emulator"
)

// This file is only for -emulator. Leave it out of your worker.

// emulatedUsers log in by themselves. Before the fourth round Alan removes the app.
var emulatedUsers = []emulator.User{
	{UID: "ada", Organizations: []emulator.Organization{{UID: "press"}}},
	{UID: "alan", Organizations: []emulator.Organization{{UID: "press"}}},
	{UID: "grace", Organizations: []emulator.Organization{{UID: "shop"}}},
}

var emulatedStacks = map[string]string{
	"press": `{"stacks":[{"name":"Books","api_key":"blt00000000000books"},{"name":"Papers","api_key":"blt0000000000papers"}],"count":2}`,
	"shop":  `{"stacks":[{"name":"Compilers","api_key":"blt0000000compilers"}],"count":1}`,
}

// runEmulated runs the worker with an emulated Contentstack. Its users log in by themselves, and
// their access tokens expire after a few seconds.
func runEmulated(ctx context.Context, s *settings) (err error) {
	e, err := emulator.New(emulator.Options{Users: emulatedUsers, AccessTokenLifetime: 8 * time.Second})
	if err != nil {
		return err
	}
	e.API("GET /v3/stacks", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, emulatedStacks[r.Header.Get("organization_uid")])
	}))
	contentstack := httptest.NewServer(e)
	defer contentstack.Close()
	dir, err := os.MkdirTemp("", "worker-tokens-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	app := emulator.DefaultApp()
	key := make([]byte, 32)
	rand.Read(key)
	s.config = &csoauth.Config{
		AppUID: app.UID, ClientID: app.ClientID, RedirectURI: app.RedirectURIs[0],
		Endpoints: map[csoauth.Region]csoauth.Endpoints{csoauth.NA: csoauth.OneHost(contentstack.URL)},
	}
	s.sealKeys, s.dir, s.pause = [][]byte{key}, dir, min(s.pause, 2*time.Second)
	w, err := newWorker(s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.tokens.Close()) }()
	slog.Info("emulating Contentstack: access tokens expire after 8 seconds; Ctrl-C stops the program", "at", contentstack.URL, "tokens", dir)
	for _, user := range emulatedUsers {
		token, err := emulatedLogin(ctx, s.config, contentstack.URL, user.UID)
		if err != nil {
			return err
		}
		userKey, err := w.keep(ctx, token)
		if err != nil {
			return err
		}
		s.users = append(s.users, userKey)
	}
	round := 0
	w.run(ctx, s, func() []string {
		if round++; round == 4 {
			slog.Info("(Alan opens Authorized Apps at Contentstack and removes this app)")
			if token, err := w.tokens.Token(ctx, "alan/press"); err == nil {
				e.Revoke(token.AccessToken)
			}
		}
		return s.users
	})
	return nil
}

// emulatedLogin logs in a user who allows everything. It needs no browser.
func emulatedLogin(ctx context.Context, config *csoauth.Config, base, user string) (*csoauth.Token, error) {
	request, err := config.NewAuthRequest(nil)
	if err != nil {
		return nil, err
	}
	browser := &http.Client{Transport: &emulator.Browser{Emulator: base, Visitor: emulator.Visitor{UserUID: user}}}
	callback, page, err := emulator.SentBack(ctx, browser, base, config.AuthorizeURL(request))
	if err != nil {
		return nil, err
	}
	if callback == nil {
		return nil, errors.New("the authorize page did not redirect: " + page.Status)
	}
	return config.Exchange(ctx, request, callback)
}
