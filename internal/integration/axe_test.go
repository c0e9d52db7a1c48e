package integration_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// axeSource is the script of axe-core, which finds what keeps people with disabilities out of a
// page.
func axeSource(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("axe", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		skipSuite(t, "axe: run `make setup` or install Node.js 20 and run `npm ci` in internal/integration/axe")
	}
	return string(source)
}

// An axeFinding is a rule that a page breaks, or may break, and where.
type axeFinding struct {
	ID, Impact, Help string
	Nodes            []struct {
		Target         []any
		FailureSummary string
	}
}

func (f axeFinding) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s (%s): %s", f.ID, f.Impact, f.Help)
	for _, n := range f.Nodes {
		fmt.Fprintf(&s, "\n  %v: %s", n.Target, strings.ReplaceAll(n.FailureSummary, "\n", "\n    "))
	}
	return s.String()
}

// looks are the ways in which each page is looked at.
var looks = []struct {
	scheme string
	width  int64
}{{"light", 1280}, {"dark", 1280}, {"light", 320}, {"dark", 320}}

// look sets the colour scheme and the window.
func (b *tab) look(scheme string, width int64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, 800), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
		})
		return err
	}))
}

// assertAccessible checks the page as it is shown now, in every look.
func (b *tab) assertAccessible(axe string) {
	b.t.Helper()
	evaluate[bool](b, axe+"\n;true") // not from a <script>, so the page's policy does not forbid it
	for _, l := range looks {
		b.look(l.scheme, l.width)
		where := fmt.Sprintf("%s, %s, %d px", evaluate[string](b, "document.body.dataset.page || document.title"), l.scheme, l.width)
		found := evaluate[struct{ Violations, Incomplete []axeFinding }](b, `axe.run(document, {preload: false, resultTypes: ["violations", "incomplete"]})
			.then(r => ({Violations: r.violations, Incomplete: r.incomplete}))`)
		for _, f := range found.Violations {
			assert.Fail(b.t, where, "%s", f)
		}
		for _, f := range found.Incomplete {
			b.t.Logf("%s: axe cannot tell: %s", where, f)
		}
		assert.LessOrEqual(b.t, evaluate[int64](b, "document.documentElement.scrollWidth"), l.width, "%s: one has to scroll sideways", where)
		dark := evaluate[bool](b, `(() => {
			const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number);
			return r + g + b < 3 * 128;
		})()`)
		assert.Equal(b.t, l.scheme == "dark", dark, "%s: the background's brightness", where)
	}
	b.look("light", 1280)
}

func TestPagesAreAccessible(t *testing.T) {
	axe := axeSource(t)
	b, app, server := newPages(t, append(faultyFindings, "repeated-parameter", "state-reused")...)
	b.mayRefuse(server.URL + "/apps/")
	b.mayRefuse(server.URL + "/no/such/page")

	b.open(server.URL)
	b.await("index")
	b.assertAccessible(axe) // with an empty log
	hash := app.authorizeURL(hashShape, "")
	b.open(hash)
	b.await("login")
	b.assertAccessible(axe)
	b.click(asAda)
	b.await("index")
	b.open(server.URL + "/?lost=1")
	b.await("index")
	require.Equal(t, 1, b.count("#lost"))
	b.assertAccessible(axe)
	b.open(hash)
	b.await("consent")
	b.assertAccessible(axe)
	b.click(allow)
	b.assertUser(ada, press)
	b.open(strings.Replace(hash, "user", "nobody", 1) + "&redirect_uri=http%3A%2F%2Fanother.example%2F" + strings.Repeat("long", 40))
	b.await("error")
	b.assertAccessible(axe)
	sendFaulty(t, server, 30)
	b.open(server.URL)
	b.await("index")
	evaluate[bool](b, `document.querySelectorAll("details").forEach(row => row.open = true), true`)
	b.assertAccessible(axe) // with findings and a log of all sorts
	b.open(server.URL + "/no/such/page")
	b.await("error")
	b.assertAccessible(axe)

	b.open(server.URL + "/login")
	b.await("login")
	b.click(asAlan)
	b.await("index")
	b.open(app.authorizeURL(pathShape, ""))
	b.await("consent") // with a single organization
	b.assertAccessible(axe)
}
