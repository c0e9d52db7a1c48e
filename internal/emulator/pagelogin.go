package emulator

import (
	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

type loginData struct {
	Users  []User
	Return string // where to go after the login
	Lost   bool   // the authorize request is behind #, and a login loses it
}

func loginPage(data loginData) g.Node {
	return page{title: "Log in", body: narrowBody("login",
		h.H1(g.Text("Log in to the emulated Contentstack")),
		g.If(data.Lost, lostByLogin()),
		paragraph("Users have no passwords here. Choose one:"),
		h.Form(h.Method("post"), h.Action("/login"),
			h.Input(h.Type("hidden"), h.Name("return"), h.Value(data.Return)),
			mapOr(data.Users, userButton, paragraph("No user is configured.")),
		),
		linkToIndex(),
	)}
}

func lostByLogin() g.Node {
	return h.Div(h.Class("note"), h.ID("lost"),
		h.H2(g.Text("The authorize request will be lost")),
		h.P(
			g.Text("The parameters of your authorize URL are behind "), inCode("#"),
			g.Text(", and a login loses them, as at Contentstack. Open that URL again after the login."),
		),
	)
}

func userButton(user User) g.Node {
	name := func(o Organization) g.Node { return g.Text(o.Name) }
	return g.Group{h.Button(h.Class("person"), h.Name("user"), h.Value(user.UID), lines(
		h.Span(h.Class("name"), g.Text(user.Name())),
		h.Span(g.Text(user.Email)),
		h.Span(h.Class("quiet"), joined(user.Organizations, name, "in no organization")),
	)), g.Text("\n")}
}
