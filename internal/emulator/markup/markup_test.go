package markup_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	h "github.com/contentstack/csoauth/internal/emulator/markup"
)

func TestMarkup(t *testing.T) {
	const hostile = `"'><script>&amp;`
	for want, node := range map[string]h.Node{
		`<p></p>`:                                      h.P(),
		`<p class="a b">x<b>y</b></p>`:                 h.P(h.Text("x"), h.Class("a b"), h.B(h.Text("y"))),
		`<br>`:                                         h.Br(),
		`<input type="hidden" value="">`:               h.Input(h.Type("hidden"), h.Value("")),
		`<details open></details>`:                     h.Details(h.Open()),
		`<ul data-n="1" aria-label="l"></ul>`:          h.Ul(h.Group{h.Data("n", "1"), h.Aria("label", "l")}),
		`<li>a</li><li>b</li>`:                         h.Map([]string{"a", "b"}, func(s string) h.Node { return h.Li(h.Text(s)) }),
		`<p>yes</p>`:                                   h.P(h.If(true, h.Text("yes")), h.If(false, h.Class("no")), h.If(false, h.Text("no")), h.Group(nil)),
		`<p>&#34;&#39;&gt;&lt;script&gt;&amp;amp;</p>`: h.P(h.Text(hostile)),
		`<p id="&#34;&#39;&gt;&lt;script&gt;&amp;amp;"></p>`: h.P(h.ID(hostile)),
	} {
		require.Equal(t, "<!doctype html>"+want, string(h.Render(node)))
	}
}
