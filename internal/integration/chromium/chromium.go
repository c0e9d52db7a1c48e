// Package chromium starts a browser without a window, for tests and for screenshots.
package chromium

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"time"

	"github.com/chromedp/chromedp"
)

// ErrNotFound: no Chromium and no Google Chrome is installed.
var ErrNotFound = errors.New("chromium: run `make setup` or install Chromium or Google Chrome")

// closeWait is how long a browser may take to close by itself.
const closeWait = 2 * time.Minute

// Start starts a browser with an empty profile. The browser can reach this machine only. The flags
// are added to those that each browser here has. ctx is a context for chromedp. Call end to end the
// browser.
func Start(flags ...chromedp.ExecAllocatorOption) (ctx context.Context, end func(), err error) {
	program := find()
	if program == "" {
		return nil, nil, ErrNotFound
	}
	// The defaults include headless, a new profile in a temporary directory, which goes when the
	// browser has ended, no first run, no background networking and no sync.
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(program),
		chromedp.Flag("no-sandbox", true), // containers and CI machines forbid it
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"),
		chromedp.WindowSize(1280, 900),
	)
	ctx, cancelAllocator := chromedp.NewExecAllocator(context.Background(), append(options, flags...)...)
	ctx, cancel := chromedp.NewContext(ctx)
	end = func() {
		closing, stop := context.WithTimeout(ctx, closeWait)
		defer stop()
		chromedp.Cancel(closing) // in peace, so that it takes its temporary files with it; what stays is killed below
		cancel()
		cancelAllocator()
	}
	if err := chromedp.Do(ctx); err != nil {
		end()
		return nil, nil, err
	}
	return ctx, end, nil
}

// find returns the path of the browser, or "" if there is none.
func find() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
	}
	return ""
}
