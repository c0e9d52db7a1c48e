package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
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
		writePage(w, http.StatusOK, pageData{Notice: "Your login at Contentstack has ended. Please log in again."})
	default: // the login is still valid: keep the session
		slog.Warn("cannot read the user's data", "user", key, "err", err)
		writePage(w, http.StatusBadGateway, pageData{Notice: "Contentstack did not respond as expected. Try again in a moment.", LoggedIn: true})
	}
}

// user reads the user's name and stacks from the Content Management API of the user's region. The
// stacks are those of the organization that the user chose at consent, and only the first page of
// them.
func (a *app) user(ctx context.Context, key string) (*user, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	login := a.tokens.For(key)
	token, err := login.Token(ctx)
	if err != nil {
		return nil, err
	}
	var profile struct {
		User struct {
			Email         string
			FirstName     string `json:"first_name"`
			LastName      string `json:"last_name"`
			Organizations []struct{ UID, Name string }
		}
	}
	if err := a.get(ctx, login, token, "/v3/user", &profile); err != nil {
		return nil, err
	}
	var list struct {
		Stacks []stack
	}
	if err := a.get(ctx, login, token, "/v3/stacks", &list); err != nil {
		return nil, err
	}
	p := profile.User
	u := &user{Name: p.FirstName + " " + p.LastName, Email: p.Email, Organization: token.OrganizationUID, Stacks: list.Stacks}
	for _, o := range p.Organizations {
		if o.UID == token.OrganizationUID && o.Name != "" {
			u.Organization = o.Name
		}
	}
	return u, nil
}

// get sends a GET request to the Content Management API and decodes the response into v.
func (a *app) get(ctx context.Context, login *tokens.Login, token *csoauth.Token, path string, v any) error {
	hosts, err := a.config.EndpointsFor(token)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, hosts.ContentManagement+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("organization_uid", token.OrganizationUID)
	resp, err := login.Client().Do(req) // sends the token; after a 401 it refreshes and tries once more
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusUnauthorized { // refreshing did not help: has the login ended?
		if _, err := login.Token(ctx); err != nil {
			return err
		}
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		return fmt.Errorf("GET %s: %w", path, err)
	}
	return nil
}
