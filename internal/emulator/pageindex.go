package emulator

import (
	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
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

func indexPage(data indexData) g.Node {
	loggedIn := ""
	if data.User != nil {
		loggedIn = data.User.UID
	}
	return page{scripts: []string{"route.js", "log.js"}, body: g.Group{
		h.Data("page", "index"), h.Data("user", loggedIn),
		indexHeader(data.User),
		h.Main(
			g.If(data.Lost, lostRequest(data.User != nil)),
			h.NoScript(h.P(h.Class("note"),
				g.Text("An authorize URL with #! needs JavaScript here, as at Contentstack. Without it, leave "), inCode("#!/"),
				g.Text(" out of the URL, and reload this page to see what is new."),
			)),
			h.P(h.ID("log-state"), h.Role("status")),
			h.P(h.ID("news"), h.Class("unseen"), h.Role("status")),
			findingsSection(data.activity),
			logSection(data.activity),
			h.P(h.Class("quiet small"),
				g.Text("Secrets are masked, and equal digits stand for equal secrets. Tests read the same "),
				h.A(h.Href("/_emulator/requests"), g.Text("as JSON")), g.Text("."),
			),
			indexSection("apps", "Apps", cards(data.Apps, appCard, "No app is configured.")),
			indexSection("users", "Users", cards(data.Users, userCard, "No user is configured.")),
			indexSection("endpoints", "Endpoints", endpointCard(data.Base, data.Endpoints)),
		),
		foot(),
	}}
}

func indexHeader(user *User) g.Node {
	return h.Header(h.Class("banner"), h.Div(h.Class("top"), lines(
		h.H1(g.Text(emulatorTitle)),
		h.Span(h.Class("quiet"), g.Text("For tests; no real account")),
		sessionOf(user),
		h.Nav(h.Aria("label", "Further down"),
			h.A(h.Href("#apps"), g.Text("Apps")), g.Text(" "),
			h.A(h.Href("#users"), g.Text("Users")), g.Text(" "),
			h.A(h.Href("#endpoints"), g.Text("Endpoints")),
		),
	)))
}

// sessionOf shows that a user is logged in, or that nobody is if user is nil.
func sessionOf(user *User) g.Node {
	if user == nil {
		return h.P(h.Class("session"),
			h.Span(g.Text("No user is logged in here.")), g.Text(" "),
			h.A(h.Class("button"), h.Href("/login"), g.Text("Log in")),
		)
	}
	return h.Form(h.Class("session"), h.Method("post"), h.Action("/logout"),
		h.Span(g.Text("Logged in here: "), h.Strong(g.Text(user.Name()))), g.Text(" "),
		h.Button(g.Text("Log out")),
	)
}

func lostRequest(loggedIn bool) g.Node {
	return h.Div(h.Class("note"), h.ID("lost"),
		h.H2(g.Text("The authorize request was lost")),
		h.P(
			g.Text("Its parameters were behind "), inCode("#"),
			g.Text(", where no server sees them, and the login lost them, as at Contentstack."),
		),
		h.Ul(
			h.Li(g.Text(choose(loggedIn, "Open the address again, now that you are logged in.", "Log in, then open the address again."))),
			h.Li(
				g.Text("Or use the path route, which survives a login: "), inCode("/apps/{app_uid}/authorize?…"),
				g.Text("; in csoauth, "), inCode("AuthorizeRoute: csoauth.RoutePath"), g.Text("."),
			),
		),
	)
}

func indexSection(id, title string, content g.Node) g.Node {
	return h.Section(h.Aria("labelledby", id), h.H2(h.ID(id), g.Text(title)), content)
}

func cards[T any](all []T, card func(T) g.Node, none string) g.Node {
	return h.Div(h.Class("cards"), mapOr(all, card, paragraph(none)))
}

func appCard(app App) g.Node {
	return card(app.Name,
		codeField("App UID", app.UID),
		codeField("Client ID", app.ClientID),
		g.If(app.ClientSecret != "", codeField("Client secret", app.ClientSecret)),
		field("Allow PKCE", h.Dd(g.Text(choose(app.AllowPKCE, "on", "off")))),
		field("Redirect URLs", mapOr(app.RedirectURIs, func(uri string) g.Node { return h.Dd(inCode(uri)) }, none())),
		field("Scopes", h.Dd(joined(app.Scopes, inCode, "none"))),
	)
}

func userCard(user User) g.Node {
	return card(user.Name(),
		codeField("User UID", user.UID),
		g.If(user.Email != "", field("Email", h.Dd(g.Text(user.Email)))),
		field("Organizations", mapOr(user.Organizations, func(o Organization) g.Node {
			return h.Dd(g.Text(o.Name+" "), inCode(o.UID))
		}, none())),
	)
}

func card(name string, fields ...g.Node) g.Node {
	return h.Article(h.Class("card"), h.H3(g.Text(name)), h.Dl(fields...))
}

// none is the value of a field without values.
func none() g.Node { return h.Dd(g.Text("none")) }

// endpointCard shows the groups of endpoints, the first one open.
func endpointCard(base string, groups []endpointGroup) g.Node {
	var all g.Group
	for i, group := range groups {
		all = append(all, h.Details(g.If(i == 0, g.Attr("open")),
			h.Summary(h.H3(g.Text(group.Name))),
			h.Dl(h.Class("endpoints"), g.Map(group.Endpoints, func(e listedEndpoint) g.Node {
				return field(e.Words, h.Dd(g.Text(e.Method+" "), inCode(base+e.Path)))
			})),
			g.If(group.Note != "", h.P(h.Class("quiet small"), g.Text(group.Note))),
		))
	}
	return h.Div(h.Class("card"), all)
}
