package integration_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/integration/chromium"
)

// pageWait is how long a page may take to appear; a machine that does other things too needs some
// of it.
const pageWait = 2 * time.Minute

// A chrome is a browser without a window, where nobody has been yet. It can reach this machine
// only.
type chrome struct {
	t   *testing.T
	ctx context.Context
}

// newChrome returns a browser for a test. With flags, which come on top of those that every one of
// them has, it is a process of its own. Without, it is a context of its own in the process that all
// tests share, because each start takes seconds: it shares no cookies, no storage and no cache with
// the others.
func newChrome(t *testing.T, flags ...chromedp.ExecAllocatorOption) *chrome {
	t.Helper()
	if len(flags) > 0 {
		ctx, end := startChromium(t, flags...)
		t.Cleanup(end)
		return &chrome{t, ctx}
	}
	ctx, end := chromedp.NewContext(sharedBrowser.shared(t), chromedp.WithNewBrowserContext())
	t.Cleanup(end)
	require.NoError(t, chromedp.Do(ctx), "the browser does not open another context")
	return &chrome{t, ctx}
}

// sharedBrowser is the process that tests share.
var sharedBrowser sharedChromium

type sharedChromium struct {
	mu  sync.Mutex
	ctx context.Context // nil: it does not run
	end func()
}

// shared starts the process if it does not run yet.
func (c *sharedChromium) shared(t *testing.T) context.Context {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx == nil {
		c.ctx, c.end = startChromium(t)
	}
	return c.ctx
}

// stop ends the process, if it runs.
func (c *sharedChromium) stop() {
	if c.ctx != nil {
		c.end()
	}
}

// startChromium starts a browser with an empty profile, and returns what ends it.
func startChromium(t *testing.T, flags ...chromedp.ExecAllocatorOption) (ctx context.Context, end func()) {
	t.Helper()
	ctx, end, err := chromium.Start(flags...)
	if errors.Is(err, chromium.ErrNotFound) {
		skipSuite(t, err.Error())
	}
	require.NoError(t, err, "the browser does not start")
	return ctx, end
}

// A tab is one of a browser's. It remembers what a developer would see in red in its console.
type tab struct {
	t   *testing.T
	ctx context.Context

	left int // how many pages were left behind

	mu         sync.Mutex
	complaints []string
	refused    []string            // URL prefixes of documents that may have a status of 400 or more
	answers    []*network.Response // to each request for a document, redirects too
}

// tab opens a new one. At the end of the test it must have nothing to complain of.
func (c *chrome) tab() *tab {
	t := c.t
	t.Helper()
	b := c.anyTab()
	t.Cleanup(func() {
		assert.Empty(t, b.complained(), "what the console shows in red")
	})
	return b
}

// anyTab opens a new tab that may complain.
func (c *chrome) anyTab() *tab {
	t := c.t
	t.Helper()
	b := &tab{t: t}
	ctx, cancel := chromedp.NewContext(c.ctx, chromedp.WithListener(b.listen))
	b.ctx = ctx
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, audits.Enable, cdp.Empty{})
		return err
	})))
	return b
}

// listen collects the complaints. It must not call the browser.
func (b *tab) listen(event any) {
	complaint := ""
	var answer *network.Response
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		complaint = "exception: " + e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			complaint += " " + e.ExceptionDetails.Exception.Description
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			complaint = fmt.Sprintf("console.%s", e.Type)
			for _, arg := range e.Args {
				complaint += " " + cmp.Or(string(arg.Value), arg.Description)
			}
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && !b.mayFail(e.Entry) {
			complaint = fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *audits.EventIssueAdded:
		if csp := e.Issue.Details.ContentSecurityPolicyIssueDetails; csp != nil {
			complaint = fmt.Sprintf("Content-Security-Policy: %s violates %s", csp.BlockedURL, csp.ViolatedDirective)
		}
	case *network.EventRequestWillBeSent:
		if !ofThisMachine(e.Request.URL) {
			complaint = "third-party content: " + e.Request.URL
		}
		if e.Type == network.ResourceTypeDocument {
			answer = e.RedirectResponse
		}
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument {
			answer = e.Response
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if complaint != "" {
		b.complaints = append(b.complaints, complaint)
	}
	if answer != nil {
		b.answers = append(b.answers, answer)
	}
}

func ofThisMachine(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "127.0.0.1" || u.Hostname() == "localhost")
}

// mayFail tells whether a failed request is none of the page's doing.
func (b *tab) mayFail(entry *log.Entry) bool {
	u, err := url.Parse(entry.URL)
	if err != nil || entry.Source != log.EntrySourceNetwork {
		return false
	}
	if u.Path == "/favicon.ico" {
		return strings.Contains(entry.Text, "status of 404")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Contains(entry.Text, "status of ") && slices.ContainsFunc(b.refused, func(prefix string) bool {
		return strings.HasPrefix(entry.URL, prefix)
	})
}

// mayRefuse lets documents at such URLs have a status of 400 or more, which the console tells as an
// error.
func (b *tab) mayRefuse(prefix string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused = append(b.refused, prefix)
}

// complained returns the complaints so far.
func (b *tab) complained() []string {
	evaluate[int](b, "0") // what the page did before has been told when this has
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.complaints)
}

// answer returns the last response to a request for a document at such a URL.
func (b *tab) answer(prefix string) *network.Response {
	b.t.Helper()
	evaluate[int](b, "0") // as above
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, answer := range slices.Backward(b.answers) {
		if strings.HasPrefix(answer.URL, prefix) {
			return answer
		}
	}
	require.Fail(b.t, "nothing was requested at "+prefix)
	return nil
}

// do runs actions that do not take long.
func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, pageWait)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		require.NoError(b.t, err, "at %s", b.where())
	}
}

