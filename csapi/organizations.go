package csapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strconv"
	"time"
)

// An Organization is an organization in Contentstack. It has users and stacks.
type Organization struct {
	UID      string `json:"uid"` // such as "blt0123456789abcdef"
	Name     string `json:"name"`
	OwnerUID string `json:"owner_uid"` // empty if the response does not say
	IsOwner  bool   `json:"is_owner"`  // whether the user owns it; only [Client.User] sets it
}

// A Stack is a stack in Contentstack. It has the content of one project.
type Stack struct {
	UID             string    `json:"uid"`
	Name            string    `json:"name"`
	Description     string    `json:"description"`
	APIKey          string    `json:"api_key"` // for [Client.Stack]
	OrganizationUID string    `json:"org_uid"`
	MasterLocale    string    `json:"master_locale"` // such as "en-us"
	OwnerUID        string    `json:"owner_uid"`
	CreatedAt       time.Time `json:"created_at"` // zero if the response has no valid time
	UpdatedAt       time.Time `json:"updated_at"`
}

// UnmarshalJSON reads a stack as the Content Management API writes it. A time that is not valid
// becomes the zero Time, so that it does not fail the whole list.
func (s *Stack) UnmarshalJSON(b []byte) error {
	type stack Stack // without this method
	said := struct {
		*stack
		CreatedAt json.RawMessage `json:"created_at"`
		UpdatedAt json.RawMessage `json:"updated_at"`
	}{stack: (*stack)(s)}
	if err := json.Unmarshal(b, &said); err != nil {
		return err
	}
	s.CreatedAt, s.UpdatedAt = timeOf(said.CreatedAt), timeOf(said.UpdatedAt)
	return nil
}

func timeOf(b json.RawMessage) (t time.Time) {
	if json.Unmarshal(b, &t) != nil {
		return time.Time{}
	}
	return t
}

// contentPage is how many entries a page of a list of the Content Management API is asked for.
const contentPage = 100

// Organizations returns an iterator over the organizations that the token can see (GET
// /v3/organizations, scope organizations:read). ctx is for the whole iteration. If a request fails,
// the iterator yields the error and ends. A second iteration sends new requests.
func (c *Client) Organizations(ctx context.Context) iter.Seq2[Organization, error] {
	return walk(ctx, func(o Organization) string { return o.UID }, func(ctx context.Context, skip int) (page[Organization], error) {
		var said struct {
			Organizations []Organization `json:"organizations"`
			Count         *int           `json:"count"`
		}
		err := c.Get(ctx, ContentManagement, "/v3/organizations?"+pageQuery(skip, contentPage)+"&include_count=true", &said)
		return page[Organization]{said.Organizations, said.Count}, err
	})
}

// Organization returns the organization of the token (GET /v3/organizations/{uid}, scope
// organization:read).
func (c *Client) Organization(ctx context.Context) (*Organization, error) {
	t, err := c.token(ctx)
	switch {
	case err != nil:
		return nil, err
	case t.OrganizationUID == "":
		return nil, errors.New("csapi: organization: the token names no organization")
	}
	// Contentstack's document shows organizations, and a test of its client wants organization.
	var said struct {
		Organization  *Organization  `json:"organization"`
		Organizations []Organization `json:"organizations"`
	}
	if err := c.Get(ctx, ContentManagement, "/v3/organizations/"+url.PathEscape(t.OrganizationUID), &said); err != nil {
		return nil, err
	}
	found := said.Organization
	if found == nil && len(said.Organizations) == 1 {
		found = &said.Organizations[0]
	}
	switch {
	case found == nil || found.UID == "":
		return nil, errors.New("csapi: organization: the response has no organization")
	case found.UID != t.OrganizationUID:
		return nil, fmt.Errorf("csapi: organization: the response is about %.40q, not %.40q", found.UID, t.OrganizationUID)
	}
	return found, nil
}

// Stacks returns an iterator over the stacks of the token's organization that the user can see (GET
// /v3/stacks, scope cm.stacks.management:read). ctx is for the whole iteration. If a request fails,
// the iterator yields the error and ends. A second iteration sends new requests.
func (c *Client) Stacks(ctx context.Context) iter.Seq2[Stack, error] {
	return walk(ctx, func(s Stack) string { return s.APIKey }, func(ctx context.Context, skip int) (page[Stack], error) {
		var said struct {
			Stacks []Stack `json:"stacks"`
			Count  *int    `json:"count"`
		}
		err := c.Get(ctx, ContentManagement, "/v3/stacks?"+pageQuery(skip, contentPage)+"&include_count=true", &said)
		return page[Stack]{said.Stacks, said.Count}, err
	})
}

func pageQuery(skip, limit int) string {
	return "skip=" + strconv.Itoa(skip) + "&limit=" + strconv.Itoa(limit)
}
