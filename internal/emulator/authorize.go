package emulator

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
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
}

// readAuthorize checks an authorize URL. What is wrong is shown on the page, and
// never sent to the redirect URI: a developer has to fix it.
func (e *Emulator) readAuthorize(r *http.Request) (authorizeRequest, error) {
	var a authorizeRequest
	q, err := parseParams(r.URL.RawQuery)
	if err != nil {
		return a, err
	}
	var ok bool
	if a.app, ok = e.findApp(func(app App) bool { return app.UID == r.PathValue("app") }); !ok {
		return a, fmt.Errorf("there is no app %.40q: the path takes the App UID (Developer Hub, Basic Information), not the Client ID", r.PathValue("app"))
	}
	switch {
	case q.Get("client_id") != a.app.ClientID:
		return a, fmt.Errorf("client_id is %.40q, and this app's is %q (Developer Hub, OAuth)", q.Get("client_id"), a.app.ClientID)
	case q.Get("response_type") != "code":
		return a, fmt.Errorf("response_type is %.40q, want \"code\"", q.Get("response_type"))
	}
	if a.redirectURI, err = a.app.redirectURI(q); err != nil {
		return a, err
	}
	a.scopes = strings.Fields(q.Get("scope"))
	for _, scope := range a.scopes {
		if !slices.Contains(a.app.Scopes, scope) {
			return a, fmt.Errorf("scope %.60q is not configured for this app (Developer Hub, OAuth, User Token)", scope)
		}
	}
	if len(a.scopes) == 0 {
		a.scopes = a.app.Scopes
	}
	a.state, a.hasState = q.Get("state"), q.Has("state")
	a.challenge, a.method, err = readChallenge(q)
	return a, err
}

