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
	return l.exchanges.underWay
}

// Remembered returns of how many exchanges something is known, and how many tokens are kept.
func (l *Login) Remembered() (exchanges, tokens int) {
	l.exchanges.mu.Lock()
	defer l.exchanges.mu.Unlock()
	return max(len(l.exchanges.byState), len(l.exchanges.byCode)), l.exchanges.tokens
}
