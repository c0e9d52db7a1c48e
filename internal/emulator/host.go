package emulator

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// servesHost reports whether the emulator serves requests with that Host header. It must not serve
// every host: the owner of a domain can point it at 127.0.0.1 (DNS rebinding), and the scripts of
// that site could then read the log and log in.
func (e *Emulator) servesHost(header string) bool {
	host := canonicalHost((&url.URL{Host: header}).Hostname())
	return isLoopback(host) || slices.Contains(e.hosts, host)
}

// refuseHost responds to a request for a host that the emulator does not serve.
func (e *Emulator) refuseHost(w http.ResponseWriter, r *http.Request) {
	e.log.begin(r).end(http.StatusMisdirectedRequest,
		fmt.Sprintf("refused: the host %.100q is not served without --allow-host", r.Host))
	http.Error(w, fmt.Sprintf("The emulator does not serve the host %.100q. Use localhost, or allow that name with "+
		"the flag --allow-host (in a Go test: csoauthtest.Options.AllowHosts).", r.Host), http.StatusMisdirectedRequest)
}

// isLoopback reports whether a canonical host is this machine: localhost, a name under it (RFC
// 6761, section 6.3), or a loopback address.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}

// canonicalHost returns an IP address in its usual form, without brackets, and a name in lower
// case.
func canonicalHost(host string) string {
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return ip.String()
	}
	return strings.ToLower(host)
}

// canBeAllowed reports whether host is an IP address or looks like a name.
func canBeAllowed(host string) bool {
	if _, err := netip.ParseAddr(canonicalHost(host)); err == nil {
		return true
	}
	return host != "" && !strings.ContainsFunc(host, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._", r))
	})
}
