package csapi

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/contentstack/csoauth"
)

// A User is the user who logged in.
type User struct {
	UID       string `json:"uid"` // such as "blt0123456789abcdef"
	Email     string `json:"email"`
	Username  string `json:"username"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Company   string `json:"company"`
	// Organizations are the user's organizations, if the response lists them. The token is for one
	// of them.
	Organizations []Organization `json:"organizations"`
}

// User returns the token's user (GET /v3/user, scope user:read). It returns an error if the
// response is about another user than the token's, or if it lists organizations without the
// token's. If the token has no user, as an app's token, User sends no request and returns
// [ErrNoUser].
func (c *Client) User(ctx context.Context) (*User, error) {
	t, err := c.token(ctx)
	if err != nil {
		return nil, err
	}
	if t.AuthorizationType == "app" || t.UserUID == "" {
		return nil, fmt.Errorf("csapi: user: %w", ErrNoUser)
	}
	return c.user(ctx)
}

// user is User for a token that does not name its user.
func (c *Client) user(ctx context.Context) (*User, error) {
	var said struct {
		User *User `json:"user"`
	}
	var of *csoauth.Token // that the request was sent with
	if err := c.callAs(ctx, call{"GET", ContentManagement, "/v3/user", nil}, nil, &said, &of); err != nil {
		return nil, err
	}
	switch u := said.User; {
	case u == nil || u.UID == "":
		return nil, errors.New("csapi: user: the response has no user")
	case of.UserUID != "" && u.UID != of.UserUID:
		return nil, fmt.Errorf("csapi: user: the response is about %.40q, but the token is for %.40q", u.UID, of.UserUID)
	case len(u.Organizations) > 0 && of.OrganizationUID != "" &&
		!slices.ContainsFunc(u.Organizations, func(o Organization) bool { return o.UID == of.OrganizationUID }):
		return nil, fmt.Errorf("csapi: user: the token is for the organization %.40q, but the user is not a member of it", of.OrganizationUID)
	}
	return said.User, nil
}
