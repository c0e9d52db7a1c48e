package httplogin

import (
	"net/http"

	"github.com/contentstack/csoauth"
)

var (
	CheckReturnTo = checkReturnTo
	ErrReturnTo   = errReturnTo
)

// Seal returns the cookie of an attempt, whose returnTo is not checked.
func (l *Login) Seal(request *csoauth.AuthRequest, returnTo string) *http.Cookie {
	return l.seal(request, returnTo)
}

// ExchangesUnderWay returns how many there are.
func (l *Login) ExchangesUnderWay() int {
	l.exchanges.mu.Lock()
	defer l.exchanges.mu.Unlock()
	return len(l.exchanges.underWay)
}

type (
	Exchanges = exchanges
	Exchange  = exchange
)

func (x *exchanges) Join(state string, trade func() (*csoauth.Token, error)) *exchange {
	return x.join(state, trade)
}

func (x *exchanges) Leave(state string, e *exchange) { x.leave(state, e) }

func (e *exchange) Trade() (*csoauth.Token, error) { return e.trade() }
