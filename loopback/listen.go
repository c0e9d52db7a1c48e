package loopback

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// parseRedirectURI returns a redirect URI as a browser writes it, with its port. It refuses one at
// which no program on this machine can listen. It is valid otherwise.
func parseRedirectURI(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" || len(addresses(u.Hostname())) == 0 {
		return nil, fmt.Errorf("redirect URI %q is not http on localhost, 127.0.0.1 or [::1]: register one, such as http://localhost:8184/callback", text)
	}
	port, err := strconv.ParseUint(cmp.Or(u.Port(), "80"), 10, 16)
	if err != nil {
		return nil, err
	}
	host := strings.ToLower(u.Hostname())
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.String()
	}
	u.Host = net.JoinHostPort(host, strconv.FormatUint(port, 10))
	u.Path, u.RawPath = cmp.Or(u.Path, "/"), cmp.Or(u.RawPath, u.Path)
	if segments := u.Path + "/"; strings.Contains(segments, "/./") || strings.Contains(segments, "/../") {
		return nil, fmt.Errorf("redirect URI %q: its path has . or .., which browsers remove: register one without them", text)
	}
	return u, nil
}

// addresses returns the loopback addresses that a browser may use for a host. It may use either for
// localhost and for the names under it (RFC 6761, 6.3), so both must be ours.
func addresses(host string) []netip.Addr {
	host = strings.ToLower(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsLoopback() && ip.Zone() == "" {
		return []netip.Addr{ip}
	}
	return nil
}

// listenAt listens on every address of a redirect URI that this machine has. If one is taken, the
// port counts as taken: a browser might send the code there.
func listenAt(ctx context.Context, u *url.URL, listen listenFunc) (listeners []net.Listener, err error) {
	defer func() {
		if err != nil {
			closeAll(listeners)
			listeners = nil
		}
	}()
	var lacking []error
	for _, ip := range addresses(u.Hostname()) {
		at := net.JoinHostPort(ip.String(), u.Port())
		if runtime.GOOS != "linux" && isAnswered(ctx, at) {
			return listeners, inUse(at)
		}
		listener, err := listen(ctx, at)
		switch {
		case err == nil:
			listeners = append(listeners, listener)
		case isLacking(err):
			lacking = append(lacking, err) // a machine without IPv6, or without IPv4
		case isInUse(err):
			return listeners, inUse(at)
		case isRefused(err):
			return listeners, refused(at, err)
		default:
			return listeners, err
		}
	}
	if len(listeners) == 0 {
		return nil, errors.Join(lacking...)
	}
	return listeners, nil
}

type listenFunc func(ctx context.Context, at string) (net.Listener, error)

func listenTCP(ctx context.Context, at string) (net.Listener, error) {
	return (&net.ListenConfig{Control: exclusive}).Listen(ctx, "tcp", at)
}

func inUse(at string) error {
	return fmt.Errorf("%w: another program listens at %s: end it (it may be another login), or offer another redirect URI", ErrPortInUse, at)
}

// isAnswered reports whether a program listens at an address. Except on Linux, we can listen at an
// address although another program listens on all interfaces.
func isAnswered(ctx context.Context, at string) bool {
	conn, err := (&net.Dialer{Timeout: 200 * time.Millisecond}).DialContext(ctx, "tcp", at)
	if err != nil {
		return false
	}
	_ = conn.Close() // nothing was sent
	return true
}

func closeAll(listeners []net.Listener) {
	for _, listener := range listeners {
		_ = listener.Close() // it has accepted nothing that could be lost
	}
}
