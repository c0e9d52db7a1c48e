package emulator

import (
	"cmp"

	h "github.com/contentstack/csoauth/internal/emulator/markup"
)

// Package markup escapes what the pages show. It checks no URL: every href, src and action begins
// with a text of the emulator's own.

const emulatorTitle = "Emulated Contentstack"

// A page is a whole document.
type page struct {
	title   string   // what stands before emulatorTitle in the browser's title; empty: nothing
	scripts []string // files of the folder pages
	body    h.Group  // attributes and content of the body
}

// document returns the page as HTML.
func (p page) document() []byte {
	title := emulatorTitle
	if p.title != "" {
		title = p.title + " – " + emulatorTitle
	}
	return h.Render(h.HTML(h.Lang("en"),
		h.Head(
			h.Meta(h.Charset("utf-8")),
			h.Meta(h.Name("viewport"), h.Content("width=device-width, initial-scale=1")),
			h.Meta(h.Name("color-scheme"), h.Content("light dark")),
			h.Title(h.Text(title)),
			h.Link(h.Rel("stylesheet"), h.Href("/_emulator/style.css")),
			h.Map(p.scripts, func(file string) h.Node { return h.Script(h.Src("/_emulator/"+file), h.Defer()) }),
		),
		h.Body(p.body),
	))
}

// narrowBody is the body of a page that asks or says one thing. Its name is for tests.
func narrowBody(name string, content ...h.Node) h.Group {
	return h.Group{
		h.Data("page", name),
		h.Header(h.Class("banner"), h.P(h.Strong(h.Text("Emulated Contentstack.")), h.Text(" For tests only"))),
		h.Main(h.Class("card narrow"), h.Group(content)),
		foot(),
	}
}

func foot() h.Node {
	return h.Footer(paragraph("This page belongs to csoauth. It is for tests of clients. It is not Contentstack, and has none of its accounts."))
}

func linkToIndex() h.Node {
	return h.P(h.A(h.Href("/"), h.Text("Findings, log, apps and users of this emulator")))
}

func paragraph(text string) h.Node { return h.P(h.Text(text)) }

func inCode(text string) h.Node { return h.Code(h.Text(text)) }

// lines puts each node on a line of its own. Where text flows, a browser shows a line end as a
// space.
func lines(nodes ...h.Node) h.Group {
	all := h.Group{h.Text("\n")}
	for _, node := range nodes {
		all = append(all, node, h.Text("\n"))
	}
	return all
}

// field is a row of a list of names and values.
func field(name string, values ...h.Node) h.Node {
	return h.Div(h.Dt(h.Text(name)), h.Group(values))
}

func codeField(name, value string) h.Node { return field(name, h.Dd(inCode(value))) }

// mapOr is h.Map, or else what to show if there is nothing to map.
func mapOr[T any](all []T, show func(T) h.Node, none h.Node) h.Node {
	if len(all) == 0 {
		return none
	}
	return h.Map(all, show)
}

// joined shows all with commas between them, or else the text none.
func joined[T any](all []T, show func(T) h.Node, none string) (nodes h.Group) {
	if len(all) == 0 {
		return h.Group{h.Text(none)}
	}
	for i, one := range all {
		if i > 0 {
			nodes = append(nodes, h.Text(", "))
		}
		nodes = append(nodes, show(one))
	}
	return nodes
}

// choose returns yes or no.
func choose(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}

func appName(name string) string { return cmp.Or(name, "unknown client") }
