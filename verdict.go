package csoauth

import (
	"net/http"
	"slices"
	"strings"

	"github.com/contentstack/csoauth/internal/untrusted"
)

// A Verdict says what an error of the token endpoint means for the caller.
type Verdict uint8

const (
	// VerdictNone is the zero value: there is no verdict yet.
	VerdictNone Verdict = iota
	// VerdictLoginOver: Contentstack refused the refresh token, or in an exchange the code. Only a
	// new login helps.
	VerdictLoginOver
	// VerdictOperator: the app is set up wrongly, here or in Contentstack. Only the operator of the
	// app can fix it, not a user.
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

// What decides a verdict are these words, searched in everything that an error response says. Only
// letters and digits are compared, without case, so that "invalid_grant", "Invalid Grant" and
// "invalidGrant" are one.
//
// Contentstack documents no error codes for its token endpoint. The one refusal that is known is
// 400 {"message":["invalid refresh_token"]}; refusals of other values probably read alike.
var (
	// operatorWords name what the operator configures. They win over invalid_grant: a wrong secret
	// must not log every user out.
	operatorWords = []string{
		"clientsecret", "clientid", "invalidclient", "unknownclient", "clientauthentication", "invalidrequest", "invalidscope",
		"unauthorizedclient", "unsupportedgranttype", "granttype", "redirecturi", "redirecturl", "scope", "disabled",
	}
	grantWord   = "invalidgrant"
	retryWords  = []string{"temporarilyunavailable", "slowdown", "servererror"}
	refreshWord = "refreshtoken"
	// deadWords say of a refresh token, in one text with it, that it does not work any more. "used"
	// is one more, as a word of its own: it is also a part of "refused".
	deadWords = []string{
		"invalid", "notvalid", "notavalid", "nolongervalid", "isntvalid", "expired", "revoked", "unknown", "reuse", "notfound",
		"nosuch", "doesnotexist", "doesntexist", "inactive",
	}
	// notDeadWords contain a dead word and are about something else.
	notDeadWords = strings.NewReplacer("unknownerror", "", "nosuchhost", "", "enotfound", "", "notfounderror", "")
)

// judge decides what an error response with this status means for the login. texts are all that it
// says.
func judge(status int, texts ...string) Verdict {
	isRefusal := status >= 400 && status <= 499 && status != http.StatusTooManyRequests
	if !isRefusal && (status < 200 || status > 299) { // a 2xx that reports an error is judged like a 400
		return VerdictRetry
	}
	packed := make([]string, len(texts))
	for i, text := range texts {
		packed[i] = untrusted.Normalize(text)
	}
	says := func(words ...string) bool {
		return slices.ContainsFunc(packed, func(text string) bool { return hasAny(text, words) })
	}
	switch {
	case says(operatorWords...):
		return VerdictOperator
	case says(grantWord):
		return VerdictLoginOver
	case says(retryWords...):
		return VerdictRetry
	case slices.ContainsFunc(texts, saysDead):
		return VerdictLoginOver
	}
	return VerdictRetry
}

// saysDead reports whether a text says that the refresh token does not work any more.
func saysDead(text string) bool {
	text = withoutPaths(text)
	packed := notDeadWords.Replace(untrusted.Normalize(text))
	return strings.Contains(packed, refreshWord) && (hasAny(packed, deadWords) || saysUsed(text))
}

func hasAny(text string, words []string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, word) })
}

// withoutPaths takes the paths of URLs out of text: "Cannot POST /refresh_token" names no token.
func withoutPaths(text string) string {
	words := strings.Fields(text)
	words = slices.DeleteFunc(words, func(word string) bool {
		return strings.HasPrefix(word, "/") || strings.Contains(word, ":/")
	})
	return strings.Join(words, " ")
}

// saysUsed reports whether text has "used" as a word, which also begins at a capital:
// "alreadyUsed".
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