// redirectURI returns the URI to send the user back to: the one asked for, which must be registered
// to the byte, or the app's first.
func (a App) redirectURI(q url.Values) (string, error) {
	asked := q.Get("redirect_uri")
	switch {
	case len(a.RedirectURIs) == 0:
		return "", fmt.Errorf("this app has no redirect URL (Developer Hub, OAuth)")
	case asked == "":
		return a.RedirectURIs[0], nil
	case !slices.Contains(a.RedirectURIs, asked):
		return "", fmt.Errorf("redirect_uri %.200q is not registered for this app: it must match one of %q to the byte (Developer Hub, OAuth)", asked, a.RedirectURIs)
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
		return "", "", fmt.Errorf("code_challenge_method without code_challenge")
	case method == "":
		method = "plain"
	}
	switch {
	case method != "S256" && method != "plain":
		return "", "", fmt.Errorf("code_challenge_method is %.40q, want \"S256\" or \"plain\"", method)
	case method == "S256" && len(challenge) != 43:
		return "", "", fmt.Errorf("code_challenge has %d characters, and S256 makes 43", len(challenge))
	case !isVerifier(challenge):
		return "", "", fmt.Errorf("code_challenge is not 43 to 128 characters of A-Z a-z 0-9 - . _ ~ (RFC 7636, 4.2)")
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

type consentData struct {
	Title       string
	App         App
	User        User
	Scopes      []scopeInWords
	RedirectURI string
	SwitchURL   string // to log in as somebody else
	PKCEOff     bool   // the client sent a challenge, and the app does not allow PKCE
}

// serveConsent shows the consent form to a user who is logged in, unless they have allowed as much
// before.
func (e *Emulator) serveConsent(w http.ResponseWriter, r *http.Request) {
	entry := e.log.begin(r, e.o.Now())
	entry.see(r.URL.Query())
	a, err := e.readAuthorize(r)
	if err != nil {
		refuseAuthorize(w, entry, err)
		return
	}
	session, err := e.session(r)
	if err != nil {
		refuseAuthorize(w, entry, err)
		return
	}
	toLogin := "/login?" + url.Values{"return": {r.URL.RequestURI()}}.Encode()
	if session == nil {
		entry.end(http.StatusFound, "sent to log in first")
		http.Redirect(w, r, toLogin, http.StatusFound)
		return
	}
	user := *session
	if org, ok := e.consented(a, user); ok && r.Header.Get(askHeader) == "" {
		e.sendBack(w, r, entry, a, e.allow(a, user, org), user.Name()+" allowed it before for "+org.Name+"; a code was issued")
		return
	}
	entry.end(http.StatusOK, "asked for consent to "+strings.Join(a.scopes, " "))
	w.Header().Set(pageHeader, consentPage)
	writePage(w, http.StatusOK, "consent", consentData{
		Title: "Allow " + a.app.Name + "?", App: a.app, User: user, Scopes: inWords(a.scopes), RedirectURI: a.redirectURI,
		SwitchURL: toLogin, PKCEOff: a.challenge != "" && !a.app.AllowPKCE,
	})
}

// serveDecision takes the answer to the consent form: decision is allow or deny; user and
// organization are the chosen ones' uids. Without a user it is the one who is logged in, or else
// the first; without an organization the user's first.
func (e *Emulator) serveDecision(w http.ResponseWriter, r *http.Request) {
	entry := e.log.begin(r, e.o.Now())
	entry.see(r.URL.Query())
	form, err := parseForm(r)
	if err != nil {
		refuseAuthorize(w, entry, err)
		return
	}
	entry.see(form)
	a, err := e.readAuthorize(r)
	if err != nil {
		refuseAuthorize(w, entry, err)
		return
	}
	user, org, err := e.decider(r, form)
	if err != nil {
		refuseAuthorize(w, entry, err)
		return
	}
	switch form.Get("decision") {
	case "allow":
		e.sendBack(w, r, entry, a, e.allow(a, user, org), user.Name()+" allowed it for "+org.Name+"; a code was issued")
	case "deny":
		denial := url.Values{"error": {"access_denied"}, "error_description": {"The user denied the request"}}
		e.sendBack(w, r, entry, a, denial, user.Name()+" denied it")
	default:
		refuseAuthorize(w, entry, fmt.Errorf("decision is %.40q, want \"allow\" or \"deny\"", form.Get("decision")))
	}
}

// decider returns who answered the consent form, and for which organization.
func (e *Emulator) decider(r *http.Request, form url.Values) (User, Organization, error) {
	user, ok := e.findUser(form.Get("user"))
	if session, _ := e.session(r); form.Get("user") == "" && session != nil {
		user = *session
	}
	if ok {
		if org, member := user.organization(form.Get("organization")); member {
			return user, org, nil
		}
	}
	return User{}, Organization{}, fmt.Errorf("there is no such user, or the user is not in that organization")
}

// consented tells whether a user has allowed an app these scopes before, and for which
// organization.
func (e *Emulator) consented(a authorizeRequest, user User) (Organization, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	before, ok := e.grants.consents[appUser{a.app.UID, user.UID}]
	for _, scope := range a.scopes {
		ok = ok && slices.Contains(before.scopes, scope)
	}
	return before.org, ok
}

// allow issues a code, and returns it as the parameters of the callback.
func (e *Emulator) allow(a authorizeRequest, user User, org Organization) url.Values {
	e.mu.Lock()
	defer e.mu.Unlock()
	back := url.Values{"code": {e.grants.issueCode(a, user, org)}}
	e.o.Unknowns.tellRegion(e.o.Location, back.Set)
	return back
}

// sendBack sends the user back to the app.
func (e *Emulator) sendBack(w http.ResponseWriter, r *http.Request, entry *entry, a authorizeRequest, back url.Values, decision string) {
	if a.hasState && !(back.Has("error") && e.o.Unknowns.DenialWithoutState) {
		back.Set("state", a.state)
	}
	entry.answer(back)
	entry.end(http.StatusFound, decision)
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, withQuery(a.redirectURI, back), http.StatusFound)
}

// refuseAuthorize shows what is wrong with an authorize URL.
func refuseAuthorize(w http.ResponseWriter, entry *entry, err error) {
	entry.end(http.StatusBadRequest, "refused: "+err.Error())
	writePage(w, http.StatusBadRequest, "error", errorData{"This authorize URL does not work", err.Error()})
}

// withQuery adds parameters to a redirect URI, which may have a query of its own.
func withQuery(uri string, q url.Values) string {
	separator := "?"
	if strings.Contains(uri, "?") {
		separator = "&"
	}
	return uri + separator + q.Encode()
}
