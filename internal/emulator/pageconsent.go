package emulator

import (
	h "github.com/contentstack/csoauth/internal/emulator/markup"
)

type consentData struct {
	App         App
	User        User
	Scopes      []scopeInWords
	RedirectURI string
	Return      string // the authorize URL, to return to after a login as another user
	Consent     string // number of this form
	PKCEOff     bool   // the client sent a challenge, and the app does not allow PKCE
}

func consentPage(data consentData) page {
	return page{title: "Allow " + data.App.Name + "?", scripts: []string{"consent.js"}, body: narrowBody("consent",
		h.H1(h.Text("Allow "+data.App.Name+"?")),
		h.P(
			h.Text("You are logged in as "), h.Strong(h.Text(data.User.Name())),
			h.If(data.User.Email != "", h.Text(" ("+data.User.Email+")")),
			h.Text("."), h.Br(),
			h.A(h.Href(loginURL(data.Return)), h.Text("Not you? Log in as another user")),
		),
		h.If(data.PKCEOff, h.P(h.Class("note"), h.Text("Allow PKCE is off for this app (Developer Hub, OAuth). "+
			"The emulator still checks the code_challenge, and refuses a token request without client_secret."))),
		h.Form(h.Method("post"), h.ID("consent"),
			h.Input(h.Type("hidden"), h.Name("consent"), h.Value(data.Consent)),
			h.Input(h.Type("hidden"), h.Name("user"), h.Value(data.User.UID)),
			h.Div(h.Class("request"),
				chooseOrganization(data.User.Organizations),
				h.H2(h.Text("What the app can do for you")),
				listScopes(data.Scopes),
				h.H2(h.Text("Where you go next")),
				h.P(inCode(data.RedirectURI)),
			),
			h.Div(h.Class("actions"), lines(
				h.Button(h.Class("primary"), h.Name("decision"), h.Value("allow"), h.Text("Allow")),
				h.Button(h.Name("decision"), h.Value("deny"), h.Text("Deny")),
			)),
			h.P(h.ID("sent"), h.Role("status")),
		),
	)}
}

func chooseOrganization(all []Organization) h.Node {
	switch len(all) {
	case 0:
		return h.Group{
			h.H2(h.Text("Organization")),
			paragraph("Access is for one organization, and you are in none."),
		}
	case 1:
		return h.Group{
			h.H2(h.Text("Organization")),
			paragraph(all[0].Name),
			h.Input(h.Type("hidden"), h.Name("organization"), h.Value(all[0].UID)),
		}
	}
	return h.Group{
		h.H2(h.Label(h.For("organization"), h.Text("Organization"))),
		h.Select(h.ID("organization"), h.Name("organization"), h.Map(all, func(o Organization) h.Node {
			return h.Option(h.Value(o.UID), h.Text(o.Name))
		})),
	}
}

func listScopes(all []scopeInWords) h.Node {
	if len(all) == 0 {
		return paragraph("The app asks for no scope, and none is configured for it.")
	}
	return h.Ul(h.Class("scopes"), h.Map(all, func(scope scopeInWords) h.Node {
		return h.Li(h.If(scope.Words != "", h.Text(scope.Words+" ")), inCode(scope.Name))
	}))
}
