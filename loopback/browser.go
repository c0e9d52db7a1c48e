package loopback

import (
	"context"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/browser"
)

// loginByBrowser listens before anything else happens: when the browser opens, no other program can
// be at the redirect URI.
func (l *login) loginByBrowser(ctx context.Context) error {
	t := newTerminal(l.o.Out)
	listeners, chosen, leave, err := l.takePort(ctx, t)
	if err != nil {
		return err
	}
	defer leave()
	if err := l.begin(chosen); err != nil {
		closeAll(listeners)
		return err
	}
	ctx, cancel := l.limit(l.caller) // anew: the wait for the port was not the user's
	defer cancel()
	l.uri = l.uris[chosen]
	server := serve(listeners, l)
	defer server.end()
	pasted, isAway, end := l.readAside(ctx)
	defer end()
	t.typed = pasted != nil
	address := l.config.AuthorizeURL(l.request)
	t.invite(address, l.whereBrowserIs(l.uri).advice(l.uri.Port(), pasted != nil && !isAway, l.o.ListenAt))
	failed, release := l.open(address)
	defer release()
	l.await(ctx, t, failed, pasted)
	end() // what is typed from now on is for the program
	l.linger()
	return l.err
}

// linger lets the browser fetch the page that says how the login went, if it came back at all.
func (l *login) linger() {
	if !l.seen {
		return
	}
	patience := lingering
	if l.caller.Err() != nil {
		patience = hurrying
	}
	select {
	case <-l.shown:
	case <-time.After(patience):
	}
}

// open opens the browser. It returns a function that tells once that this did not work, and one
// that releases the browser.
func (l *login) open(address string) (failed func() error, release func()) {
	if l.o.OpenBrowser == nil {
		process, err := browser.Open(address)
		if err == nil {
			return process.Failed, process.Release
		}
		return once(err), func() {}
	}
	opened := make(chan error, 1)
	go func() { opened <- l.o.OpenBrowser(l.caller, address) }() // one that waits for the user must not keep Login from doing so
	return func() error {
		select {
		case err := <-opened:
			return err
		default:
			return nil
		}
	}, func() {}
}

// once returns a function that returns err the first time.
func once(err error) func() error {
	return func() error {
		told := err
		err = nil
		return told
	}
}

// hintAfter is when the terminal says what may have gone wrong.
const hintAfter = 30 * time.Second

// hintAtRoute says what a user sees who was not logged in.
func (l *login) hintAtRoute(t *terminal) {
	if l.config.AuthorizeRoute == csoauth.RouteHash {
		t.hint()
	}
}

// await waits until the outcome is known, or ctx ends. It takes the lines that are pasted
// meanwhile.
func (l *login) await(ctx context.Context, t *terminal, failed func() error, pasted *pastes) {
	tick := time.NewTicker(time.Second / 4)
	defer tick.Stop()
	hint := time.NewTimer(hintAfter)
	defer hint.Stop()
	defer t.rewrite("")
	deadline, _ := ctx.Deadline()
	hinted := false
	lines := paste{login: l}
	for {
		if err := failed(); err != nil && !hinted { // later it is the end of one that did open
			t.sayNotOpened(err)
		}
		t.waiting(time.Until(deadline))
		select {
		case <-l.decided:
			return
		case <-ctx.Done():
			l.giveUp(ctx)
			return
		case <-hint.C:
			hinted = true
			l.hintAtRoute(t)
		case line := <-pasted.next():
			if !isBlank(line) {
				callback, problem := lines.take(line)
				if problem == "" {
					go l.come(callback, false) // the exchange may take a while, and ctx may end
					break
				}
				t.say("%s", problem)
			}
			if lines.wrong < maxPasted {
				pasted.more <- struct{}{}
			}
		case <-tick.C:
		}
	}
}
