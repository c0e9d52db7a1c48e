package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/landing"
	"github.com/contentstack/csoauth/internal/probe"
	"github.com/contentstack/csoauth/internal/turn"
)

// A door is where the browser comes back to during a probe. Package loopback is not enough for
// that: it takes only a callback with the state of its login, and hands over none. A probe wants to
// see what comes back, also without a state.
type door struct {
	uri    *url.URL
	server *http.Server
	done   sync.WaitGroup
	leave  func()

	mu      sync.Mutex
	waiting *probe.Visit
	comes   chan url.Values
}

// openDoor listens at a redirect URI, on each loopback address that a browser may use for it.
func openDoor(ctx context.Context, redirectURI string) (*door, error) {
	u, err := url.Parse(redirectURI)
	if err != nil || u.Scheme != "http" || len(loopbackAddresses(u.Hostname())) == 0 {
		return nil, usage(fmt.Errorf("the redirect URI %q is not http on this machine: register one for the app, such as http://localhost:8184/callback", redirectURI))
	}
	d := &door{uri: u, comes: make(chan url.Values, 1), leave: func() {}}
	port := cmp.Or(u.Port(), "80")
	if folder, err := turn.Folder(); err == nil {
		leave, free, err := turn.New(folder, "port-"+port).Try(turn.Holder{Program: "csoauth probe", PID: os.Getpid(), Since: time.Now().Truncate(time.Second)})
		switch {
		case err == nil && !free:
			return nil, fmt.Errorf("another login waits at port %s: let it end first", port)
		case err == nil:
			d.leave = leave
		}
	}
	listeners, err := listenAtAll(ctx, loopbackAddresses(u.Hostname()), port)
	if err != nil {
		d.leave()
		return nil, err
	}
	d.server = &http.Server{Handler: d, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10, ErrorLog: log.New(io.Discard, "", 0)}
	for _, listener := range listeners {
		d.done.Go(func() { _ = d.server.Serve(listener) }) // until close
	}
	return d, nil
}

// loopbackAddresses returns the addresses that a browser may use for a host of this machine. It may
// use either for localhost (RFC 6761, section 6.3).
func loopbackAddresses(host string) []string {
	if host = strings.ToLower(host); host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return []string{"127.0.0.1", "::1"}
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsLoopback() && ip.Zone() == "" {
		return []string{ip.String()}
	}
	return nil
}

// listenAtAll listens on each address that this machine has. If one is taken, another program might
// get the code.
func listenAtAll(ctx context.Context, addresses []string, port string) (listeners []net.Listener, err error) {
	var failed error
	for _, address := range addresses {
		at := net.JoinHostPort(address, port)
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", at)
		switch {
		case err == nil:
			listeners = append(listeners, listener)
		case isInUse(err):
			for _, l := range listeners {
				l.Close()
			}
			return nil, fmt.Errorf("another program listens at %s: end it, or use a redirect URI with another port", at)
		default: // a machine without IPv6, or without IPv4
			failed = err
		}
	}
	if len(listeners) == 0 {
		return nil, failed
	}
	return listeners, nil
}

// close ends the door, and leaves nothing behind.
func (d *door) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := d.server.Shutdown(ctx); err != nil {
		d.server.Close() // a browser keeps connections in reserve
	}
	d.done.Wait()
	d.leave()
}

// expect says which visit the next callback is to be of. One that came too late for the visit
// before is dropped.
func (d *door) expect(v *probe.Visit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting = v
	select {
	case <-d.comes:
	default:
	}
}

// ServeHTTP takes a callback of the visit that is under way. No history has the query of one that
// is not: every request is sent on to the same page.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	landing.Protect(w.Header())
	if !d.isHere(r) {
		http.Error(w, "nothing is here", http.StatusNotFound)
		return
	}
	if !landing.Visited(w, r) {
		return
	}
	if r.URL.RawQuery != "" {
		if callback, err := csoauth.ParseCallback(r.URL.RawQuery); err == nil {
			d.take(callback)
		}
		landing.Redirect(w, "http://"+r.Host+d.uri.EscapedPath())
		return
	}
	landing.Write(w, http.StatusOK, landing.Page{
		Name: "probe", Good: true, Title: "Go back to the terminal", Text: []string{"csoauth probe goes on there. You can close this page."},
	}.HTML())
}

// isHere reports whether a request asks for the redirect URI by its name.
func (d *door) isHere(r *http.Request) bool {
	host := strings.TrimSuffix(strings.ToLower(r.Host), ":80")
	return host == strings.TrimSuffix(strings.ToLower(d.uri.Host), ":80") && cmp.Or(r.URL.EscapedPath(), "/") == cmp.Or(d.uri.EscapedPath(), "/")
}

// take hands a callback over if it is of the visit under way. A denial may come without its state.
func (d *door) take(callback url.Values) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v := d.waiting
	if v == nil || !slices.Equal(callback["state"], []string{v.State}) && !(v.Deny && callback.Has("error") && !callback.Has("state")) {
		return
	}
	d.waiting = nil
	d.comes <- callback // it has room: expect has seen to that
}
