package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/contentstack/csoauth"
)

// A user is the person who logged in.
type user struct {
	Name, Email  string
	Organization string // as chosen at consent
}

// user reads the user's name from the Content Management API of the user's region.
func (p *program) user(ctx context.Context) (*user, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	token, err := p.login.Token(ctx)
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
	if err := p.get(ctx, token, "/v3/user", &profile); err != nil {
		return nil, err
	}
	found := profile.User
	u := &user{Name: found.FirstName + " " + found.LastName, Email: found.Email, Organization: token.OrganizationUID}
	for _, o := range found.Organizations {
		if o.UID == token.OrganizationUID && o.Name != "" {
			u.Organization = o.Name
		}
	}
	return u, nil
}

// get sends a GET request to the Content Management API and decodes the response into v.
func (p *program) get(ctx context.Context, token *csoauth.Token, path string, v any) error {
	hosts, err := p.config.EndpointsFor(token)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, hosts.ContentManagement+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("organization_uid", token.OrganizationUID)
	resp, err := p.login.Client().Do(req) // sends the token; after a 401 it refreshes and tries once more
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusUnauthorized { // refreshing did not help: has the login ended?
		if _, err := p.login.Token(ctx); err != nil {
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
