package main

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/emulator"
)

// The documentation names these addresses, so the screenshots show them.
const (
	emulatorURL = "http://127.0.0.1:8484"
	appURL      = "http://localhost:8184"
	redirectURI = appURL + "/callback"
)

// begin is when each emulator starts, by its own clock.
var begin = time.Date(2026, time.January, 15, 9, 30, 0, 0, time.UTC)

// A clock goes on by two seconds with each request of a client, and not by itself.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(2 * time.Second)
}

// startEmulator starts a new emulator, which behaves as "csoauth emulate" does.
func startEmulator() (e *emulator.Emulator, stop func(), err error) {
	c := &clock{now: begin}
	options := emulator.Realistic()
	options.Now = c.Now
	if e, err = emulator.New(options); err != nil {
		return nil, nil, err
	}
	stop, err = serve(emulatorURL, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/_emulator/") { // the page looks each second
			c.tick()
		}
		e.ServeHTTP(w, r)
	}))
	return e, stop, err
}

// serve serves a handler at the port of an address, on 127.0.0.1.
func serve(address string, handler http.Handler) (stop func(), err error) {
	port := address[strings.LastIndex(address, ":"):]
	listener, err := net.Listen("tcp", "127.0.0.1"+port)
	if err != nil {
		return nil, fmt.Errorf("%w: the screenshots show this port, so it has to be free", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // until Close
	}()
	return func() {
		server.Close()
		<-done
	}, nil
}

// config is that of an app which the emulator knows.
func config() *csoauth.Config {
	app := emulator.DefaultApp()
	return &csoauth.Config{
		AppUID: app.UID, ClientID: app.ClientID, RedirectURI: redirectURI, AuthorizeRoute: csoauth.RoutePath,
		Endpoints: map[csoauth.Region]csoauth.Endpoints{csoauth.NA: csoauth.OneHost(emulatorURL)},
	}
}
