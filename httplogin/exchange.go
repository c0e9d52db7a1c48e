package httplogin

import (
	"context"
	"crypto/sha256"
	"net/url"
	"sync"
	"time"

	"github.com/contentstack/csoauth"
)

// exchangeTimeout bounds the exchange of a code, which lives a minute.
const exchangeTimeout = 45 * time.Second

// exchanges are those under way in this process. A user who reloads a page that is slow to come sends the callback again; a code
// that is sent twice may cost the token that came of it (RFC 6749, section 4.1.2).
type exchanges struct {
	mu       sync.Mutex
	underWay map[[sha256.Size]byte]*exchange // by the hash of a state, because fmt may print it
}

type exchange struct {
	trade func() (*csoauth.Token, error)
}

// exchange trades the code of a callback, or waits for the one who does. A browser that hangs up must not cost the token of a code
// that is spent, so its ctx lends its values alone.
func (l *Login) exchange(ctx context.Context, request *csoauth.AuthRequest, callback url.Values) (*csoauth.Token, error) {
	e := l.exchanges.join(request.State, func() (*csoauth.Token, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exchangeTimeout)
		defer cancel()
		return l.Config.Exchange(ctx, request, callback)
	})
	defer l.exchanges.leave(request.State, e)
	return e.trade()
}

// join returns the exchange under way for a state, or else one that trade begins.
func (x *exchanges) join(state string, trade func() (*csoauth.Token, error)) *exchange {
	x.mu.Lock()
	defer x.mu.Unlock()
	key := sha256.Sum256([]byte(state))
	if e := x.underWay[key]; e != nil {
		return e
	}
	if x.underWay == nil {
		x.underWay = map[[sha256.Size]byte]*exchange{}
	}
	e := &exchange{sync.OnceValues(trade)}
	x.underWay[key] = e
	return e
}

// leave forgets an exchange that is over.
func (x *exchanges) leave(state string, e *exchange) {
	x.mu.Lock()
	defer x.mu.Unlock()
	key := sha256.Sum256([]byte(state))
	if x.underWay[key] == e {
		delete(x.underWay, key)
	}
}
