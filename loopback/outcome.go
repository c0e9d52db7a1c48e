package loopback

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"
	"sync"

	"github.com/contentstack/csoauth"
)

// An outcome is the result of a login. It is decided once: by a callback, or because no callback
// came.
type outcome struct {
	decide  sync.Once
	decided chan struct{} // closed when the rest is there
	token   *csoauth.Token
	err     error
	seen    bool // a browser brought the callback, and is to be told

	show  sync.Once
	shown chan struct{} // closed when the page has told it
}

// isOurs reports whether a callback has the state of this attempt. No other callback may end it.
func (l *login) isOurs(callback url.Values) bool {
	states := callback["state"]
	return len(states) == 1 && subtle.ConstantTimeCompare([]byte(states[0]), []byte(l.request.State)) == 1
}

// come exchanges the code of a callback that is ours. A second callback waits for the first, and
// changes nothing. The caller's context ends the exchange. The timeout does not: the user was in
// time. seen: a browser waits for what comes of it.
func (l *login) come(callback url.Values, seen bool) {
	l.decide.Do(func() {
		defer close(l.decided)
		ctx, cancel := context.WithTimeout(l.caller, exchangeTimeout)
		defer cancel()
		l.err = errPanicked
		l.token, l.err = l.config.Exchange(ctx, l.request, callback)
		l.seen = seen
		if gone := l.caller.Err(); l.err != nil && gone != nil && !errors.Is(l.err, gone) {
			l.err = fmt.Errorf("%w: %w", gone, l.err) // net/http returns the cause alone
		}
	})
}

// errPanicked stays if the Config's Transport panics, which a server's handler survives.
var errPanicked = errors.New("the exchange of the code panicked")

// giveUp ends a login whose context has ended. If a code is being exchanged, that decides,
// and giveUp waits for it.
func (l *login) giveUp(ctx context.Context) {
	l.decide.Do(func() {
		l.err = ended(ctx)
		close(l.decided)
	})
}

// isDecided reports whether the outcome is known.
func (l *login) isDecided() bool {
	select {
	case <-l.decided:
		return true
	default:
		return false
	}
}
