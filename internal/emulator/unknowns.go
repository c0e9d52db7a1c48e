package emulator

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Unknowns are the questions about Contentstack's OAuth that no public document answers. A careful
// client works with every answer to each question. The zero Unknowns have, for each question, the
// answer that is hardest on a client, or else the one of RFC 6749.
type Unknowns struct {
	// ErrorShape is the form in which the token endpoint refuses: "oauth" (RFC 6749), "nestjs"
	// (statusCode, message, error), "nestjs-array" (message is an array), "cma" (the Content
	// Management API's) or "html". Empty: "oauth".
	ErrorShape string `json:"error_shape,omitempty"`
	// DenialWithoutState leaves state out of the callback of a user who said no.
	DenialWithoutState bool `json:"denial_without_state,omitempty"`
	// RegionNames is the parameter in which callbacks and token responses name the region:
	// "location", "region", "both" or "neither". Empty: "location".
	RegionNames string `json:"region_names,omitempty"`
	// OldAccessTokenLives keeps an access token good after the refresh that replaced it.
	OldAccessTokenLives bool `json:"old_access_token_lives,omitempty"`
	// Reuse is what a refresh token does that was used before: "revoke" ends the login, "refuse"
	// does nothing else, "grace" works again within ReuseGrace and revokes later, "none" means that
	// refresh tokens do not rotate and work as often as they are used. Empty: "revoke".
	Reuse string `json:"reuse,omitempty"`
	// ReuseGrace is how long a used refresh token works again with "grace".
	ReuseGrace Duration `json:"reuse_grace,omitempty"`
	// Omit lists members that token responses lack, such as "refresh_token", "expires_in" or
	// "token_type".
	Omit []string `json:"omit,omitempty"`

	// IntrospectAuth is whether introspection needs the client's credentials: "none" or "client".
	// Empty: "none", as documented.
	IntrospectAuth string `json:"introspect_auth,omitempty"`
	// IntrospectMembers is what introspection tells of an active token: "scope" alone or also
	// client_id, sub and token_type ("full"). Empty: "scope".
	IntrospectMembers string `json:"introspect_members,omitempty"`
	// IntrospectScope is whether scope is a "string" or an "array" there. Empty: "string".
	IntrospectScope string `json:"introspect_scope,omitempty"`

	// ListMembers is what lists of the Developer Hub tell: "sparse" is only what is certain, and no
	// count; "full" is everything that was seen. Empty: "sparse".
	ListMembers string `json:"list_members,omitempty"`
	// ListSkip is whether lists are "paged" by skip, or skip is "ignored". Empty: "paged".
	ListSkip string `json:"list_skip,omitempty"`
	// RevokeBody is the response to the deletion of an authorization: "empty" (204), "object" ({})
	// or "text". Empty: "empty".
	RevokeBody string `json:"revoke_body,omitempty"`
	// RevokedAgain is the status of the deletion of an authorization that is gone: "404", "400",
	// "403" or "200". Empty: "404".
	RevokedAgain string `json:"revoked_again,omitempty"`
	// HubErrorShape is the form of the Developer Hub's errors: "nestjs" or "cma". Empty: "nestjs".
	HubErrorShape string `json:"hub_error_shape,omitempty"`
	// ScopeList is the form of the list of scopes: "flat" or "grouped" by token. Empty: "flat".
	ScopeList string `json:"scope_list,omitempty"`

	// UserOrganizations is whether /v3/user tells the user's organizations: "yes" or "no". Empty:
	// "yes".
	UserOrganizations string `json:"user_organizations,omitempty"`
	// UserAuthtoken is whether /v3/user tells an authtoken, which a client must not keep: "yes" or
	// "no". Empty: "yes".
	UserAuthtoken string `json:"user_authtoken,omitempty"`
	// OrganizationMember is the member of /v3/organizations/{uid}: "organization", which is an
	// object, or "organizations", which is a list. Empty: "organization".
	OrganizationMember string `json:"organization_member,omitempty"`
	// OrganizationList is what /v3/organizations lists: only the organization of the "token", or
	// "all" of the user. Empty: "token".
	OrganizationList string `json:"organization_list,omitempty"`
	// StacksWithoutOrganization is what /v3/stacks tells without an organization_uid header: an
	// "empty" list, or the stacks of the "token". Empty: "empty".
	StacksWithoutOrganization string `json:"stacks_without_organization,omitempty"`
	// ScopeErrorCode is the error_code of a token without the scope: "none", "162" or "316". Empty:
	// "none".
	ScopeErrorCode string `json:"scope_error_code,omitempty"`
}

// A Question is one of the Unknowns whose answer is a word.
type Question struct {
	Name    string   // in JSON
	Asks    string   // what it decides, for the help of a flag, which names its value in back quotes
	Answers []string // the possible values; that of strict is first

	field func(*Unknowns) *string
}

// Of returns the field of u that holds the value for the question.
func (q Question) Of(u *Unknowns) *string { return q.field(u) }

