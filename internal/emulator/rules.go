package emulator

import (
	"fmt"
	"slices"
	"strings"
)

// A Rule is something that a client must do or must not do. A client that breaks it has a Finding.
type Rule struct {
	ID     string // stable, in kebab-case
	Fault  string // what the client does wrong, and why that matters, as sentences
	Source string // who says so: an RFC with its section, or a document of Contentstack
	when   refused
}

// refused is when the emulator refuses a request that breaks a Rule.
type refused int

const (
	never    refused = iota // the documents allow it, and it is unsafe all the same
	strictly                // unless Options.Tolerate names the Rule
	always                  // nothing could be made of such a request, or nobody would accept it
)

// The documents of Contentstack that Rules come from.
const (
	oauthDocument     = "Contentstack's document on OAuth"
	pkceDocument      = "Contentstack's document on PKCE"
	troubleshooting   = "Contentstack's document on troubleshooting OAuth"
	developerHubCalls = "Contentstack's documents on the Developer Hub API"
)

// The rules for any request.
var (
	secretInURL = &Rule{"secret-in-url",
		"The URL has a code verifier, a client secret, a token or a code as a parameter. Browsers, proxies and logs keep URLs. Send secrets in the body or in the Authorization header.",
		"RFC 9700, section 4.3", strictly}
	repeatedParameter = &Rule{"repeated-parameter",
		"A parameter occurs twice. Two readers may then take different values.",
		"RFC 6749, sections 3.1 and 3.2", always}
	unreadableParameters = &Rule{"unreadable-parameters",
		"The parameters are not form-encoded, or the body is cut or too large.",
		"RFC 6749, appendix B", always}
	wrongClient = &Rule{"wrong-client",
		"No app has that App UID or client_id. The path takes the App UID, and client_id is another value.",
		"RFC 6749, section 2.2", always}
	twoAuthorizationHeaders = &Rule{"two-authorization-headers",
		"The request has two Authorization headers. Two readers may then take different ones.",
		"RFC 9110, section 5.3", always}
)

// The rules for the authorize URL.
var (
	noState = &Rule{"no-state",
		"The authorize URL has no state. The client then cannot tell its own callback from one that another site sent (CSRF), unless it relies on PKCE for that.",
		"RFC 6749, section 10.12", never}
	stateReused = &Rule{"state-reused",
		"The state was used in an earlier login. Make a new random state for each login: an attacker may know one that was seen before.",
		"RFC 9700, section 4.7.1", strictly}
	noPKCE = &Rule{"no-pkce",
		"The authorize URL has no code_challenge. Everyone who gets hold of the code can then redeem it, or plant it in another session.",
		"RFC 9700, section 2.1.1", never}
	plainChallenge = &Rule{"plain-challenge",
		"The code_challenge is the code_verifier itself: its method is plain, which an absent code_challenge_method means too. Everyone who sees the URL can redeem the code. Use S256.",
		"RFC 7636, section 7.2", never}
	challengeReused = &Rule{"challenge-reused",
		"The code_challenge was used in an earlier login. Make a new random code_verifier for each login.",
		"RFC 9700, section 2.1.1", strictly}
	malformedChallenge = &Rule{"malformed-challenge",
		"The code_challenge or its method has a form that PKCE does not know.",
		"RFC 7636, sections 4.2 and 4.3", always}
	wrongResponseType = &Rule{"wrong-response-type",
		"The response_type is not code.",
		"RFC 6749, section 4.1.1", always}
	noRedirectURI = &Rule{"no-redirect-uri",
		"The authorize URL has no redirect_uri, although the app has several. Contentstack then takes the app's first.",
		"RFC 6749, section 3.1.2.3", never}
	unregisteredRedirectURI = &Rule{"unregistered-redirect-uri",
		"The redirect_uri is not registered for the app, or not with exactly these characters.",
		"RFC 9700, section 2.1", always}
	scopeNotConfigured = &Rule{"scope-not-configured",
		"The scope is not configured for the app.",
		"RFC 6749, section 3.3", always}
)

// The rules for a token request of any grant.
var (
	notPost = &Rule{"not-post",
		"The token request is not a POST.",
		"RFC 6749, section 3.2", always}
	notFormEncoded = &Rule{"not-form-encoded",
		"The body is not of the media type application/x-www-form-urlencoded. JSON is another type.",
		"RFC 6749, section 4.1.3", always}
	queryAtTokenEndpoint = &Rule{"query-at-token-endpoint",
		"The token request has parameters in its URL. They belong in the body.",
		"RFC 6749, section 2.3.1", strictly}
	bearerAtTokenEndpoint = &Rule{"bearer-at-token-endpoint",
		"The token request carries an Authorization header with a token. A client proves itself with its own credentials, and the token that is replaced may have leaked.",
		"RFC 6749, section 3.2.1", strictly}
	basicAtTokenEndpoint = &Rule{"basic-at-token-endpoint",
		"The token request carries the client secret in an Authorization header. Contentstack documents client_secret in the body only.",
		oauthDocument, strictly}
	cookieAtTokenEndpoint = &Rule{"cookie-at-token-endpoint",
		"The token request carries a cookie. A client proves itself with its own credentials, not with a user's session.",
		"RFC 6749, section 3.2.1", strictly}
	wrongSecret = &Rule{"wrong-secret",
		"The client_secret is not the app's.",
		"RFC 6749, section 5.2", always}
	noSecret = &Rule{"no-secret",
		"The token request has no client_secret, although the app needs it: Allow PKCE is off, or the authorize URL had no code_challenge.",
		"RFC 6749, section 3.2.1", always}
	wrongGrantType = &Rule{"wrong-grant-type",
		"The grant_type is neither authorization_code nor refresh_token.",
		"RFC 6749, sections 4.1.3 and 6", always}
	missingParameter = &Rule{"missing-parameter",
		"A parameter is missing that the request is about: code, refresh_token or token.",
		"RFC 6749, sections 4.1.3 and 6", always}
	anothersGrant = &Rule{"anothers-grant",
		"The code or the refresh token was issued to another client.",
		"RFC 6749, sections 4.1.3 and 6", always}
)

