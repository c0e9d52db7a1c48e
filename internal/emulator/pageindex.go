package emulator

import (
	h "github.com/contentstack/csoauth/internal/emulator/markup"
)

type indexData struct {
	Base      string // URL of this emulator, without a slash at its end
	Apps      []App
	Users     []User
	User      *User // who is logged in, or nil
	Lost      bool  // the login lost the authorize request
	Endpoints []endpointGroup
	activity
}

func indexPage(data indexData) page {
	loggedIn := ""
	if data.User != nil {
		loggedIn = data.User.UID
	}
	return page{scripts: []string{"route.js", "log.js"}, body: h.Group{
		h.Data("page", "index"), h.Data("user", loggedIn),
		indexHeader(data.User),
		h.Main(
			h.If(data.Lost, lostRequest(data.User != nil)),
			h.NoScript(h.P(h.Class("note"),
				h.Text("An authorize URL with #! needs JavaScript here, as at Contentstack. Without it, leave "), inCode("#!/"),
				h.Text(" out of the URL, and reload this page to see what is new."),
			)),
			h.P(h.ID("log-state"), h.Role("status")),
			h.P(h.ID("news"), h.Class("unseen"), h.Role("status")),
			findingsSection(data.activity),
			logSection(data.activity),
			h.P(h.Class("quiet small"),
				h.Text("Secrets are masked, and equal digits stand for equal secrets. Tests read the same "),
				h.A(h.Href("/_emulator/requests"), h.Text("as JSON")), h.Text("."),
			),
			indexSection("apps", "Apps", cards(data.Apps, appCard, "No app is configured.")),
			indexSection("users", "Users", cards(data.Users, userCard, "No user is configured.")),
			indexSection("endpoints", "Endpoints", endpointCard(data.Base, data.Endpoints)),
		),
		foot(),
	}}
}

func indexHeader(user *User) h.Node {
	return h.Header(h.Class("banner"), h.Div(h.Class("top"), lines(
		h.H1(h.Text(emulatorTitle)),
		h.Span(h.Class("quiet"), h.Text("For tests only")),
		sessionOf(user),
		h.Nav(h.Aria("label", "Further down"),
			h.A(h.Href("#apps"), h.Text("Apps")), h.Text(" "),
			h.A(h.Href("#users"), h.Text("Users")), h.Text(" "),
			h.A(h.Href("#endpoints"), h.Text("Endpoints")),
		),
	)))
}

// sessionOf shows that a user is logged in, or that nobody is if user is nil.
func sessionOf(user *User) h.Node {
	if user == nil {
		return h.P(h.Class("session"),
			h.Span(h.Text("You are not logged in.")), h.Text(" "),
			h.A(h.Class("button"), h.Href("/login"), h.Text("Log in")),
		)
	}
	return h.Form(h.Class("session"), h.Method("post"), h.Action("/logout"),
		h.Span(h.Text("Logged in as "), h.Strong(h.Text(user.Name()))), h.Text(" "),
		h.Button(h.Text("Log out")),
	)
}

func lostRequest(loggedIn bool) h.Node {
	return h.Div(h.Class("note"), h.ID("lost"),
		h.H2(h.Text("The authorize request was lost")),
		h.P(
			h.Text("Its parameters were behind "), inCode("#"),
			h.Text(". No server sees what is there, and the login lost it, as it does at Contentstack."),
		),
		h.Ul(
			h.Li(h.Text(choose(loggedIn, "Open the address again, now that you are logged in.", "Log in, then open the address again."))),
			h.Li(
				h.Text("Or use the path route, which a login keeps: "), inCode("/apps/{app_uid}/authorize?…"),
				h.Text("; in csoauth, "), inCode("AuthorizeRoute: csoauth.RoutePath"), h.Text("."),
			),
		),
	)
}

func indexSection(id, title string, content h.Node) h.Node {
	return h.Section(h.Aria("labelledby", id), h.H2(h.ID(id), h.Text(title)), content)
}

func cards[T any](all []T, card func(T) h.Node, none string) h.Node {
	return h.Div(h.Class("cards"), mapOr(all, card, paragraph(none)))
}

func appCard(app App) h.Node {
	return card(app.Name,
		codeField("App UID", app.UID),
		codeField("Client ID", app.ClientID),
		h.If(app.ClientSecret != "", codeField("Client secret", app.ClientSecret)),
		field("Allow PKCE", h.Dd(h.Text(choose(app.AllowPKCE, "on", "off")))),
		field("Redirect URLs", mapOr(app.RedirectURIs, func(uri string) h.Node { return h.Dd(inCode(uri)) }, none())),
		field("Scopes", h.Dd(joined(app.Scopes, inCode, "none"))),
	)
}

func userCard(user User) h.Node {
	return card(user.Name(),
		codeField("User UID", user.UID),
		h.If(user.Email != "", field("Email", h.Dd(h.Text(user.Email)))),
		field("Organizations", mapOr(user.Organizations, func(o Organization) h.Node {
			return h.Dd(h.Text(o.Name+" "), inCode(o.UID))
		}, none())),
	)
}

func card(name string, fields ...h.Node) h.Node {
	return h.Article(h.Class("card"), h.H3(h.Text(name)), h.Dl(fields...))
}

// none is the value of a field without values.
func none() h.Node { return h.Dd(h.Text("none")) }

// endpointCard shows the groups of endpoints, the first one open.
func endpointCard(base string, groups []endpointGroup) h.Node {
	var all h.Group
	for i, group := range groups {
		all = append(all, h.Details(h.If(i == 0, h.Open()),
			h.Summary(h.H3(h.Text(group.Name))),
			h.Dl(h.Class("endpoints"), h.Map(group.Endpoints, func(e listedEndpoint) h.Node {
				return field(e.Words, h.Dd(h.Text(e.Method+" "), inCode(base+e.Path)))
			})),
			h.If(group.Note != "", h.P(h.Class("quiet small"), h.Text(group.Note))),
		))
	}
	return h.Div(h.Class("card"), all)
}