var questions = []Question{
	{"error_shape", "`shape` of the token endpoint's errors", []string{"oauth", "nestjs", "nestjs-array", "cma", "html"}, func(u *Unknowns) *string { return &u.ErrorShape }},
	{"region_names", "`name` of the region in callbacks and token responses", []string{"location", "region", "both", "neither"}, func(u *Unknowns) *string { return &u.RegionNames }},
	{"reuse", "`effect` of a used refresh token", []string{"revoke", "refuse", "grace", "none"}, func(u *Unknowns) *string { return &u.Reuse }},
	{"introspect_auth", "`credentials` that introspection needs", []string{"none", "client"}, func(u *Unknowns) *string { return &u.IntrospectAuth }},
	{"introspect_members", "`members` that introspection tells", []string{"scope", "full"}, func(u *Unknowns) *string { return &u.IntrospectMembers }},
	{"introspect_scope", "`form` of scope at introspection", []string{"string", "array"}, func(u *Unknowns) *string { return &u.IntrospectScope }},
	{"list_members", "`members` in lists of the Developer Hub", []string{"sparse", "full"}, func(u *Unknowns) *string { return &u.ListMembers }},
	{"list_skip", "whether `lists` go on at skip", []string{"paged", "ignored"}, func(u *Unknowns) *string { return &u.ListSkip }},
	{"revoke_body", "`response` to the end of an authorization", []string{"empty", "object", "text"}, func(u *Unknowns) *string { return &u.RevokeBody }},
	{"revoked_again", "`status` when an authorization is ended again", []string{"404", "400", "403", "200"}, func(u *Unknowns) *string { return &u.RevokedAgain }},
	{"hub_error_shape", "`shape` of the Developer Hub's errors", []string{"nestjs", "cma"}, func(u *Unknowns) *string { return &u.HubErrorShape }},
	{"scope_list", "`form` of the list of scopes", []string{"flat", "grouped"}, func(u *Unknowns) *string { return &u.ScopeList }},
	{"user_organizations", "`whether` /v3/user tells organizations", []string{"yes", "no"}, func(u *Unknowns) *string { return &u.UserOrganizations }},
	{"user_authtoken", "`whether` /v3/user tells an authtoken", []string{"yes", "no"}, func(u *Unknowns) *string { return &u.UserAuthtoken }},
	{"organization_member", "`member` of /v3/organizations/{uid}", []string{"organization", "organizations"}, func(u *Unknowns) *string { return &u.OrganizationMember }},
	{"organization_list", "`what` /v3/organizations lists", []string{"token", "all"}, func(u *Unknowns) *string { return &u.OrganizationList }},
	{"stacks_without_organization", "`what` /v3/stacks lists without organization_uid", []string{"empty", "token"}, func(u *Unknowns) *string { return &u.StacksWithoutOrganization }},
	{"scope_error_code", "`error_code` when the token lacks the scope", []string{"none", "162", "316"}, func(u *Unknowns) *string { return &u.ScopeErrorCode }},
}

// Questions returns the questions whose answer is a word.
func Questions() []Question { return slices.Clone(questions) }

// omittable are the members that token responses may lack.
var omittable = []string{
	"refresh_token", "token_type", "expires_in", "location", "region", "organization_uid", "user_uid",
	"authorization_type", "stack_api_key",
}

// fill sets the defaults, and returns an error if a value is not among the answers to its question.
func (u *Unknowns) fill() error {
	for _, q := range questions {
		answer := q.field(u)
		if *answer == "" {
			*answer = q.Answers[0]
		}
		if !slices.Contains(q.Answers, *answer) {
			return fmt.Errorf("%s %q: want one of %s", strings.ReplaceAll(q.Name, "_", " "), *answer, strings.Join(q.Answers, ", "))
		}
	}
	if (u.Reuse == "grace") != (u.ReuseGrace > 0) || u.ReuseGrace < 0 {
		return fmt.Errorf("reuse %q with a grace of %v: grace wants a time, and nothing else does", u.Reuse, time.Duration(u.ReuseGrace))
	}
	for _, name := range u.Omit {
		if !slices.Contains(omittable, name) {
			return fmt.Errorf("omit %q: want some of %s", name, strings.Join(omittable, ", "))
		}
	}
	return nil
}

// tellRegion puts the region into a callback or a token response.
func (u *Unknowns) tellRegion(location string, set func(name, value string)) {
	if u.RegionNames == "location" || u.RegionNames == "both" {
		set("location", location)
	}
	if u.RegionNames == "region" || u.RegionNames == "both" {
		set("region", location)
	}
}

// refusal returns the response with which the token endpoint refuses a request.
func (u *Unknowns) refusal(no *refusal) (contentType string, body []byte) {
	switch u.ErrorShape {
	case "nestjs":
		return jsonAnswer(map[string]any{"statusCode": no.status, "message": no.description, "error": http.StatusText(no.status)})
	case "nestjs-array":
		return jsonAnswer(map[string]any{"statusCode": no.status, "message": []string{no.description}, "error": http.StatusText(no.status)})
	case "cma":
		return jsonAnswer(map[string]any{"error_message": no.description, "error_code": 105, "errors": map[string]any{}})
	case "html":
		page := "<!doctype html><title>Error</title><h1>" + html.EscapeString(no.description) + "</h1>"
		return "text/html; charset=utf-8", []byte(page)
	}
	return jsonAnswer(map[string]any{"error": no.code, "error_description": no.description})
}

// jsonAnswer returns the media type and the body of a response whose members all marshal.
func jsonAnswer(members map[string]any) (contentType string, body []byte) {
	body, _ = json.Marshal(members)
	return "application/json; charset=utf-8", body
}

// A Duration is a time.Duration that is text in JSON, such as "90s".
type Duration time.Duration

// MarshalText writes a duration as time.Duration does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration does.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}
