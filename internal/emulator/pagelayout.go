package emulator

import (
	"cmp"
	"io"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// The pages write what comes from outside with g.Text and g.Attr, which escape it, and never with
// g.Raw. They check no URL: every href, src and action begins with a text of the emulator's own.

const emulatorTitle = "Emulated Contentstack"

// A page is a whole document.
type page struct {
	title   string   // what stands before emulatorTitle in the browser's title; empty: nothing
	scripts []string // files of the folder pages
	body    g.Group  // attributes and content of the body
}

// Render makes a page a g.Node.
func (p page) Render(w io.Writer) error {
	title := emulatorTitle
	if p.title != "" {
		title = p.title + " – " + emulatorTitle
	}
	return h.Doctype(h.HTML(h.Lang("en"),
		h.Head(
			h.Meta(h.Charset("utf-8")),
			h.Meta(h.Name("viewport"), h.Content("width=device-width, initial-scale=1")),
			h.Meta(h.Name("color-scheme"), h.Content("light dark")),
			h.TitleEl(g.Text(title)),
			h.Link(h.Rel("stylesheet"), h.Href("/_emulator/style.css")),
			g.Map(p.scripts, func(file string) g.Node { return h.Script(h.Src("/_emulator/"+file), h.Defer()) }),
		),
		h.Body(p.body),
	)).Render(w)
}

// narrowBody is the body of a page that asks or says one thing. Its name is for tests.
func narrowBody(name string, content ...g.Node) g.Group {
	return g.Group{
		h.Data("page", name),
		h.Header(h.Class("banner"), h.P(h.Strong(g.Text("Emulated Contentstack.")), g.Text(" For tests; no real account"))),
		h.Main(h.Class("narrow"), g.Group(content)),
		foot(),
	}
}

func foot() g.Node {
	return h.Footer(paragraph("This page is csoauth’s, for tests of clients. It is not Contentstack and knows none of its accounts."))
}

func linkToIndex() g.Node {
	return h.P(h.A(h.Href("/"), g.Text("Findings, log, apps and users of this emulator")))
}

func paragraph(text string) g.Node { return h.P(g.Text(text)) }

func inCode(text string) g.Node { return h.Code(g.Text(text)) }

// lines puts each node on a line of its own. Where text flows, a browser shows a line end as a
// blank.
func lines(nodes ...g.Node) g.Group {
	all := g.Group{g.Text("\n")}
	for _, node := range nodes {
		all = append(all, node, g.Text("\n"))
	}
	return all
}

// field is a row of a list of names and values.
func field(name string, values ...g.Node) g.Node {
	return h.Div(h.Dt(g.Text(name)), g.Group(values))
}

func codeField(name, value string) g.Node { return field(name, h.Dd(inCode(value))) }

// mapOr is g.Map, or else what to show if there is nothing to map.
func mapOr[T any](all []T, show func(T) g.Node, none g.Node) g.Node {
	if len(all) == 0 {
		return none
	}
	return g.Map(all, show)
}

// joined shows all with commas between them, or else the text none.
func joined[T any](all []T, show func(T) g.Node, none string) (nodes g.Group) {
	if len(all) == 0 {
		return g.Group{g.Text(none)}
	}
	for i, one := range all {
		if i > 0 {
			nodes = append(nodes, g.Text(", "))
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
