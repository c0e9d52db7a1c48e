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
)

// serveHome shows users who they are and their stacks, and everybody else where to log in.
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
	case errors.Is(err, csoauth.ErrLoginRequired): // the user or an administrator took the access away, or logged out elsewhere
		a.sessions.end(w, r)
		writePage(w, http.StatusOK, pageData{Notice: "Your login at Contentstack has ended. Please log in again."})
	default: // no other error is a logout
		slog.Warn("no answer for a user", "user", key, "err", err)
		writePage(w, http.StatusBadGateway, pageData{Notice: "Contentstack does not answer as it should. Try again in a moment.", LoggedIn: true})
	}
}

// user asks the Content Management API of the user's own region who the user is, and for the stacks of the organization
// that the user chose at consent: as many as fit into one answer.
func (a *app) user(ctx context.Context, key string) (*user, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	token, err := a.tokens.Token(ctx, key)
	if err != nil {
		return nil, err
	}
	var who struct {
		User struct {
			Email         string
			FirstName     string `json:"first_name"`
			LastName      string `json:"last_name"`
			Organizations []struct{ UID, Name string }
		}
	}
	if err := a.get(ctx, key, token, "/v3/user", &who); err != nil {
		return nil, err
	}
	var has struct {
		Stacks []stack
	}
	if err := a.get(ctx, key, token, "/v3/stacks", &has); err != nil {
		return nil, err
	}
	u := &user{Name: who.User.FirstName + " " + who.User.LastName, Email: who.User.Email, Organization: token.OrganizationUID, Stacks: has.Stacks}
	for _, o := range who.User.Organizations {
		if o.UID == token.OrganizationUID && o.Name != "" {
			u.Organization = o.Name
		}
	}
	return u, nil
}

// get asks the Content Management API, and decodes its answer.
func (a *app) get(ctx context.Context, key string, token *csoauth.Token, path string, answer any) error {
	hosts, err := a.config.EndpointsFor(token)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, hosts.ContentManagement+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("organization_uid", token.OrganizationUID)
	resp, err := a.tokens.Client(key).Do(req) // adds the token, a new one if the API answers 401
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusUnauthorized { // no new token helped: because the login is over?
		if _, err := a.tokens.Token(ctx, key); err != nil {
			return err
		}
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		return fmt.Errorf("GET %s: %w", path, err)
	}
	return nil
}
