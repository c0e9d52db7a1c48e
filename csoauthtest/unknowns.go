package csoauthtest

import (
	"time"

	"github.com/contentstack/csoauth/internal/emulator"
)

// Unknowns are the questions about Contentstack's OAuth that no public document answers. A careful
// client works with every answer to each question. The zero Unknowns choose for each question the
// hardest answer for a client, or else the answer of RFC 6749.
type Unknowns struct {
	// ErrorShape is the form of the token endpoint's errors: "oauth" (RFC 6749), "nestjs"
	// (statusCode, message, error), "nestjs-array" (message is an array), "cma" (the Content
	// Management API's) or "html". Empty: "oauth".
	ErrorShape string
	// DenialWithoutState leaves state out of the callback of a user who denied access. No client
	// can tell such a callback from a forged one, so Exchange returns ErrState for it.
	DenialWithoutState bool
	// RegionNames is the parameter in which callbacks and token responses name the region:
	// "location", "region", "both" or "neither". Empty: "location".
	RegionNames string
	// OldAccessTokenLives keeps an access token valid after the refresh that replaced it.
	OldAccessTokenLives bool
	// Reuse is what happens at the second use of a refresh token. "revoke" refuses it and ends the
	// login. "refuse" only refuses it. "grace" accepts it within ReuseGrace, and ends the login
	// later. "none" means that refresh tokens do not rotate, and work any number of times. Empty:
	// "revoke".
	Reuse string
	// ReuseGrace is how long a used refresh token still works with "grace".
	ReuseGrace time.Duration
	// Omit lists members that token responses lack, such as "refresh_token", "expires_in" or
	// "token_type".
	Omit []string

	// IntrospectAuth says which credentials introspection needs: "none" or those of the "client".
	// Empty: "none", as documented.
	IntrospectAuth string
	// IntrospectMembers says what introspection returns for an active token: only "scope", or
	// "full", which also has client_id, sub and token_type. Empty: "scope".
	IntrospectMembers string
	// IntrospectScope is the type of scope in introspection: "string" or "array". Empty: "string".
	IntrospectScope string

	// ListMembers says what lists of the Developer Hub contain. "sparse" has only the members that
	// are certain, and no count. "full" has every member that was seen. Empty: "sparse".
	ListMembers string
	// ListSkip says what skip does in lists: they are "paged", or skip is "ignored". Empty:
	// "paged".
	ListSkip string
	// RevokeBody is the response to the deletion of an authorization: "empty" (204), "object" ({})
	// or "text". Empty: "empty".
	RevokeBody string
	// RevokedAgain is the status of the response to the deletion of an authorization that no longer
	// exists: "404", "400", "403" or "200". Empty: "404".
	RevokedAgain string
	// HubErrorShape is the form of the Developer Hub's errors: "nestjs" or "cma". Empty: "nestjs".
	HubErrorShape string
	// ScopeList is the form of the list of scopes: "flat", or "grouped" by token. Empty: "flat".
	ScopeList string

	// UserOrganizations says whether /v3/user returns the user's organizations: "yes" or "no".
	// Empty: "yes".
	UserOrganizations string
	// UserAuthtoken says whether /v3/user returns an authtoken, which a client must not keep: "yes"
	// or "no". Empty: "yes".
	UserAuthtoken string
	// OrganizationMember is the member in the response of /v3/organizations/{uid}: "organization",
	// an object, or "organizations", a list. Empty: "organization".
	OrganizationMember string
	// OrganizationList says what /v3/organizations lists: only the organization of the "token", or
	// "all" organizations of the user. Empty: "token".
	OrganizationList string
	// StacksWithoutOrganization says what /v3/stacks returns without an organization_uid header: an
	// "empty" list, or the stacks of the "token". Empty: "empty".
	StacksWithoutOrganization string
	// ScopeErrorCode is the error_code if the token lacks a scope: "none", "162" or "316". Empty:
	// "none".
	ScopeErrorCode string
}

func (u Unknowns) forEmulator() emulator.Unknowns {
	return emulator.Unknowns{
		ErrorShape:                u.ErrorShape,
		DenialWithoutState:        u.DenialWithoutState,
		RegionNames:               u.RegionNames,
		OldAccessTokenLives:       u.OldAccessTokenLives,
		Reuse:                     u.Reuse,
		ReuseGrace:                emulator.Duration(u.ReuseGrace),
		Omit:                      u.Omit,
		IntrospectAuth:            u.IntrospectAuth,
		IntrospectMembers:         u.IntrospectMembers,
		IntrospectScope:           u.IntrospectScope,
		ListMembers:               u.ListMembers,
		ListSkip:                  u.ListSkip,
		RevokeBody:                u.RevokeBody,
		RevokedAgain:              u.RevokedAgain,
		HubErrorShape:             u.HubErrorShape,
		ScopeList:                 u.ScopeList,
		UserOrganizations:         u.UserOrganizations,
		UserAuthtoken:             u.UserAuthtoken,
		OrganizationMember:        u.OrganizationMember,
		OrganizationList:          u.OrganizationList,
		StacksWithoutOrganization: u.StacksWithoutOrganization,
		ScopeErrorCode:            u.ScopeErrorCode,
	}
}

func unknownsOf(u emulator.Unknowns) Unknowns {
	return Unknowns{
		ErrorShape:                u.ErrorShape,
		DenialWithoutState:        u.DenialWithoutState,
		RegionNames:               u.RegionNames,
		OldAccessTokenLives:       u.OldAccessTokenLives,
		Reuse:                     u.Reuse,
		ReuseGrace:                time.Duration(u.ReuseGrace),
		Omit:                      u.Omit,
		IntrospectAuth:            u.IntrospectAuth,
		IntrospectMembers:         u.IntrospectMembers,
		IntrospectScope:           u.IntrospectScope,
		ListMembers:               u.ListMembers,
		ListSkip:                  u.ListSkip,
		RevokeBody:                u.RevokeBody,
		RevokedAgain:              u.RevokedAgain,
		HubErrorShape:             u.HubErrorShape,
		ScopeList:                 u.ScopeList,
		UserOrganizations:         u.UserOrganizations,
		UserAuthtoken:             u.UserAuthtoken,
		OrganizationMember:        u.OrganizationMember,
		OrganizationList:          u.OrganizationList,
		StacksWithoutOrganization: u.StacksWithoutOrganization,
		ScopeErrorCode:            u.ScopeErrorCode,
	}
}
