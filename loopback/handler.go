package loopback

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/landing"
)

const (
	// lingering is how long the browser has to fetch the page that says how the login went. It does
	// so at once, unless there is a busy machine or a tunnel in between.
	lingering = 5 * time.Second
	// hurrying is how long it has if the caller waits for the end.
	hurrying = time.Second
	// closing is how long responses under way have to finish then.
	closing = 250 * time.Millisecond
)

// ServeHTTP serves requests to the redirect URI. They come from the user's browser, but also from
// other programs on this machine, and from web pages that make the browser send them.
func (l *login) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	landing.Protect(w.Header())
	if !l.isHere(r) {
		http.Error(w, "nothing is here", http.StatusNotFound)
		return
	}
	if !landing.Visited(w, r) {
		return
	}
	callback, err := csoauth.ParseCallback(r.URL.RawQuery)
	switch {
	case err == nil && l.isOurs(callback):
		l.come(callback, true)
		landing.Redirect(w, "http://"+r.Host+l.path()) // without the query: the code leaves the address bar, and no history has it
	case err == nil && l.isDecided() && !callback.Has("state"):
		if page, status := l.page(); page.Good && l.o.SuccessURL != "" {
			landing.Redirect(w, l.o.SuccessURL)
		} else {
			landing.Write(w, status, page.HTML())
		}
		l.show.Do(func() { close(l.shown) })
	default:
		landing.Write(w, http.StatusBadRequest, l.otherPage().HTML())
	}
}

// isHere reports whether r asks for the redirect URI, by the name that it has there. A web page
// that wants to read our responses uses another name that leads to this machine.
func (l *login) isHere(r *http.Request) bool { return l.isAt(r.Host, r.URL.EscapedPath()) }

func (l *login) isAt(host, path string) bool {
	host = strings.ToLower(host)
	if l.uri.Port() == "80" && !strings.HasSuffix(host, ":80") {
		host += ":80"
	}
	return host == l.uri.Host && cmp.Or(path, "/") == l.path()
}

// path is that of the redirect URI.
func (l *login) path() string { return l.uri.EscapedPath() }

// A site is the server of one login.
type site struct {
	*http.Server
	serving sync.WaitGroup
}

func serve(listeners []net.Listener, handler http.Handler) *site {
	s := &site{Server: &http.Server{
		Handler:                      handler,
		ReadHeaderTimeout:            10 * time.Second,
		MaxHeaderBytes:               64 << 10,
		DisableGeneralOptionsHandler: true,                       // OPTIONS * is a stray request, too
		ErrorLog:                     log.New(io.Discard, "", 0), // whatever a scanner does is not for the user's terminal
	}}
	for _, listener := range listeners {
		s.serving.Go(func() { _ = s.Serve(listener) }) // until end
	}
	return s
}

// end lets responses under way finish, and leaves nothing behind.
func (s *site) end() {
	patience, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	if err := s.Shutdown(patience); errors.Is(err, context.DeadlineExceeded) { // a browser keeps connections in reserve
		_ = s.Close()
	}
	s.serving.Wait()
}