// evaluate returns the value of JavaScript. The page's Content-Security-Policy does not bind it.
func evaluate[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := tryEvaluate[T](b, expression, pageWait)
	if err != nil {
		require.NoError(b.t, err, "at %s", b.where())
	}
	return v
}

// tryEvaluate waits at most this long. While a page of another site follows, the browser holds
// JavaScript back until that has come.
func tryEvaluate[T any](b *tab, expression string, wait time.Duration) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, wait)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// pollWait is how long one of many looks at a page may take.
const pollWait = 10 * time.Second

// where describes the page for a failure, without the URL's query, where codes stand. Call it after
// a failure only: see tryEvaluate.
func (b *tab) where() string {
	where, err := tryEvaluate[string](b, `location.origin + location.pathname + " " + (document.body ? document.body.innerText : "")`, pollWait)
	if err != nil {
		return err.Error()
	}
	return where
}

// leave marks the page that is about to be left, so that await does not take it for the next one.
func (b *tab) leave() {
	b.t.Helper()
	b.left++
	evaluate[bool](b, fmt.Sprintf(`document.documentElement.dataset.left = %d, true`, b.left))
}

// open goes to an address as if it was typed.
func (b *tab) open(address string) {
	b.t.Helper()
	b.leave()
	ctx, cancel := context.WithTimeout(b.ctx, pageWait)
	defer cancel()
	_, err := chromedp.Run(ctx, func(ctx context.Context, target *chromedp.Target) (page.NavigateResult, error) {
		return cdp.Call(ctx, target, page.Navigate, page.NavigateParams{URL: address, TransitionType: page.TransitionTypeTyped})
	})
	require.NoError(b.t, err)
}

// click clicks with the mouse on something that leads to another page. chromedp's own Click does
// not find its way in a page that came back out of the browser's history.
func (b *tab) click(css string) {
	b.t.Helper()
	x, y := b.aim(css)
	b.leave()
	b.do(chromedp.MouseClickXY(x, y))
}

// aim returns where to click on an element.
func (b *tab) aim(css string) (x, y float64) {
	b.t.Helper()
	at := evaluate[struct {
		X, Y float64
		Hit  bool
	}](b, fmt.Sprintf(`(() => {
		const e = document.querySelector(%q);
		if (!e) return {X: 0, Y: 0, Hit: false};
		e.scrollIntoView({block: "center", behavior: "instant"});
		const box = e.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
		return {X: x, Y: y, Hit: e.contains(document.elementFromPoint(x, y))};
	})()`, css))
	if !at.Hit {
		require.Fail(b.t, "nobody could click on "+css, "at %s", b.where())
	}
	return at.X, at.Y
}

// choose chooses an option.
func (b *tab) choose(css, value string) {
	b.t.Helper()
	chosen := evaluate[string](b, fmt.Sprintf(`(() => {
		const e = document.querySelector(%q);
		e.value = %q;
		e.dispatchEvent(new Event("change", {bubbles: true}));
		return e.value;
	})()`, css, value))
	require.Equal(b.t, value, chosen)
}

// press presses keys that lead to another page.
func (b *tab) press(keys string) {
	b.t.Helper()
	b.leave()
	b.do(chromedp.KeyEvent(keys))
}

// reload loads the page again.
func (b *tab) reload() {
	b.t.Helper()
	b.leave()
	ctx, cancel := context.WithTimeout(b.ctx, pageWait)
	defer cancel()
	_, err := chromedp.Run(ctx, func(ctx context.Context, target *chromedp.Target) (cdp.Empty, error) {
		return cdp.Call(ctx, target, page.Reload, page.ReloadParams{})
	})
	require.NoError(b.t, err)
}

// back goes back in the history.
func (b *tab) back() {
	b.t.Helper()
	entries, current := b.history()
	require.Positive(b.t, current, "there is no page to go back to")
	b.leave()
	ctx, cancel := context.WithTimeout(b.ctx, pageWait)
	defer cancel()
	_, err := chromedp.Run(ctx, func(ctx context.Context, target *chromedp.Target) (cdp.Empty, error) {
		return cdp.Call(ctx, target, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: entries[current-1].ID})
	})
	require.NoError(b.t, err)
}

// history returns where the tab has been, and which of these it is at.
func (b *tab) history() (entries []*page.NavigationEntry, current int) {
	b.t.Helper()
	entries, current, err := b.tryHistory()
	require.NoError(b.t, err)
	return entries, current
}

