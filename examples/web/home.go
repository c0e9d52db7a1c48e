package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/contentstack/csoauth"
)

// serveHome shows a logged-in user's name and stacks. Everyone else gets a link to log in.
func (a *app) serveHome(w http.ResponseWriter, r *http.Request) {
	key, ok := a.sessions.key(r)
	if !ok {
		writePage(w, http.StatusOK, pageData{})
		return
	}
	user, err := a.user(r.Context(), key)
	switch {
	case err == nil:
		writePage(w, http.StatusOK, pageData{User: user})
	case errors.Is(err, csoauth.ErrLoginRequired): // access was revoked, or the user logged out in another browser
		a.sessions.end(w, r)
		writePage(w, http.StatusOK, pageData{Notice: "Your login at Contentstack has ended. Log in again."})
	default: // the login is still valid: keep the session
		slog.Warn("cannot read the user's data", "user", key, "err", err)
		writePage(w, http.StatusBadGateway, pageData{Notice: "Contentstack did not respond as expected. Try again in a moment.", LoggedIn: true})
	}
}

// user reads the user's name and stacks. The stacks are those of the organization that the user
// chose at consent.
func (a *app) user(ctx context.Context, key string) (*user, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	api := a.apis.For(a.tokens.For(key))
	profile, err := api.User(ctx)
	if err != nil {
		return nil, err
	}
	organization, err := api.Organization(ctx)
	if err != nil {
		return nil, err
	}
	u := &user{Name: profile.FirstName + " " + profile.LastName, Email: profile.Email, Organization: organization.Name}
	for stack, err := range api.Stacks(ctx) {
		if err != nil {
			return nil, err
		}
		u.Stacks = append(u.Stacks, stack)
	}
	return u, nil
}
