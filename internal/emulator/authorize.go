package emulator

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// An authorizeRequest is an authorize URL that passed all checks.
type authorizeRequest struct {
	app         App
	redirectURI string
	scopes      []string
	state       string
	hasState    bool
	challenge   string // empty: no PKCE
	method      string // "S256" or "plain"
	consent     string // number of the form that the user sent; empty: none was shown
}

// readAuthorize checks an authorize URL. What is wrong is shown on the page, and
// never sent to the redirect URI: a developer has to fix it.
func (e *Emulator) readAuthorize(r *http.Request, entry *entry) (authorizeRequest, error) {
	var a authorizeRequest
	var ok bool
	if a.app, ok = e.findApp(func(app App) bool { return app.UID == r.PathValue("app") }); ok {
		entry.about(a.app, User{})
	}
	q, err := parseParams(r.URL.RawQuery)
	if err != nil {
		return a, err
	}
	if !ok {
		return a, breach(wrongClient, "there is no app %.40q: the path takes the App UID (Developer Hub, Basic Information), not the Client ID", r.PathValue("app"))
	}
	switch {
	case q.Get("client_id") != a.app.ClientID:
		return a, breach(wrongClient, "client_id is %.40q, and this app's is %q (Developer Hub, OAuth)", q.Get("client_id"), a.app.ClientID)
	case q.Get("response_type") != "code":
		return a, breach(wrongResponseType, "response_type is %.40q, want \"code\"", q.Get("response_type"))
	case breaksInURL(r, entry, nil):
		return a, fmt.Errorf("the URL holds a secret, and browsers and logs keep URLs: code_verifier, client_secret and tokens go into the body of the token request")
	}
	if a.redirectURI, err = a.app.redirectURI(q, entry); err != nil {
		return a, err
	}
	a.scopes = strings.Fields(q.Get("scope"))
	for _, scope := range a.scopes {
		if !slices.Contains(a.app.Scopes, scope) {
			return a, breach(scopeNotConfigured, "scope %.60q is not configured for this app (Developer Hub, OAuth, User Token)", scope)
		}
	}
	if len(a.scopes) == 0 {
		a.scopes = a.app.Scopes
	}
	a.state, a.hasState = q.Get("state"), q.Has("state")
	if a.challenge, a.method, err = readChallenge(q); err != nil {
		return a, err
	}
	return a, e.checkOnce(a, entry)
}

// checkOnce looks at what an authorize URL has to bring anew with every login: its state and its
// challenge.
func (e *Emulator) checkOnce(a authorizeRequest, entry *entry) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case a.state == "":
		entry.breaks(noState)
	case e.grants.states.has(a.app.UID, a.state) && entry.breaks(stateReused):
		return fmt.Errorf("state was used in an earlier login: each login needs a new one")
	}
	switch {
	case a.challenge == "":
		entry.breaks(noPKCE)
		return nil
	case e.grants.challenges.has(a.app.UID, a.challenge) && entry.breaks(challengeReused):
		return fmt.Errorf("code_challenge was used in an earlier login: each login needs a new code_verifier")
	case a.method == "plain":
		entry.breaks(plainChallenge)
	}
	return nil
}

// redirectURI returns the URI to send the user back to. If the request names one, exactly that must
// be registered. Otherwise it is the app's first.
func (a App) redirectURI(q url.Values, entry *entry) (string, error) {
	asked := q.Get("redirect_uri")
	switch {
	case len(a.RedirectURIs) == 0:
		return "", fmt.Errorf("this app has no redirect URL (Developer Hub, OAuth)")
	case asked == "":
		if len(a.RedirectURIs) > 1 {
			entry.breaks(noRedirectURI)
		}
		return a.RedirectURIs[0], nil
	case !slices.Contains(a.RedirectURIs, asked):
		where := ""
		if slices.ContainsFunc(a.RedirectURIs, func(uri string) bool { return bareURI(uri) == bareURI(asked) }) {
			where = ", with its query"
		}
		registered := []string{}
		for _, uri := range a.masked().RedirectURIs {
			registered = append(registered, strconv.Quote(uri))
		}
		return "", breach(unregisteredRedirectURI, "redirect_uri %.200q is not registered for this app: it must match one of %s exactly%s (Developer Hub, OAuth)",
			bareURI(asked), strings.Join(registered, ", "), where)
	}
	return asked, nil
}

// readChallenge reads the PKCE parameters. An absent method means plain (RFC 7636, section 4.3).
func readChallenge(q url.Values) (challenge, method string, err error) {
	challenge, method = q.Get("code_challenge"), q.Get("code_challenge_method")
	switch {
	case challenge == "" && method == "":
		return "", "", nil
	case challenge == "":
		return "", "", breach(malformedChallenge, "code_challenge_method without code_challenge")
	case method == "":
		method = "plain"
	}
	switch {
	case method != "S256" && method != "plain":
		return "", "", breach(malformedChallenge, "code_challenge_method is %.40q, want \"S256\" or \"plain\"", method)
	case method == "S256" && len(challenge) != 43:
		return "", "", breach(malformedChallenge, "code_challenge has %d characters, and S256 makes 43", len(challenge))
	case !isVerifier(challenge):
		return "", "", breach(malformedChallenge, "code_challenge is not 43 to 128 characters of A-Z a-z 0-9 - . _ ~ (RFC 7636, 4.2)")
	}
	return challenge, method, nil
}

// isVerifier tells whether s has the form of a code verifier and of a plain challenge (RFC 7636,
// section 4.1).
func isVerifier(s string) bool {
	return len(s) >= 43 && len(s) <= 128 && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._~", r))
	})
}

// refuseAuthorize shows what is wrong with an authorize URL.
func refuseAuthorize(w http.ResponseWriter, entry *entry, err error) {
	if rule := brokenBy(err); rule != nil {
		entry.breaks(rule)
	}
	entry.end(http.StatusBadRequest, "refused: "+err.Error())
	writePage(w, http.StatusBadRequest, errorPage(badAuthorizeURL, err.Error()))
}
