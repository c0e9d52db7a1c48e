package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/contentstack/csoauth"
)

// A user is whom the program works for.
type user struct {
	Name, Email  string
	Organization string // the one that was chosen at consent
}

// user asks the Content Management API of the user's own region who the user is.
func (p *program) user(ctx context.Context) (*user, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	token, err := p.tokens.Token(ctx, p.key)
	if err != nil {
		return nil, err
	}
	var answer struct {
		User struct {
			Email         string
			FirstName     string `json:"first_name"`
			LastName      string `json:"last_name"`
			Organizations []struct{ UID, Name string }
		}
	}
	if err := p.get(ctx, token, "/v3/user", &answer); err != nil {
		return nil, err
	}
	u := answer.User
	who := &user{Name: u.FirstName + " " + u.LastName, Email: u.Email, Organization: token.OrganizationUID}
	for _, o := range u.Organizations {
		if o.UID == token.OrganizationUID && o.Name != "" {
			who.Organization = o.Name
		}
	}
	return who, nil
}

// get asks the Content Management API, and decodes its answer.
func (p *program) get(ctx context.Context, token *csoauth.Token, path string, answer any) error {
	hosts, err := p.config.EndpointsFor(token)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, hosts.ContentManagement+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("organization_uid", token.OrganizationUID)
	resp, err := p.tokens.Client(p.key).Do(req) // adds the token, a new one if the API answers 401
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusUnauthorized { // no new token helped: because the login is over?
		if _, err := p.tokens.Token(ctx, p.key); err != nil {
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
