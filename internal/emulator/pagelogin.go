package emulator

import (
	h "github.com/contentstack/csoauth/internal/emulator/markup"
)

type loginData struct {
	Users  []User
	Return string // where to go after the login
	Lost   bool   // the authorize request is behind #, and a login loses it
}

func loginPage(data loginData) page {
	return page{title: "Log in", body: narrowBody("login",
		h.H1(h.Text("Log in to the emulated Contentstack")),
		h.If(data.Lost, lostByLogin()),
		paragraph("Users have no passwords here. Choose a user:"),
		h.Form(h.Method("post"), h.Action("/login"),
			h.Input(h.Type("hidden"), h.Name("return"), h.Value(data.Return)),
			mapOr(data.Users, userButton, paragraph("No user is configured.")),
		),
		linkToIndex(),
	)}
}

func lostByLogin() h.Node {
	return h.Div(h.Class("note"), h.ID("lost"),
		h.H2(h.Text("The authorize request will be lost")),
		h.P(
			h.Text("The parameters of your authorize URL are behind "), inCode("#"),
			h.Text(". A login loses them, as it does at Contentstack. Open that URL again after the login."),
		),
	)
}

func userButton(user User) h.Node {
	name := func(o Organization) h.Node { return h.Text(o.Name) }
	return h.Group{h.Button(h.Class("person"), h.Name("user"), h.Value(user.UID), lines(
		h.Span(h.Class("name"), h.Text(user.Name())),
		h.Span(h.Text(user.Email)),
		h.Span(h.Class("quiet"), joined(user.Organizations, name, "in no organization")),
	)), h.Text("\n")}
}
