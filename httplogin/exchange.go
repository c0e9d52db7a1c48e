package httplogin

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/contentstack/csoauth"
)

const (
	exchangeTimeout = 45 * time.Second // of a code, which lives a minute
	maxExchanges    = 64               // under way at a time
	maxOutcomes     = 1000             // kept with their tokens
	outcomeLifetime = time.Minute      // for which a callback may come again
)

// ErrBusy: Callback did not begin to exchange the code, because too many exchanges are running. The
// attempt is not over. Let the user reload the page within the minute that a code lives.
var ErrBusy = errors.New("too many logins at once")

// exchange trades the code of a callback. If the same callback came before, in the last minute or
// just now, its outcome is shared: browsers and proxies repeat a request whose connection broke,
// users reload a page that is slow to come, and a code that is sent twice may cost the token that
// came of it (RFC 6749, section 4.1.2). A browser that hangs up must not cost that token either, so
// ctx lends its values only.
func (h *Handlers) exchange(ctx context.Context, request *csoauth.AuthRequest, callback url.Values) (*csoauth.Token, error) {
	code := callback.Get("code")
	if code == "" || callback.Has("error") {
		return h.Config.Exchange(ctx, request, callback) // says why it sends nothing
	}
	e, isNew, err := h.exchanges.begin(request.State, code)
	if err != nil {
		return nil, err
	}
	if isNew {
		e.run(func() (*csoauth.Token, error) {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exchangeTimeout)
			defer cancel()
			return h.Config.Exchange(ctx, request, callback)
		})
	}
	return e.outcome()
}

// exchanges are those of one process that are under way, and the outcomes of those that ended
// lately.
type exchanges struct {
	mu       sync.Mutex
	underWay int
	byState  map[hash]*exchange // by hashes, because fmt may print them
	byCode   map[hash]*exchange
	ended    []*exchange // in the order in which they ended
	tokens   int         // how many of them have a token
	without  int         // how many at the beginning have none
	forget   *time.Timer // nil: nothing has ended
}

type hash [sha256.Size]byte

type exchange struct {
	of          *exchanges
	state, code hash
	done        chan struct{} // closed when the outcome is known
	token       *csoauth.Token
	err         error
	until       time.Time // when the outcome is forgotten
}

// begin returns the exchange of a code in an attempt. This is the existing exchange, or a new one
// that the caller must run.
func (x *exchanges) begin(state, code string) (e *exchange, isNew bool, err error) {
	e = &exchange{of: x, state: sha256.Sum256([]byte(state)), code: sha256.Sum256([]byte(code)), done: make(chan struct{})}
	x.mu.Lock()
	defer x.mu.Unlock()
	known := x.byState[e.state]
	switch {
	case known != nil && known.code == e.code:
		return known, false, nil
	case known != nil:
		return nil, false, fmt.Errorf("%w: the attempt was already used with another code", csoauth.ErrState)
	case x.byCode[e.code] != nil:
		return nil, false, fmt.Errorf("%w: this code was already used with another attempt", csoauth.ErrState)
	case x.underWay >= maxExchanges:
		return nil, false, ErrBusy
	}
	if x.byState == nil {
		x.byState, x.byCode = map[hash]*exchange{}, map[hash]*exchange{}
	}
	x.byState[e.state], x.byCode[e.code] = e, e
	x.underWay++
	return e, true, nil
}

var errPanicked = errors.New("the exchange of the code panicked")

// run finds the outcome out.
func (e *exchange) run(trade func() (*csoauth.Token, error)) {
	e.err = errPanicked // unless trade returns
	defer close(e.done)
	defer e.end()
	e.token, e.err = trade()
}

// outcome waits for what comes of the exchange.
func (e *exchange) outcome() (*csoauth.Token, error) {
	<-e.done
	e.of.mu.Lock()
	defer e.of.mu.Unlock()
	return e.token, e.err
}

// end keeps the outcome for a minute if the code was sent. Otherwise the callback may come again.
func (e *exchange) end() {
	x := e.of
	x.mu.Lock()
	defer x.mu.Unlock()
	x.underWay--
	if !wasSent(e.err) {
		delete(x.byState, e.state)
		delete(x.byCode, e.code)
		return
	}
	e.until = time.Now().Add(outcomeLifetime)
	x.ended = append(x.ended, e)
	if e.token != nil {
		x.tokens++
	}
	if x.tokens > maxOutcomes {
		x.dropToken()
	}
	if x.forget == nil {
		x.forget = time.AfterFunc(outcomeLifetime, x.expire)
	}
}

// errForgotten is the outcome of a code that was sent before, and whose real outcome is no longer
// known.
var errForgotten = fmt.Errorf("%w: its code was exchanged before", csoauth.ErrAttemptExpired)

// dropToken forgets the oldest token. That its code was sent stays known. x.mu is held.
func (x *exchanges) dropToken() {
	for ; x.without < len(x.ended); x.without++ {
		if e := x.ended[x.without]; e.token != nil {
			e.token, e.err = nil, errForgotten
			x.tokens--
			return
		}
	}
}

// expire forgets the outcomes whose time is over.
func (x *exchanges) expire() {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := time.Now()
	for len(x.ended) > 0 && !now.Before(x.ended[0].until) {
		e := x.ended[0]
		x.ended[0], x.ended = nil, x.ended[1:]
		delete(x.byState, e.state)
		delete(x.byCode, e.code)
		if e.token != nil {
			x.tokens--
		}
		x.without = max(0, x.without-1)
	}
	if len(x.ended) == 0 {
		x.ended, x.forget = nil, nil
		return
	}
	x.forget = time.AfterFunc(x.ended[0].until.Sub(now), x.expire)
}

// wasSent reports whether a code may have been sent, by what its exchange returned.
func wasSent(err error) bool {
	return !errors.Is(err, csoauth.ErrNotSent) && !errors.Is(err, csoauth.ErrState) && !errors.Is(err, csoauth.ErrAttemptExpired)
}
