package csoauthtest

import (
	"time"

	"github.com/contentstack/csoauth/internal/emulator"
)

// Unknowns are the questions about Contentstack's OAuth that no public document answers. A careful
// client works with every answer to each question. The zero Unknowns have, for each question, the
// answer that is hardest on a client, or else the one of RFC 6749.
type Unknowns struct {
	// ErrorShape is the form in which the token endpoint refuses: "oauth" (RFC 6749), "nestjs"
	// (statusCode, message, error), "nestjs-array" (message is an array), "cma" (the Content
	// Management API's) or "html". Empty: "oauth".
	ErrorShape string
	// DenialWithoutState leaves state out of the callback of a user who said no. Nothing can tell
	// such a callback from a forged one, so Exchange returns ErrState for it.
	DenialWithoutState bool
	// RegionNames is the parameter in which callbacks and token responses name the region:
	// "location", "region", "both" or "neither". Empty: "location".
	RegionNames string
	// OldAccessTokenLives keeps an access token good after the refresh that replaced it.
	OldAccessTokenLives bool
	// Reuse is what a refresh token does that was used before: "revoke" ends the login, "refuse"
	// does nothing else, "grace" works again within ReuseGrace and revokes later, "none" means that
	// refresh tokens do not rotate and work as often as they are used. Empty: "revoke".
	Reuse string
	// ReuseGrace is how long a used refresh token works again with "grace".
	ReuseGrace time.Duration
	// Omit lists members that token responses lack, such as "refresh_token", "expires_in" or
	// "token_type".
	Omit []string

	// IntrospectAuth is whether introspection needs the client's credentials: "none" or "client".
	// Empty: "none", as documented.
	IntrospectAuth string
	// IntrospectMembers is what introspection tells of an active token: "scope" alone or also
	// client_id, sub and token_type ("full"). Empty: "scope".
	IntrospectMembers string
	// IntrospectScope is whether scope is a "string" or an "array" there. Empty: "string".
	IntrospectScope string

	// ListMembers is what lists of the Developer Hub tell: "sparse" is only what is certain, and no
	// count; "full" is everything that was seen. Empty: "sparse".
	ListMembers string
	// ListSkip is whether lists are "paged" by skip, or skip is "ignored". Empty: "paged".
	ListSkip string
	// RevokeBody is the response to the deletion of an authorization: "empty" (204), "object" ({})
	// or "text". Empty: "empty".
	RevokeBody string
	// RevokedAgain is the status of the deletion of an authorization that is gone: "404", "400",
	// "403" or "200". Empty: "404".
	RevokedAgain string
	// HubErrorShape is the form of the Developer Hub's errors: "nestjs" or "cma". Empty: "nestjs".
	HubErrorShape string
	// ScopeList is the form of the list of scopes: "flat" or "grouped" by token. Empty: "flat".
	ScopeList string

	// UserOrganizations is whether /v3/user tells the user's organizations: "yes" or "no". Empty:
	// "yes".
	UserOrganizations string
	// UserAuthtoken is whether /v3/user tells an authtoken, which a client must not keep: "yes" or
	// "no". Empty: "yes".
	UserAuthtoken string
	// OrganizationMember is the member of /v3/organizations/{uid}: "organization", which is an
	// object, or "organizations", which is a list. Empty: "organization".
	OrganizationMember string
	// OrganizationList is what /v3/organizations lists: only the organization of the "token", or
	// "all" of the user. Empty: "token".
	OrganizationList string
	// StacksWithoutOrganization is what /v3/stacks tells without an organization_uid header: an
	// "empty" list, or the stacks of the "token". Empty: "empty".
	StacksWithoutOrganization string
	// ScopeErrorCode is the error_code of a token without the scope: "none", "162" or "316". Empty:
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
