package loopback

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/contentstack/csoauth"
)

// An Attempt is a login without listener and browser.
type Attempt struct{ l *login }

func NewAttempt(ctx context.Context, c *csoauth.Config, o *Options) (*Attempt, error) {
	l, err := newLogin(ctx, c, o)
	if err != nil {
		return nil, err
	}
	l.uri = l.uris[0]
	return &Attempt{l}, l.begin(0)
}

func (a *Attempt) State() string         { return a.l.request.State }
func (a *Attempt) Verifier() string      { return string(a.l.request.Verifier) }
func (a *Attempt) Handler() http.Handler { return a.l }

// Pasted reads what a user pasted.
func (a *Attempt) Pasted(line string) (url.Values, string) { return a.l.pasted(line) }

// PastedLines reads what a user pasted as two lines.
func (a *Attempt) PastedLines(first, second string) (url.Values, string) {
	begun := ""
	if a.l.isBeginning(first) {
		begun = first
	}
	return a.l.pasted(a.l.joined(begun, second))
}

// Decided reports whether the login is over, and how.
func (a *Attempt) Decided() (bool, error) {
	if !a.l.isDecided() {
		return false, nil
	}
	return true, a.l.err
}

// Expires is when the attempt ends.
func (a *Attempt) Expires() time.Time { return a.l.request.Expires }

// Linger waits as Login does before it returns.
func (a *Attempt) Linger() { a.l.linger() }

// Listen listens as Login does, and returns which redirect URI that is.
func (a *Attempt) Listen(ctx context.Context) ([]net.Listener, int, error) {
	listeners, chosen, leave, err := a.l.takePort(ctx, newTerminal(io.Discard))
	if err == nil {
		leave()
	}
	return listeners, chosen, err
}

// Await waits as Login does, with a terminal on which lines can be written over, if it is live.
func (a *Attempt) Await(ctx context.Context, out io.Writer, live, colour, typed bool, failed func() error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, a.l.o.Timeout, ErrTimeout)
	defer cancel()
	t := &terminal{out: out, live: live, colour: colour, typed: typed}
	t.invite("https://app.example/#!/apps/a/authorize", "")
	a.l.await(ctx, t, failed, nil)
	return a.l.err
}

// Pastes are lines that are pasted.
type Pastes = pastes

func NewPastes() *Pastes { return newPastes() }

// Lines takes them, and More says that another one is asked for.
func (p *pastes) Lines() chan<- string  { return p.lines }
func (p *pastes) More() <-chan struct{} { return p.more }

// AwaitPasted waits as Login does, and takes the lines that are pasted meanwhile.
func (a *Attempt) AwaitPasted(ctx context.Context, out io.Writer, p *Pastes) error {
	ctx, cancel := a.l.limit(ctx)
	defer cancel()
	a.l.await(ctx, &terminal{out: out, typed: true}, once(nil), p)
	return a.l.err
}

// NoContainer has no test be in a container.
func NoContainer() { containerFiles = nil }

// Advice is what the text says of a browser elsewhere.
func (a *Attempt) Advice(pastes bool, published string) string {
	return a.l.whereBrowserIs(a.l.uri).advice(a.l.uri.Port(), pastes, published)
}

// ListenAt listens at a redirect URI.
func ListenAt(ctx context.Context, redirectURI string, listen func(context.Context, string) (net.Listener, error)) ([]net.Listener, error) {
	u, err := parseRedirectURI(redirectURI)
	if err != nil {
		return nil, err
	}
	return listenAt(ctx, u, listen)
}

// Serve serves until end is called.
func Serve(listener net.Listener, handler http.Handler) (end func()) {
	return serve([]net.Listener{listener}, handler).end
}

// TerminalOf returns what a terminal can do.
func TerminalOf(out io.Writer) (live, colour bool) {
	t := newTerminal(out)
	return t.live, t.colour
}

// Left returns how many reads outlived their Login.
func Left() (n int) {
	leftReads.Range(func(any, any) bool { n++; return true })
	return n
}

// Lines are those of a Reader.
type Lines struct{ l lines }

func LinesOf(in io.Reader) *Lines { return &Lines{lines{in: in}} }

func (l *Lines) Next(ctx context.Context) (string, error) { return l.l.next(ctx) }
func (l *Lines) Finish()                                  { l.l.finish() }

var IsAnswered = isAnswered
