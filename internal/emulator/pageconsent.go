package emulator

import (
	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
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

func consentPage(data consentData) g.Node {
	return page{title: "Allow " + data.App.Name + "?", scripts: []string{"consent.js"}, body: narrowBody("consent",
		h.H1(g.Text(data.App.Name+" wants to act for you")),
		h.P(
			g.Text("You are "), h.Strong(g.Text(data.User.Name())),
			g.If(data.User.Email != "", g.Text(" ("+data.User.Email+")")),
			g.Text("."), h.Br(),
			h.A(h.Href(loginURL(data.Return)), g.Text("Not you? Log in as another user")),
		),
		g.If(data.PKCEOff, h.P(h.Class("note"), g.Text("Allow PKCE is off for this app (Developer Hub, OAuth). "+
			"The emulator still checks the code_challenge, and refuses a token request without client_secret."))),
		h.Form(h.Method("post"), h.ID("consent"),
			h.Input(h.Type("hidden"), h.Name("consent"), h.Value(data.Consent)),
			h.Input(h.Type("hidden"), h.Name("user"), h.Value(data.User.UID)),
			h.Div(h.Class("card"),
				chooseOrganization(data.User.Organizations),
				h.H2(g.Text("The app may then")),
				listScopes(data.Scopes),
				h.H2(g.Text("You will be sent to")),
				h.P(inCode(data.RedirectURI)),
			),
			h.Div(h.Class("actions"), lines(
				h.Button(h.Class("primary"), h.Name("decision"), h.Value("allow"), g.Text("Allow")),
				h.Button(h.Name("decision"), h.Value("deny"), g.Text("Deny")),
			)),
			h.P(h.ID("sent"), h.Role("status")),
		),
	)}
}

func chooseOrganization(all []Organization) g.Node {
	switch len(all) {
	case 0:
		return g.Group{
			h.H2(g.Text("In no organization")),
			paragraph("An app is allowed to act within an organization, and this user belongs to none."),
		}
	case 1:
		return g.Group{
			h.H2(g.Text("In your organization")),
			paragraph(all[0].Name),
			h.Input(h.Type("hidden"), h.Name("organization"), h.Value(all[0].UID)),
		}
	}
	return g.Group{
		h.H2(h.Label(h.For("organization"), g.Text("In the organization"))),
		h.Select(h.ID("organization"), h.Name("organization"), g.Map(all, func(o Organization) g.Node {
			return h.Option(h.Value(o.UID), g.Text(o.Name))
		})),
	}
}

func listScopes(all []scopeInWords) g.Node {
	if len(all) == 0 {
		return paragraph("The app asks for no scope, and none is configured for it.")
	}
	return h.Ul(h.Class("scopes"), g.Map(all, func(scope scopeInWords) g.Node {
		return h.Li(g.If(scope.Words != "", g.Text(scope.Words+" ")), inCode(scope.Name))
	}))
}
