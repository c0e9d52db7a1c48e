// Package bearer decides which requests get an access token, and what a 401 says about it. It keeps
// nothing and sends nothing.
package bearer

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// IsFirstOrigin reports whether req, and each request that led to it by redirects, goes to the
// scheme, host and port of the first of them. Only such a request may have the token: a chain that
// has left its first origin is in others' hands, also when it comes back. A redirect of which
// nobody says what request led to it is not.
//
// Each response must name, in its Request, the request as the caller of the RoundTripper knows it.
func IsFirstOrigin(req *http.Request) bool {
	for hop := req; hop.Response != nil; {
		before := hop.Response.Request
		if before == nil || before.URL == nil || !sameOrigin(before.URL, req.URL) {
			return false
		}
		hop = before
	}
	return true
}

func sameOrigin(a, b *url.URL) bool {
	return a == b || strings.EqualFold(a.Scheme, b.Scheme) && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case strings.EqualFold(u.Scheme, "https"):
		return "443"
	}
	return "80"
}

// IsSecure reports whether what is sent to u is encrypted, or stays on this machine. The name
// localhost counts only as net/http knows it: in capitals, a proxy of the environment would see it.
func IsSecure(u *url.URL) bool {
	if strings.EqualFold(u.Scheme, "https") {
		return true
	}
	return strings.EqualFold(u.Scheme, "http") && isLoopback(u.Hostname())
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Takes reports whether one of hosts is that of u. They are as [csoauth.Config.HostsFor] returns
// them: "api.contentstack.io", or with a port that is not the scheme's.
func Takes(hosts []string, u *url.URL) bool {
	return slices.ContainsFunc(hosts, func(host string) bool {
		if strings.EqualFold(host, u.Host) {
			return true
		}
		name, number := split(host)
		return strings.EqualFold(name, u.Hostname()) && (number == port(u) || number == "" && port(u) == port(&url.URL{Scheme: u.Scheme}))
	})
}

// Hosts are further hosts that may get a token, as an option names them: host or host:port. One of
// this machine without a port stands for all of its ports.
type Hosts []string

// CheckHosts says which of hosts cannot be one of [Hosts], and why.
func CheckHosts(hosts []string) error {
	for _, host := range hosts {
		if err := checkHost(host); err != nil {
			return fmt.Errorf("%q is no host or host:port: %w", host, err)
		}
	}
	return nil
}

func checkHost(host string) error {
	u, err := url.Parse("https://" + host)
	switch {
	case host == "":
		return errors.New("it is empty")
	case strings.ContainsRune(host, '*'):
		return errors.New("there are no wildcards: name each host")
	case err != nil || u.Host != host || u.Hostname() == "" || strings.HasSuffix(host, ":"):
		return errors.New("leave out scheme, path and user, and write an IPv6 address in brackets")
	}
	return nil
}

// Take is [Takes] for hosts of an option.
func (h Hosts) Take(u *url.URL) bool {
	return Takes(h, u) || slices.ContainsFunc(h, func(host string) bool {
		name, number := split(host)
		return number == "" && isLoopback(name) && name == u.Hostname()
	})
}

// split returns host and port; no port: "". It is net.SplitHostPort without an error, which would
// be made for each request.
func split(host string) (name, number string) {
	name = host
	if colon := strings.LastIndexByte(host, ':'); colon > strings.LastIndexByte(host, ']') {
		name, number = host[:colon], host[colon+1:]
	}
	return strings.Trim(name, "[]"), number
}

// With returns a copy of h in which value is the one Authorization header, in whatever case others
// are written. A change of the copy, or an append to a value of it, does not change h.
func With(h http.Header, value []string) http.Header {
	sent := maps.Clone(h)
	if sent == nil {
		sent = http.Header{}
	}
	for name, values := range sent {
		switch {
		case strings.EqualFold(name, "Authorization"):
			delete(sent, name)
		case cap(values) > len(values):
			sent[name] = slices.Clip(values)
		}
	}
	sent["Authorization"] = value
	return sent
}
