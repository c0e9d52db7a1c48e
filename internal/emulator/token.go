package emulator

import (
	"fmt"
	"net/http"
	"net/url"
)

// serveToken is the token endpoint.
func (e *Emulator) serveToken(w http.ResponseWriter, r *http.Request) {
	entry := e.log.begin(r, e.o.Now())
	form, no := readTokenRequest(r)
	entry.see(form)
	fault := e.nextFault()
	if !fault.before(w, r, entry) {
		return
	}
	var answer map[string]any
	var decision string
	if no == nil {
		answer, decision, no = e.grant(form, entry)
	}
	if no != nil {
		entry.end(no.status, "refused: "+no.Error())
		contentType, body := e.o.Unknowns.refusal(no)
		fault.write(w, r, entry, no.status, contentType, body)
		return
	}
	entry.end(http.StatusOK, decision)
	contentType, body := jsonAnswer(answer)
	fault.write(w, r, entry, http.StatusOK, contentType, body)
}

// grant handles both grants and returns the members of the answer, and what was decided.
func (e *Emulator) grant(form url.Values, entry *entry) (answer map[string]any, decision string, no *refusal) {
	app, ok := e.findApp(func(a App) bool { return a.ClientID == form.Get("client_id") })
	if !ok {
		return nil, "", refuse("invalid_client", "client_id %.40q is not known", form.Get("client_id"))
	}
	if no := app.authenticate(form); no != nil {
		return nil, "", no
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var granted *grant
	switch grantType := form.Get("grant_type"); grantType {
	case "authorization_code":
		granted, no = e.grants.redeem(app, form)
	case "refresh_token":
		granted, no = e.grants.renew(app, form)
	default:
		no = refuse("unsupported_grant_type", "grant_type is %.40q, want authorization_code or refresh_token", grantType)
	}
	if no != nil {
		return nil, "", no
	}
	access, refresh := e.grants.issueTokens(granted, form.Get("refresh_token"))
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
	entry.answer(seen)
	return answer, "granted: tokens for " + granted.user.Name() + " in " + granted.org.Name, nil
}

// readTokenRequest refuses what Contentstack's token endpoint is not documented to take: another
// method or media type, parameters in the URL or twice in the form, an Authorization header or a
// cookie, even an empty one.
func readTokenRequest(r *http.Request) (url.Values, *refusal) {
	switch {
	case r.Method != http.MethodPost:
		return nil, &refusal{http.StatusMethodNotAllowed, "invalid_request", "the method is " + r.Method + ", want POST"}
	case r.URL.RawQuery != "":
		return nil, refuse("invalid_request", "there are parameters in the URL, where logs keep them: send them in the body")
	case len(r.Header.Values("Authorization")) > 0:
		return nil, refuse("invalid_request", "there is an Authorization header: the client proves itself in the body")
	case len(r.Header.Values("Cookie")) > 0:
		return nil, refuse("invalid_request", "there is a cookie")
	}
	form, err := parseForm(r)
	if err != nil {
		return nil, refuse("invalid_request", "%v", err)
	}
	return form, nil
}

// authenticate checks the client secret, which an app with PKCE may leave out.
func (a App) authenticate(form url.Values) *refusal {
	switch {
	case form.Has("client_secret") && (form.Get("client_secret") != a.ClientSecret || a.ClientSecret == ""):
		return refuse("invalid_client", "client_secret is wrong")
	case !form.Has("client_secret") && !a.AllowPKCE:
		return refuse("invalid_client", "client_secret is missing: it is optional only with Allow PKCE on (Developer Hub, OAuth)")
	}
	return nil
}
