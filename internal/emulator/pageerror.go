package emulator

import (
	h "github.com/contentstack/csoauth/internal/emulator/markup"
)

// badAuthorizeURL is the title of an error page that a client's authorize URL leads to.
const badAuthorizeURL = "This authorize URL does not work"

func errorPage(title, rule string) page {
	return page{title: title, body: narrowBody("error",
		h.H1(h.Text(title)),
		h.P(h.Class("note"), h.ID("rule"), h.Text(rule)),
		h.If(title == badAuthorizeURL, paragraph("Nothing was sent to the app. Fix what the message names, and open the address again.")),
		linkToIndex(),
	)}
}
