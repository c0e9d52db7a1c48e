package loopback

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
)

// parseRedirectURI refuses a redirect URI at which no program on this machine can listen. It is valid otherwise.
func parseRedirectURI(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" || len(addresses(u.Hostname())) == 0 {
		return nil, fmt.Errorf("redirect URI %q is not http on localhost, 127.0.0.1 or [::1]: register one, such as http://localhost:8184/callback", text)
	}
	return u, nil
}

// addresses returns the loopback addresses that a browser may use for a host. It may use either for localhost, so both must be ours.
func addresses(host string) []netip.Addr {
	if host == "localhost" {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsLoopback() && ip.Zone() == "" {
		return []netip.Addr{ip}
	}
	return nil
}

// listen listens at the first redirect URI whose port is free, and returns which that is.
func (l *login) listen(ctx context.Context) (listeners []net.Listener, chosen int, err error) {
	var errs []error
	for i, u := range l.uris {
		listeners, err := listenAt(ctx, u)
		if err == nil {
			return listeners, i, nil
		}
		errs = append(errs, err)
		if !errors.Is(err, ErrPortInUse) {
			break
		}
	}
	return nil, 0, errors.Join(errs...)
}

// listenAt listens on every address of a redirect URI that this machine has. One that is taken makes the whole port taken: a
// browser might go there, with the code.
func listenAt(ctx context.Context, u *url.URL) (listeners []net.Listener, err error) {
	port, err := strconv.ParseUint(portOf(u), 10, 16)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			closeAll(listeners)
			listeners = nil
		}
	}()
	var lacking []error
	for _, ip := range addresses(u.Hostname()) {
		at := netip.AddrPortFrom(ip, uint16(port))
		listener, err := (&net.ListenConfig{Control: exclusive}).Listen(ctx, "tcp", at.String())
		switch {
		case err == nil:
			listeners = append(listeners, listener)
		case isLacking(err):
			lacking = append(lacking, err) // a machine without IPv6, or without IPv4
		case isInUse(err):
			return listeners, fmt.Errorf("%w: somebody else listens at %v", ErrPortInUse, at)
		default:
			return listeners, err
		}
	}
	if len(listeners) == 0 {
		return nil, errors.Join(lacking...)
	}
	return listeners, nil
}

func portOf(u *url.URL) string { return cmp.Or(u.Port(), "80") }

func closeAll(listeners []net.Listener) {
	for _, listener := range listeners {
		_ = listener.Close() // it has accepted nothing that could be lost
	}
}
