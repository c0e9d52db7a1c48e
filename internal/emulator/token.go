package emulator

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// A tokenRequest is a request to the token endpoint whose form could be read.
type tokenRequest struct {
	entry      *entry
	app        App
	form       url.Values
	withSecret bool // the client proved itself with its secret
	spoiled    bool // a Fault may keep the response from the client
}

// serveToken is the token endpoint.
func (e *Emulator) serveToken(w http.ResponseWriter, r *http.Request) {
	entry := e.log.begin(r)
	request, no := e.readTokenRequest(r, entry)
	fault := e.nextFault()
	request.spoiled = fault.spoils()
	if !fault.before(w, r, entry) {
		return
	}
	var answer map[string]any
	var decision string
	if no == nil {
		answer, decision, no = e.grant(request)
	}
	if no != nil {
		if no.rule != nil {
			entry.breaks(no.rule)
		}
		entry.end(no.status, "refused: "+no.Error())
		contentType, body := e.o.Unknowns.refusal(no)
		fault.write(w, r, entry, no.status, contentType, body)
		return
	}
	entry.end(http.StatusOK, decision)
	contentType, body := jsonAnswer(answer)
	fault.write(w, r, entry, http.StatusOK, contentType, body)
	if r.Context().Err() != nil {
		e.lose(request.form.Get("refresh_token"))
	}
}

// lose records that the response to the request that spent a refresh token did not get out.
func (e *Emulator) lose(refresh string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if t := e.grants.refresh[refresh]; t != nil {
		t.lost = true
	}
}

// grant handles both grants, and returns the members of the response and the decision.
func (e *Emulator) grant(r *tokenRequest) (answer map[string]any, decision string, no *refusal) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var granted *grant
	switch grantType := r.form.Get("grant_type"); grantType {
	case "authorization_code":
		granted, no = e.grants.redeem(r)
	case "refresh_token":
		var used *refreshToken
		if used, no = e.grants.renew(r); no == nil {
			granted = used.grant
		}
	default:
		no = refuse(wrongGrantType, "unsupported_grant_type", "grant_type is %.40q, want authorization_code or refresh_token", grantType)
	}
	if no != nil {
		return nil, "", no
	}
	access, refresh := e.grants.issueTokens(granted, r.form.Get("refresh_token"), r.form.Get("scope"))
	answer = map[string]any{
		"access_token":       access,
		"refresh_token":      refresh,
		"token_type":         "Bearer",
		"expires_in":         int(e.o.AccessTokenLifetime.Seconds()),
		"organization_uid":   granted.org.UID,
		"user_uid":           granted.user.UID,
		"authorization_type": "user",
		"stack_api_key":      "",
	}
	e.o.Unknowns.tellRegion(e.o.Location, func(name, value string) { answer[name] = value })
	for _, name := range e.o.Unknowns.Omit {
		delete(answer, name)
	}
	seen := url.Values{}
	for name, value := range answer {
		seen.Set(name, fmt.Sprint(value))
	}
	r.entry.answer(seen)
	return answer, "granted: tokens for " + granted.user.Name() + " in " + granted.org.Name, nil
}

// readTokenRequest reads a token request, and refuses what Contentstack's token endpoint is not
// documented to take. The request that it returns is never nil.
func (e *Emulator) readTokenRequest(r *http.Request, entry *entry) (*tokenRequest, *refusal) {
	request := &tokenRequest{entry: entry}
	if r.Method != http.MethodPost {
		entry.see(r.URL.Query())
		checkEnvelope(r, entry) // what else is wrong with it
		return request, &refusal{notPost, http.StatusMethodNotAllowed, "invalid_request", "the method is " + r.Method + ", want POST"}
	}
	form, err := parseForm(r)
	entry.see(form)
	request.form = form
	e.prove(request, r)
	if no := checkEnvelope(r, entry); no != nil {
		return request, no
	}
	if err != nil {
		return request, refuse(brokenBy(err), "invalid_request", "%v", err)
	}
	return request, e.authenticate(request)
}

// prove takes over what the client says it is, from the form or from an Authorization header. It
// does not check it.
func (e *Emulator) prove(request *tokenRequest, r *http.Request) {
	if id, secret, ok := basicAuth(r); ok && request.form != nil {
		for name, value := range map[string]string{"client_id": id, "client_secret": secret} {
			if value != "" && !request.form.Has(name) {
				request.form.Set(name, value)
			}
		}
	}
	request.withSecret = request.form.Has("client_secret")
	if app, ok := e.findApp(func(a App) bool { return a.ClientID == request.form.Get("client_id") }); ok {
		request.app = app
		request.entry.about(app, User{})
	}
}

// basicAuth returns the client's credentials of an Authorization header, which are form-encoded
// there (RFC 6749, section 2.3.1).
func basicAuth(r *http.Request) (id, secret string, ok bool) {
	encodedID, encodedSecret, ok := r.BasicAuth()
	id, err := url.QueryUnescape(encodedID)
	if err != nil {
		return "", "", false
	}
	secret, err = url.QueryUnescape(encodedSecret)
	return id, secret, ok && err == nil
}

// checkEnvelope refuses what may stand around the form of a token request: parameters in the URL,
// an Authorization header or a cookie, even an empty one.
func checkEnvelope(r *http.Request, entry *entry) *refusal {
	headers := r.Header.Values("Authorization")
	switch {
	case r.URL.RawQuery != "" && breaksInURL(r, entry, queryAtTokenEndpoint):
		return refuse(nil, "invalid_request", "there are parameters in the URL, where logs keep them: send them in the body")
	case len(headers) > 1 && entry.breaks(twoAuthorizationHeaders):
		return refuse(nil, "invalid_request", "there are %d Authorization headers", len(headers))
	case len(headers) == 1 && breaksInHeader(headers[0], entry):
		return refuse(nil, "invalid_request", "there is an Authorization header: the client proves itself in the body")
	case len(r.Header.Values("Cookie")) > 0 && entry.breaks(cookieAtTokenEndpoint):
		return refuse(nil, "invalid_request", "there is a cookie")
	}
	return nil
}

// breaksInHeader records what the Authorization header of a token request holds.
func breaksInHeader(header string, entry *entry) (refused bool) {
	if scheme, _, _ := strings.Cut(header, " "); strings.EqualFold(scheme, "Basic") {
		return entry.breaks(basicAtTokenEndpoint)
	}
	return entry.breaks(bearerAtTokenEndpoint)
}

// authenticate checks who the client is, and its secret, which an app with PKCE may leave out.
func (e *Emulator) authenticate(r *tokenRequest) *refusal {
	secret := r.form.Get("client_secret")
	switch {
	case r.app.UID == "":
		return refuse(wrongClient, "invalid_client", "client_id %.40q is not known", r.form.Get("client_id"))
	case r.withSecret && (secret != r.app.ClientSecret || r.app.ClientSecret == ""):
		return refuse(wrongSecret, "invalid_client", "client_secret is wrong")
	case !r.withSecret && !r.app.AllowPKCE:
		return refuse(noSecret, "invalid_client", "client_secret is missing: it is optional only with Allow PKCE on (Developer Hub, OAuth)")
	}
	return nil
}