// The rules for the redemption of a code.
var (
	codeReused = &Rule{"code-reused",
		"The code was sent before. A code works once, so its tokens are revoked. After a failure, start a new login.",
		"RFC 6749, section 4.1.2", always}
	redirectURIMismatch = &Rule{"redirect-uri-mismatch",
		"The redirect_uri is not the one of the login.",
		"RFC 6749, section 4.1.3", always}
	noVerifier = &Rule{"no-verifier",
		"The token request has no code_verifier, although the authorize URL had a code_challenge.",
		"RFC 7636, section 4.5", always}
	verifierWithoutChallenge = &Rule{"verifier-without-challenge",
		"The token request has a code_verifier, although the authorize URL had no code_challenge. Someone may have taken it out of the URL.",
		"RFC 9700, section 2.1.1", always}
	verifierOutOfBounds = &Rule{"verifier-out-of-bounds",
		"The code_verifier is not 43 to 128 characters of A-Z a-z 0-9 - . _ ~.",
		"RFC 7636, section 4.1", strictly}
	wrongVerifier = &Rule{"wrong-verifier",
		"The code_verifier does not match the code_challenge.",
		"RFC 7636, section 4.6", always}
	verifierReused = &Rule{"verifier-reused",
		"The code_verifier was used for an earlier code. Make a new random one for each login: an attacker may know one that was sent before.",
		"RFC 7636, section 4.1", strictly}
)

// The rules for a refresh.
var (
	refreshTokenReused = &Rule{"refresh-token-reused",
		"The refresh token was used before, and its response got out. Two parts of the client refresh the same login, or it does not keep the new refresh token.",
		"RFC 9700, section 4.14.2", always}
	refreshWithoutRedirectURI = &Rule{"refresh-without-redirect-uri",
		"The refresh has no redirect_uri.",
		oauthDocument, strictly}
	refreshWithoutSecret = &Rule{"refresh-without-secret",
		"The refresh has no client_secret, although the request for the token had it.",
		pkceDocument, strictly}
	refreshWithNewSecret = &Rule{"refresh-with-new-secret",
		"The refresh has a client_secret, although the request for the token had none.",
		pkceDocument, strictly}
	scopeWidened = &Rule{"scope-widened",
		"The refresh asks for a scope that the user has not granted.",
		"RFC 6749, section 6", strictly}
)

// The rules for a request to an API.
var (
	noBearerScheme = &Rule{"no-bearer-scheme",
		"The Authorization header has no word Bearer before the token. Contentstack reads such a value as a management token.",
		"RFC 6750, section 2.1", always}
	authtokenHeader = &Rule{"authtoken-header",
		"The request has an authtoken header. An OAuth token does not belong there, and nothing belongs there beside a bearer token, not even an empty value.",
		troubleshooting, strictly}
	noOrganizationUID = &Rule{"no-organization-uid",
		"The request has no organization_uid header. Without it, some lists are empty.",
		developerHubCalls, never}
)

var rules = []*Rule{
	secretInURL, repeatedParameter, unreadableParameters, wrongClient, twoAuthorizationHeaders,
	noState, stateReused, noPKCE, plainChallenge, challengeReused, malformedChallenge, wrongResponseType,
	noRedirectURI, unregisteredRedirectURI, scopeNotConfigured,
	notPost, notFormEncoded, queryAtTokenEndpoint, bearerAtTokenEndpoint, basicAtTokenEndpoint,
	cookieAtTokenEndpoint, wrongSecret, noSecret, wrongGrantType, missingParameter, anothersGrant,
	codeReused, redirectURIMismatch, noVerifier, verifierWithoutChallenge, verifierOutOfBounds,
	wrongVerifier, verifierReused,
	refreshTokenReused, refreshWithoutRedirectURI, refreshWithoutSecret, refreshWithNewSecret, scopeWidened,
	noBearerScheme, authtokenHeader, noOrganizationUID,
}

// Rules returns the rules, those for the authorize URL before those for tokens and APIs.
func Rules() (all []Rule) {
	for _, rule := range rules {
		all = append(all, *rule)
	}
	return all
}

// RefusedBy reports whether an emulator with these Options refuses a request that breaks the Rule.
func (r *Rule) RefusedBy(o Options) bool {
	return r.when == always || r.when == strictly && !slices.Contains(o.Tolerate, r.ID)
}

// IsRule reports whether a Rule has that ID.
func IsRule(id string) bool {
	_, ok := ruleByID(id)
	return ok
}

func ruleByID(id string) (*Rule, bool) {
	i := slices.IndexFunc(rules, func(r *Rule) bool { return r.ID == id })
	if i < 0 {
		return nil, false
	}
	return rules[i], true
}

// CheckTolerable returns an error if id is not that of a Rule that can be tolerated or refused.
func CheckTolerable(id string) error {
	if rule, ok := ruleByID(id); !ok || rule.when != strictly {
		return fmt.Errorf("%.40q: want a rule that can be tolerated: %s", id, strings.Join(tolerable(), ", "))
	}
	return nil
}

// tolerable returns the IDs that Options.Tolerate may have.
func tolerable() (ids []string) {
	for _, rule := range rules {
		if rule.when == strictly {
			ids = append(ids, rule.ID)
		}
	}
	return ids
}
