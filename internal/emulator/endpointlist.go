package emulator

import "net/http"

// An endpointGroup is a part of the list of endpoints on the index.
type endpointGroup struct {
	Name, Note string
	Endpoints  []listedEndpoint
}

type listedEndpoint struct{ Words, Method, Path string }

// endpointGroups returns the endpoints that the index lists. What API added is not among them.
func endpointGroups() []endpointGroup {
	login := endpointGroup{Name: "Login and tokens", Endpoints: []listedEndpoint{
		{"Authorize URL, hash route", http.MethodGet, "/#!/apps/{app_uid}/authorize"},
		{"Authorize URL, path route", http.MethodGet, "/apps/{app_uid}/authorize"},
		{"Consent without a browser", http.MethodPost, "/apps/{app_uid}/authorize"},
		{"Token URL, as documented", http.MethodPost, TokenPaths()[0]},
	}}
	for _, path := range TokenPaths()[1:] {
		login.Endpoints = append(login.Endpoints, listedEndpoint{"Token URL, alias", http.MethodPost, path})
	}
	login.Endpoints = append(login.Endpoints, listedEndpoint{"State of a token", http.MethodPost, "/apps-api/introspect"})
	return []endpointGroup{
		login,
		{Name: "Content Management API", Endpoints: []listedEndpoint{
			{"User of the token", http.MethodGet, "/v3/user"},
			{"Organizations of the user", http.MethodGet, "/v3/organizations"},
			{"Organization of the token", http.MethodGet, "/v3/organizations/{organization_uid}"},
			{"Stacks of the organization", http.MethodGet, "/v3/organizations/{organization_uid}/stacks"},
			{"Stacks", http.MethodGet, "/v3/stacks"},
			{"Settings of a stack", http.MethodGet, "/v3/stacks/settings"},
		}},
		{Name: "Developer Hub API", Note: "These and introspect also work without /apps-api, as at the Developer Hub’s own host.", Endpoints: []listedEndpoint{
			{"Scopes for apps", http.MethodGet, "/apps-api/manifests/oauth/scopes"},
			{"Authorizations of an app", http.MethodGet, "/apps-api/manifests/{app_uid}/authorizations"},
			{"End all of them", http.MethodDelete, "/apps-api/manifests/{app_uid}/authorizations"},
			{"End one of them", http.MethodDelete, "/apps-api/manifests/{app_uid}/authorizations/{authorization_uid}"},
			{"Apps that the user authorized", http.MethodGet, "/apps-api/authorized-apps"},
		}},
		{Name: "For tests", Endpoints: []listedEndpoint{
			{"Log and findings as JSON", http.MethodGet, "/_emulator/requests"},
			{"Faults of token requests", http.MethodPost, "/_emulator/faults"},
			{"Expire access tokens", http.MethodPost, "/_emulator/expire"},
			{"Revoke logins", http.MethodPost, "/_emulator/revoke"},
		}},
	}
}
