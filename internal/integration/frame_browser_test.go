package integration_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/csoauthtest"
)

// TestFrameExample has a person log in at examples/frame, in a frame of another site: in a browser
// as it comes, and in one that blocks the cookies of other sites.
func TestFrameExample(t *testing.T) {
	t.Parallel()
	program := buildProgram(t, "./examples/frame")
	for name, flags := range map[string][]chromedp.ExecAllocatorOption{
		"as it comes":           nil,
		"no third-party cookie": {chromedp.Flag("test-third-party-cookie-phaseout", true)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newChrome(t, flags...)
			server := csoauthtest.NewServer(t, nil)
			redirectURI, err := url.Parse(freeRedirectURI(t))
			require.NoError(t, err)
			server.Config(redirectURI.String())
			app := "http://" + redirectURI.Host
			site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				fmt.Fprintf(w, `<!doctype html><title>Site</title><body data-page="site"><iframe src="%s/" width="600" height="300"></iframe>`, app)
			}))
			defer site.Close()
			startProgram(t, os.Stderr, program, "-listen", redirectURI.Host, "-contentstack", server.URL, "-site", site.URL)
			awaitServer(t, app)

			b := c.anyTab()
			b.logIn(server, asAda)
			b.open(site.URL) // 127.0.0.1 and localhost are two sites
			b.await("site")
			frame := b.other("iframe", app+"/")
			before := len(b.targets("page"))
			frame.clickHere("button")
			window := b.other("page", server.URL+"/apps/")
			window.await("consent")
			window.clickHere(allow)
			frame.awaitTrue(`document.querySelector("p").textContent === "Hello, Ada Lovelace"`)
			for end := time.Now().Add(pageWait); len(b.targets("page")) > before; time.Sleep(20 * time.Millisecond) {
				require.True(t, time.Now().Before(end), "the window stays open")
			}
		})
	}
}

// targets returns the URLs of the pages or frames that the browser shows, by their IDs.
func (b *tab) targets(kind string) map[string]string {
	b.t.Helper()
	all, err := chromedp.Targets(b.ctx)
	require.NoError(b.t, err)
	found := map[string]string{}
	for _, target := range all {
		if target.Type == kind {
			found[string(target.TargetID)] = target.URL
		}
	}
	return found
}

// other waits for another page, or a frame of another site, whose URL begins so.
func (b *tab) other(kind, prefix string) *tab {
	b.t.Helper()
	for end := time.Now().Add(pageWait); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		all, err := chromedp.Targets(b.ctx)
		require.NoError(b.t, err)
		for _, target := range all {
			if target.Type == kind && strings.HasPrefix(target.URL, prefix) {
				other := &tab{t: b.t}
				ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithTargetID(target.TargetID), chromedp.WithListener(other.listen))
				other.ctx = ctx
				b.t.Cleanup(cancel)
				require.NoError(b.t, chromedp.Do(ctx))
				return other
			}
		}
	}
	require.Fail(b.t, "there is no such page", "%s at %s", kind, prefix)
	return nil
}

// clickHere clicks with the mouse on something that leads to no other page of this tab.
func (b *tab) clickHere(css string) {
	b.t.Helper()
	x, y := b.aim(css)
	b.do(chromedp.MouseClickXY(x, y))
}

// awaitServer waits until a server responds.
func awaitServer(t *testing.T, address string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	require.Eventually(t, func() bool {
		req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, address, nil)
		if err != nil {
			return false
		}
		resp, err := client.Do(req)
		return err == nil && resp.Body.Close() == nil
	}, time.Minute, 20*time.Millisecond, "the server does not respond")
}
