package loopback

import (
	"context"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/browser"
)

// loginByBrowser listens before anything else happens: when the browser opens, nobody else can be at the redirect URI.
func (l *login) loginByBrowser(ctx context.Context) error {
	listeners, chosen, err := l.listen(ctx)
	if err != nil {
		return err
	}
	if err := l.begin(chosen); err != nil {
		closeAll(listeners)
		return err
	}
	l.uri = l.uris[chosen]
	server := serve(listeners, l)
	defer server.end()
	t := newTerminal(l.o.Out)
	address := l.config.AuthorizeURL(l.request)
	t.invite(address)
	failed, release := l.open(ctx, t, address)
	defer release()
	l.await(ctx, t, failed)
	l.linger()
	return l.err
}

// linger lets the browser fetch the page that says how the login went, if it came back at all.
func (l *login) linger() {
	if !l.seen {
		return
	}
	select {
	case <-l.shown:
	case <-time.After(lingering):
	}
}

// open opens the browser. It returns a function that tells whether that has failed since, and one that lets go of it.
func (l *login) open(ctx context.Context, t *terminal, address string) (failed func() error, release func()) {
	failed, release = func() error { return nil }, func() {}
	var err error
	if l.o.OpenBrowser != nil {
		err = l.o.OpenBrowser(ctx, address)
	} else {
		var process *browser.Process
		if process, err = browser.Open(address); err == nil {
			failed, release = process.Failed, process.Release
		}
	}
	if err != nil {
		t.sayNotOpened(err)
	}
	return failed, release
}

// hintAfter is when the terminal says what may have gone wrong.
const hintAfter = 30 * time.Second

// await waits until the outcome is known, or ctx ends.
func (l *login) await(ctx context.Context, t *terminal, failed func() error) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	hint := time.NewTimer(hintAfter)
	defer hint.Stop()
	defer t.rewrite("")
	deadline, _ := ctx.Deadline()
	for {
		t.waiting(time.Until(deadline))
		select {
		case <-l.decided:
			return
		case <-ctx.Done():
			l.giveUp(ctx)
			return
		case <-hint.C:
			if l.config.AuthorizeRoute == csoauth.RouteHash {
				t.hint()
			}
		case <-tick.C:
			if err := failed(); err != nil {
				t.sayNotOpened(err)
			}
		}
	}
}
