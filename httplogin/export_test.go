package httplogin

var CheckReturnTo = checkReturnTo

// ExchangesUnderWay returns how many there are.
func (l *Login) ExchangesUnderWay() int {
	l.exchanges.mu.Lock()
	defer l.exchanges.mu.Unlock()
	return len(l.exchanges.underWay)
}
