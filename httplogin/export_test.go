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
func (h *Handlers) Seal(request *csoauth.AuthRequest, returnTo string) *http.Cookie {
	return h.seal(request, returnTo)
}

// ExchangesUnderWay returns how many there are.
func (h *Handlers) ExchangesUnderWay() int {
	h.exchanges.mu.Lock()
	defer h.exchanges.mu.Unlock()
	return h.exchanges.underWay
}

// Remembered returns of how many exchanges something is known, and how many tokens are kept.
func (h *Handlers) Remembered() (exchanges, tokens int) {
	h.exchanges.mu.Lock()
	defer h.exchanges.mu.Unlock()
	return max(len(h.exchanges.byState), len(h.exchanges.byCode)), h.exchanges.tokens
}
