package csoauth

import (
	"net/http"
	"slices"
	"strings"
	"unicode"
)

// A Verdict is what a failure that the token endpoint reported means for the caller.
type Verdict uint8

const (
	// VerdictNone is the zero value: nobody has judged this failure.
	VerdictNone Verdict = iota
	// VerdictLoginOver: the refresh token is refused, and only a new login helps. In an exchange it is
	// the code that is refused.
	VerdictLoginOver
	// VerdictOperator: the app is set up wrongly, here or in Contentstack. No user can help; the
	// operator of the app can.
	VerdictOperator
	// VerdictRetry: nothing is known to be lost. Keep the token and try again later.
	VerdictRetry
)

// String returns "none", "login over", "operator" or "retry".
func (v Verdict) String() string {
	switch v {
	case VerdictLoginOver:
		return "login over"
	case VerdictOperator:
		return "operator"
	case VerdictRetry:
		return "retry"
	}
	return "none"
}

// What decides a verdict are these words, searched in everything that an error response says. All
// are compared without case, underscores, hyphens and spaces, so that "invalid_grant", "Invalid
// Grant" and "invalidGrant" are one.
//
// Contentstack documents no error codes for its token endpoint. The one refusal that is known is
// 400 {"message":["invalid refresh_token"]}; refusals of other values probably read alike.
var (
	// operatorWords name what the operator configures. They win over invalid_grant: a wrong secret must
	// not log every user out.
	operatorWords = []string{
		"clientsecret", "clientid", "invalidclient", "invalidrequest", "invalidscope", "unauthorizedclient",
		"unsupportedgranttype", "granttype", "redirecturi", "scope", "disabled",
	}
	grantWord    = "invalidgrant"
	retryWords   = []string{"temporarilyunavailable", "slowdown", "servererror"}
	refreshToken = "refreshtoken"
	// deadWords say of a refresh token that it does not work any more. "used" is one more, as a word of
	// its own: it is also a part of "refused".
	deadWords = []string{
		"invalid", "notvalid", "notavalid", "nolongervalid", "expired", "revoked", "unknown", "reuse", "notfound",
		"nosuch", "doesnotexist", "inactive",
	}
)

// judge decides what an error response with this status means for the login. said is all that it says.
func judge(status int, said ...string) Verdict {
	switch {
	case status >= 200 && status <= 299: // an error that calls itself a success
	case status == http.StatusTooManyRequests || status < 400 || status > 499:
		return VerdictRetry
	}
	all := strings.Join(said, "\n")
	packed := pack(all)
	says := func(words ...string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(packed, word) })
	}
	switch {
	case says(operatorWords...):
		return VerdictOperator
	case says(grantWord):
		return VerdictLoginOver
	case says(retryWords...):
		return VerdictRetry
	case says(refreshToken) && (says(deadWords...) || saysUsed(all)):
		return VerdictLoginOver
	}
	return VerdictRetry
}

// pack takes case, underscores, hyphens and spaces out of text.
func pack(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || unicode.IsSpace(r) && r != '\n' {
			return -1
		}
		return unicode.ToLower(r)
	}, text)
}

// saysUsed reports whether text has "used" as a word, which also begins at a capital: "alreadyUsed".
func saysUsed(text string) bool {
	for i := range text {
		if i+4 > len(text) || !strings.EqualFold(text[i:i+4], "used") {
			continue
		}
		if i == 0 || !isLetter(text[i-1]) || text[i] == 'U' && isLower(text[i-1]) {
			return true
		}
	}
	return false
}

func isLower(c byte) bool  { return 'a' <= c && c <= 'z' }
func isLetter(c byte) bool { return isLower(c) || 'A' <= c && c <= 'Z' }