// tryHistory is history. It fails between two pages.
func (b *tab) tryHistory() (entries []*page.NavigationEntry, current int, err error) {
	ctx, cancel := context.WithTimeout(b.ctx, pageWait)
	defer cancel()
	got, err := chromedp.Run(ctx, func(ctx context.Context, target *chromedp.Target) (page.GetNavigationHistoryResult, error) {
		return cdp.Call(ctx, target, page.GetNavigationHistory, cdp.Empty{})
	})
	return got.Entries, int(got.CurrentIndex), err
}

// await waits until the tab shows the next page, and that is one of these names. It returns which.
func (b *tab) await(names ...string) string {
	b.t.Helper()
	return b.awaitNext("document.body.dataset.page", names)
}

// awaitHeading is await for pages that tell their names in a heading only.
func (b *tab) awaitHeading(headings ...string) string {
	b.t.Helper()
	return b.awaitNext(`document.querySelector("h1")?.innerText`, headings)
}

// awaitNext waits for the next page, whose name JavaScript tells.
func (b *tab) awaitNext(name string, names []string) string {
	b.t.Helper()
	expression := fmt.Sprintf(`document.readyState == "complete" && document.documentElement.dataset.left != %d && (%s) || ""`, b.left, name)
	last := ""
	for end := time.Now().Add(pageWait); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		got, err := tryEvaluate[string](b, expression, pollWait) // fails while one page follows another
		if err == nil && slices.Contains(names, got) {
			return got
		}
		if err == nil && got != "" {
			last = got
		}
	}
	require.Fail(b.t, "another page is shown", "want one of %q, got %q at %s", names, last, b.where())
	return ""
}

// awaitTrue waits until JavaScript is true on the page that the tab shows.
func (b *tab) awaitTrue(expression string) {
	b.t.Helper()
	for end := time.Now().Add(pageWait); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok, err := tryEvaluate[bool](b, expression, pollWait); err == nil && ok {
			return
		}
	}
	require.Fail(b.t, "the page does not come to it", "%s at %s", expression, b.where())
}

// text returns the text of an element, as it is shown.
func (b *tab) text(css string) string {
	b.t.Helper()
	return evaluate[string](b, fmt.Sprintf(`(document.querySelector(%q) || {innerText: "there is no %s"}).innerText.trim()`, css, css))
}

// count returns how many elements there are.
func (b *tab) count(css string) int {
	b.t.Helper()
	return evaluate[int](b, fmt.Sprintf(`document.querySelectorAll(%q).length`, css))
}

// The harness itself has to see what it is there for.
func TestConsoleComplaintsAreSeen(t *testing.T) {
	t.Parallel()
	c := newChrome(t)
	for _, test := range []struct{ name, html, complaint string }{
		{"exception", `<script>nobody.there()</script>`, "exception: Uncaught ReferenceError: nobody is not defined"},
		{"rejection", `<script>Promise.reject(new Error("why"))</script>`, "exception: Uncaught (in promise) Error: why"},
		{"console", `<script>console.error("oh", 1)</script>`, `console.error "oh" 1`},
		{"missing", `<img src="/missing" alt="">`, "network: Failed to load resource: the server responded with a status of 404"},
		{"policy", `<p style="color: red">`, "Content-Security-Policy:  violates style-src-attr"},
		{"third party", `<img src="http://third-party.example/x.png" alt="">`, "third-party content: http://third-party.example/x.png"},
		{"nothing", `<script>console.log("all is well")</script>`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/" {
					http.NotFound(w, r)
					return
				}
				w.Header().Set("Content-Security-Policy", "style-src 'none'")
				fmt.Fprint(w, `<!doctype html><title>Test</title><body data-page="test">`+test.html)
			}))
			defer server.Close()
			b := (&chrome{t, c.ctx}).anyTab()
			b.open(server.URL)
			b.await("test")
			complaints := strings.Join(b.complained(), "\n")
			if test.complaint == "" {
				assert.Empty(t, complaints)
			}
			assert.Contains(t, complaints, test.complaint)
		})
	}
}

// cookie returns a cookie of the page.
func (b *tab) cookie(name string) *network.Cookie {
	b.t.Helper()
	for _, c := range b.cookies() {
		if c.Name == name {
			return c
		}
	}
	require.Fail(b.t, "there is no cookie "+name)
	return nil
}

// cookies returns the cookies that the browser would send to these addresses. Without any it is the
// page's.
func (b *tab) cookies(addresses ...string) []*network.Cookie {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, pageWait)
	defer cancel()
	got, err := chromedp.Run(ctx, func(ctx context.Context, target *chromedp.Target) (network.GetCookiesResult, error) {
		return cdp.Call(ctx, target, network.GetCookies, network.GetCookiesParams{URLs: addresses})
	})
	require.NoError(b.t, err)
	return got.Cookies
}

// forget deletes a cookie that the browser would send to this address.
func (b *tab) forget(name, address string) {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, network.DeleteCookies, network.DeleteCookiesParams{Name: name, URL: address})
		return err
	}))
}
