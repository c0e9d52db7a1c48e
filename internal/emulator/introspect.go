package emulator

import (
	"net/http"
	"strings"
)

// serveIntrospect tells whether a token is active, and which scopes it has. The form has the token
// and token_type_hint, which is access_token unless it says refresh_token.
func (e *Emulator) serveIntrospect(w http.ResponseWriter, r *http.Request) {
	entry := e.log.begin(r)
	form, err := parseForm(r)
	entry.see(form)
	request := &tokenRequest{entry: entry, form: form}
	e.prove(request, r)
	end := func(no *refusal) {
		if no.rule != nil {
			entry.breaks(no.rule)
		}
		entry.end(no.status, "refused: "+no.Error())
		developerHub(e, w, no.status, 0, no.description)
	}
	switch {
	case err != nil:
		end(refuse400(err))
		return
	case breaksInURL(r, entry, nil):
		end(refuse400(breach(secretInURL, "the token belongs in the body")))
		return
	case len(r.Header.Values("Authorization")) > 1 && entry.breaks(twoAuthorizationHeaders):
		end(refuse(nil, "invalid_request", "there are %d Authorization headers", len(r.Header.Values("Authorization"))))
		return
	case form.Get("token") == "":
		end(refuse400(breach(missingParameter, "token is missing")))
		return
	case e.o.Unknowns.IntrospectAuth == "client" && !form.Has("client_id"):
		end(refuse401()) // no finding: the document shows a request without it
		return
	case e.o.Unknowns.IntrospectAuth == "client":
		if no := e.authenticate(request); no != nil {
			end(no)
			return
		}
	}
	answer := e.introspect(form.Get("token"), form.Get("token_type_hint"), entry)
	writeJSON(w, http.StatusOK, answer)
}

func refuse401() *refusal { return refuse(nil, "invalid_client", "client_id is missing") }

func refuse400(err error) *refusal {
	return refuse(brokenBy(err), "invalid_request", "%v", err)
}

// introspect returns the members of the response. It looks only where the hint says.
func (e *Emulator) introspect(token, hint string, entry *entry) map[string]any {
	e.mu.Lock()
	var of *grant
	var scopes []string
	if hint == "refresh_token" {
		if t := e.grants.refresh[token]; t != nil && !t.isOver() && !e.grants.usedUp(t) && !e.grants.hasExpired(t) {
			of, scopes = t.grant, t.scopes
		}
	} else if t, ok := e.grants.bearer(token); ok {
		of, scopes = t.grant, t.scopes
	}
	e.mu.Unlock()
	if of == nil {
		entry.end(http.StatusOK, "told that the token is not active")
		return map[string]any{"active": false}
	}
	entry.about(of.app, of.user)
	entry.end(http.StatusOK, "told that the token is active")
	answer := map[string]any{"active": true, "scope": strings.Join(scopes, " ")}
	if e.o.Unknowns.IntrospectScope == "array" {
		answer["scope"] = scopes
	}
	if e.o.Unknowns.IntrospectMembers == "full" {
		answer["client_id"], answer["sub"], answer["token_type"] = of.app.ClientID, of.user.UID, "Bearer"
	}
	return answer
}
