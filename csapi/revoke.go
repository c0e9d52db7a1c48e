package csapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/contentstack/csoauth"
)

// hubPage is how many entries a page of a list of the Developer Hub is asked for. It gives no more.
const hubPage = 50

// An authorization is what a user has allowed an app.
type authorization struct {
	UID          string `json:"authorization_uid"`
	App          string `json:"app_uid"`          // may be missing
	Organization string `json:"organization_uid"` // may be missing
	User         struct {
		UID string `json:"uid"`
	} `json:"user"`
}

// Revoke ends the user's authorization of this app in the token's organization. All its tokens end,
// including those on the user's other machines. To log in again, the user must consent again.
//
// To end only the login here, do not call Revoke, but delete the stored token, as
// [*tokens.Login.Delete] does. After Revoke, delete the stored token as well.
//
// Contentstack has no other way to revoke a token. Revoke finds and deletes only the user's own
// entries among the app's authorizations (GET and DELETE /manifests/{app}/authorizations of the
// Developer Hub). The owner of an organization sees everyone's entries. If there is no entry, or
// the login has already ended, Revoke returns nil.
//
// All requests of Revoke use the same token. If another login replaces this one during the call,
// Revoke does not revoke the new login.
//
// [*tokens.Login.Delete]: https://pkg.go.dev/github.com/contentstack/csoauth/tokens#Login.Delete
func (c *Client) Revoke(ctx context.Context) error {
	t, err := c.token(ctx)
	if errors.Is(err, csoauth.ErrLoginRequired) {
		return nil // it has ended before
	}
	if err != nil {
		return err
	}
	for range 2 { // the second time with a token that was refreshed
		err = c.For(&fixed{c.source, t}).revoke(ctx, t)
		if partly, ok := errors.AsType[*partlyRevoked](err); ok {
			return partly
		}
		if !isUnauthorized(err) {
			break
		}
		next, over := c.better(ctx, t)
		switch {
		case over != nil:
			return nil // the login has ended meanwhile
		case next == nil || next.UserUID != t.UserUID || next.OrganizationUID != t.OrganizationUID:
			return err
		}
		t = next
	}
	return err
}

// fixed is a Source of one token. It does not report a 401 to anyone, because its caller does.
type fixed struct {
	Source
	token *csoauth.Token
}

func (f *fixed) Token(context.Context) (*csoauth.Token, error) { return f.token, nil }

func (f *fixed) Invalidate(context.Context, string) error { return nil }

// isUnauthorized reports whether err is a 401 that another token may help.
func isUnauthorized(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.StatusCode == http.StatusUnauthorized && e.Code != 161 && e.Code != 294 // as bearer.Judge
}

// A partlyRevoked says that some of the user's authorizations are ended, and the others cannot be:
// the token has ended with the first ones.
type partlyRevoked struct {
	ended, all int
	err        error
}

func (e *partlyRevoked) Error() string {
	return fmt.Sprintf("csapi: revoke: %d of the user's %d authorizations are ended, and the token with them: %v", e.ended, e.all, e.err)
}

func (e *partlyRevoked) Unwrap() error { return e.err }

// revoke ends the authorizations of t's user.
func (c *Client) revoke(ctx context.Context, t *csoauth.Token) error {
	user := t.UserUID
	if user == "" {
		u, err := c.user(ctx)
		if err != nil {
			return fmt.Errorf("csapi: revoke: finding out whose authorization to delete: %w", err)
		}
		user = u.UID
	}
	mine, err := c.authorizationsOf(ctx, t, user)
	if err != nil {
		return fmt.Errorf("csapi: revoke: %w", err)
	}
	for i, uid := range mine {
		err := c.Call(ctx, http.MethodDelete, DeveloperHub, c.authorizations()+"/"+url.PathEscape(uid), nil, nil)
		switch {
		case err == nil:
		case i > 0 && isUnauthorized(err):
			return &partlyRevoked{i, len(mine), err}
		default:
			left, listErr := c.authorizationsOf(ctx, t, user)
			if i == len(mine)-1 && isUnauthorized(listErr) {
				err = listErr // perhaps it was ended all the same, and the token with it: the Source knows
			}
			if listErr != nil || slices.Contains(left, uid) {
				return fmt.Errorf("csapi: revoke: %w", err)
			}
		}
	}
	return nil
}

// authorizations is the path of the app's authorizations. Below it, an empty UID would stand for
// all of them.
func (c *Client) authorizations() string {
	return "/manifests/" + url.PathEscape(c.config.AppUID) + "/authorizations"
}

// authorizationsOf returns the UIDs of a user's authorizations of this app, for the organization of
// t.
func (c *Client) authorizationsOf(ctx context.Context, t *csoauth.Token, user string) (uids []string, err error) {
	if c.config.AppUID == "" {
		return nil, errors.New("the Config has no AppUID")
	}
	all := walk(ctx, func(a authorization) string { return a.UID }, func(ctx context.Context, skip int) (page[authorization], error) {
		var said struct {
			Data  json.RawMessage `json:"data"`
			Count *int            `json:"count"`
		}
		err := c.Get(ctx, DeveloperHub, c.authorizations()+"?"+pageQuery(skip, hubPage), &said)
		if err != nil {
			return page[authorization]{}, err
		}
		if said.Data == nil {
			return page[authorization]{}, errors.New("the list of authorizations has no data") // which is not an empty list
		}
		var entries []authorization
		if json.Unmarshal(said.Data, &entries) != nil {
			return page[authorization]{}, errors.New("the data of the list of authorizations is not a list")
		}
		return page[authorization]{entries, said.Count}, nil
	})
	for a, err := range all {
		if err != nil {
			return nil, err
		}
		isOthers := a.User.UID != user || a.App != "" && a.App != c.config.AppUID ||
			a.Organization != "" && t.OrganizationUID != "" && a.Organization != t.OrganizationUID
		if a.UID != "" && !isOthers {
			uids = append(uids, a.UID)
		}
	}
	return uids, nil
}
