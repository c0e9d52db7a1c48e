package loopback

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/contentstack/csoauth"
)

// An Attempt is a login without listener and browser.
type Attempt struct{ l *login }

func NewAttempt(c *csoauth.Config, o *Options) (*Attempt, error) {
	l, err := newLogin(context.Background(), c, o)
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

// Decided reports whether the login is over, and how.
func (a *Attempt) Decided() (bool, error) {
	if !a.l.isDecided() {
		return false, nil
	}
	return true, a.l.err
}

// Await waits as Login does, with a terminal on which lines can be written over.
func (a *Attempt) Await(ctx context.Context, out io.Writer, colour bool, failed func() error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, a.l.o.Timeout, ErrTimeout)
	defer cancel()
	t := &terminal{out: out, live: true, colour: colour}
	t.invite("https://app.example/#!/apps/a/authorize")
	a.l.await(ctx, t, failed)
	return a.l.err
}

var (
	ReadLine   = readLine
	IsAnswered = isAnswered
)
