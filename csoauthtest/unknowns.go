package csoauthtest

import (
	"time"

	"github.com/contentstack/csoauth/internal/emulator"
)

// Unknowns are the questions about Contentstack's OAuth that no public document answers. A careful
// client works with every answer. The zero Unknowns are the answers that are hardest on a client,
// or else those of RFC 6749.
type Unknowns struct {
	// ErrorShape is the form in which the token endpoint refuses: "oauth" (RFC 6749), "nestjs"
	// (statusCode, message, error), "nestjs-array" (message is an array), "cma" (the Content
	// Management API's) or "html". Empty: "oauth".
	ErrorShape string
	// DenialWithoutState leaves state out of the callback of a user who said no. Nothing can tell
	// such a callback from a forged one, so Exchange returns ErrState for it.
	DenialWithoutState bool
	// RegionNames is by which name callbacks and token answers tell the region: "location",
	// "region", "both" or "neither". Empty: "location".
	RegionNames string
	// OldAccessTokenLives keeps an access token good after the refresh that replaced it.
	OldAccessTokenLives bool
	// Reuse is what a refresh token does that was used before: "revoke" ends the login, "refuse"
	// does nothing else, "grace" works again within ReuseGrace and revokes later, "none" means that
	// refresh tokens do not rotate and work as often as they are used. Empty: "revoke".
	Reuse string
	// ReuseGrace is how long a used refresh token works again with "grace".
	ReuseGrace time.Duration
	// Omit are members left out of token answers, such as "refresh_token", "expires_in" or
	// "token_type".
	Omit []string
}

func (u Unknowns) forEmulator() emulator.Unknowns {
	return emulator.Unknowns{
		ErrorShape:          u.ErrorShape,
		DenialWithoutState:  u.DenialWithoutState,
		RegionNames:         u.RegionNames,
		OldAccessTokenLives: u.OldAccessTokenLives,
		Reuse:               u.Reuse,
		ReuseGrace:          emulator.Duration(u.ReuseGrace),
		Omit:                u.Omit,
	}
}
