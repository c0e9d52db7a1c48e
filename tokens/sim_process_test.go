package tokens_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// A simReplica is a machine: at most one process at a time, and a wall clock.
type simReplica struct {
	n       int
	off     atomic.Int64 // of the wall clock, in nanoseconds
	process *simProcess  // nil: none runs; guarded by sim.mu
	starts  int
}

// A simProcess is one run of a program on a replica. Its Manager reaches the world through the
// process's Store and RoundTripper alone, and those wait while the process is paused, and fail once
// it is dead.
type simProcess struct {
	s       *sim
	replica *simReplica
	name    string
	began   time.Duration
	m       *tokens.Manager

	mu     sync.Mutex
	dead   bool
	cut    chan struct{} // closed when the process is killed or paused: its calls are cut
	resume chan struct{} // not nil while it is paused, and closed at its end
	cuts   []simSpan     // when it was paused or dead
	logins map[string]*tokens.Login
	looked map[string]time.Duration // by key, when the store last told it of the key

	rejections map[string][]time.Duration // by key, when the API said 401; guarded by the server's mutex
}

// A simSpan is a time from and to, since the beginning; to is forever while it lasts.
type simSpan struct{ from, to time.Duration }

const simForever = time.Duration(1 << 62)

var errSimKilled = errors.New("the process is dead")

// start runs a new process on r.
func (s *sim) start(r *simReplica) {
	r.starts++
	p := &simProcess{s: s, replica: r, name: fmt.Sprintf("r%d.%d", r.n, r.starts), began: s.now(), cut: make(chan struct{}), logins: map[string]*tokens.Login{}, looked: map[string]time.Duration{}, rejections: map[string][]time.Duration{}}
	config := &csoauth.Config{AppUID: "app", ClientID: "client", RedirectURI: simRedirect, HTTPClient: &http.Client{Transport: p}}
	m, err := tokens.New(simRefresher{config, p}, simStoreOf{s.store, p}, &tokens.Options{
		Hosts: []string{simAPIHost}, // for the users of both regions
		Lease: s.profile.lease, Recheck: s.profile.recheck, MaxCached: simCached, MaxRefreshesPerHost: s.profile.places,
		OnEvent: func(e tokens.Event) { p.tell("event %v", e) },
	})
	if err != nil {
		panic(err)
	}
	random := func(key string) float64 { return float64(s.random(1<<53, "jitter", p.name, key)) / (1 << 53) }
	hash := func(key string) uint64 { return s.hash("hash", p.name, key) }
	m.Simulate(func() time.Duration { return time.Duration(r.off.Load()) }, random, hash)
	p.m = m
	s.mu.Lock()
	r.process = p
	s.mu.Unlock()
	s.trace.add(s.now(), "%s starts", p.name)
}

const (
	simRedirect = "http://localhost:8184/callback"
	simCached   = 8 // of 12 users
)

// kill ends the process at once. Its Manager goes on in a world where every call fails, which
// nobody sees.
func (p *simProcess) kill() {
	p.mu.Lock()
	if p.dead {
		p.mu.Unlock()
		return
	}
	p.dead = true
	p.endPauseLocked()
	p.cutLocked()
	p.mu.Unlock()
	p.s.trace.add(p.s.now(), "%s is killed", p.name)
	p.s.spawn(func() { _ = p.m.Close() }) // its goroutines must end
}

// tell adds to the trace what the process says, while it lives.
func (p *simProcess) tell(format string, args ...any) {
	p.mu.Lock()
	dead := p.dead
	p.mu.Unlock()
	if !dead {
		p.s.trace.add(p.s.now(), p.name+" "+format, args...)
	}
}

// login returns the Login of a key, which the process keeps.
func (p *simProcess) login(key string) *tokens.Login {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.logins[key] == nil {
		p.logins[key] = p.m.For(key)
	}
	return p.logins[key]
}

// stop ends the process as it should be ended.
func (p *simProcess) stop() {
	p.mu.Lock()
	p.cuts = append(p.cuts, simSpan{p.s.now(), simForever})
	p.mu.Unlock()
	p.tell("has closed: %v", p.m.Close())
	time.Sleep(time.Millisecond) // those who waited for what has just ended get it
	p.kill()
}

// pause stops the process for d.
func (p *simProcess) pause(d time.Duration) {
	p.mu.Lock()
	if p.dead || p.resume != nil {
		p.mu.Unlock()
		return
	}
	resume := make(chan struct{})
	p.resume = resume
	p.cutLocked()
	p.mu.Unlock()
	p.s.trace.add(p.s.now(), "%s is paused", p.name)
	p.s.spawn(func() {
		select {
		case <-time.After(d):
		case <-resume: // killed meanwhile
			return
		}
		p.s.trace.add(p.s.now(), "%s goes on", p.name)
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.resume == resume {
			p.endPauseLocked()
			p.cut = make(chan struct{})
		}
	})
}

func (p *simProcess) cutLocked() {
	p.cuts = append(p.cuts, simSpan{p.s.now(), simForever})
	select {
	case <-p.cut:
	default:
		close(p.cut)
	}
}

func (p *simProcess) endPauseLocked() {
	if p.resume != nil {
		close(p.resume)
		p.resume = nil
		p.cuts[len(p.cuts)-1].to = p.s.now()
	}
}

// ran reports whether the process ran all the time from then until now.
func (p *simProcess) ran(from time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.cuts {
		if c.to >= from {
			return false
		}
	}
	return true
}

// enter is how each call into the world begins: not while the process is paused.
func (p *simProcess) enter(ctx context.Context) error {
	for {
		p.mu.Lock()
		dead, resume := p.dead, p.resume
		p.mu.Unlock()
		switch {
		case dead:
			return errSimKilled
		case resume == nil:
			return ctx.Err()
		}
		<-resume
	}
}

// sleep lets d pass in a call, unless ctx ends or the process is cut.
func (p *simProcess) sleep(ctx context.Context, d time.Duration) error {
	p.mu.Lock()
	cut := p.cut
	p.mu.Unlock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-cut:
		if err := p.enter(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		return errors.New("the call was cut")
	}
}

// simRefresher is a Config on a machine with a clock of its own.
type simRefresher struct {
	*csoauth.Config
	p *simProcess
}

func (r simRefresher) Refresh(ctx context.Context, t *csoauth.Token) (*csoauth.Token, error) {
	token, err := r.Config.Refresh(ctx, t)
	off := time.Duration(r.p.replica.off.Load())
	if token != nil && !token.Expiry.IsZero() {
		token.Expiry = token.Expiry.Add(off)
	}
	return token, err
}
