package emulator

import (
	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// badAuthorizeURL is the title of an error page that a client's authorize URL leads to.
const badAuthorizeURL = "This authorize URL does not work"

func errorPage(title, rule string) g.Node {
	return page{title: title, body: narrowBody("error",
		h.H1(g.Text(title)),
		h.P(h.Class("note"), h.ID("rule"), g.Text(rule)),
		g.If(title == badAuthorizeURL, paragraph("Nothing was sent to the app. Correct what the message names, and open the address again.")),
		linkToIndex(),
	)}
}
