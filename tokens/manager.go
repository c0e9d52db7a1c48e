package tokens

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/bearer"
)

// A Refresher exchanges a Token for a new one, as [*csoauth.Config] does. It must not change the
// Token that it gets. Its context has a deadline. Its errors must be csoauth's errors or wrap them.
// Any error that is neither a [*csoauth.Error] nor a [csoauth.ErrNotSent] means that the refresh
// token may be spent.
//
// A Refresher that wraps a Config should embed it, because a Manager also uses three other methods
// of a Config. HostsFor says where a token may go, TokenURLFor names the endpoint that refreshes
// it, and Validate says what is wrong with the Config.
type Refresher interface {
	Refresh(ctx context.Context, t *csoauth.Token) (*csoauth.Token, error)
}

// Options configure a Manager. A nil *Options means all defaults. Replicas that share a store may
// have different Options.
type Options struct {
	// SoftWindow is how long before its expiry a token is refreshed in the background, while
	// callers get the old one. It is at most a quarter of the token's lifetime. Each key shortens
	// it by a different part, up to half, so that not all users refresh at the same time. With
	// WaitForRefresh it is not shortened, and is at most half of the lifetime. Zero: 10 minutes.
	SoftWindow time.Duration
	// WaitForRefresh makes callers wait for a refresh that is due, instead of returning the old
	// token while it runs. It is for a program that passes the token on and then ends: the old
	// token would soon stop working. If the refresh fails, callers get the old token.
	WaitForRefresh bool
	// Recheck is the maximum age of a cached login. If the cached login is older, its use reads the
	// store in the background. If it is more than twice as old, its use waits for the store, for at
	// most 2 seconds. So if another process replaces or deletes a login, the old one works here for
	// at most twice Recheck plus 2 seconds. This holds while the store responds. Zero: a minute.
	// Negative: the store is read only to refresh.
	Recheck time.Duration
	// Lease is how long a refresh may take, from its first write to the store until the new pair is
	// saved. If the process dies during that time, other processes wait for the end of the lease
	// before they refresh that key. It must be from 1 second to 1 hour. Zero: 30 seconds.
	Lease time.Duration
	// MaxRefreshesPerHost is how many refreshes this process runs at the same time at one token
	// endpoint. The limit is per endpoint so that a region that hangs does not delay another. The
	// Refresher's TokenURLFor method, which a Config has, names the endpoint. Without that method,
	// all refreshes count as one endpoint's. Zero: 64.
	MaxRefreshesPerHost int
	// MaxCached is how many keys are kept in memory. The others are only in the store. Zero:
	// 100,000.
	MaxCached int
	// Hosts are further hosts that get access tokens from [Login.Transport], besides those of the
	// Config for each token. Examples are "api.example.com" and "api.example.com:8443". There are
	// no wildcards. A host of this machine without a port, such as "127.0.0.1", means all of its
	// ports.
	Hosts []string
	// OnEvent is called after each refresh and failure, by several goroutines at the same time. It
	// should return quickly, and must not call Close. Nil: no calls.
	OnEvent func(Event)
	// Logger logs the same events: failed saves as errors, failed refreshes as warnings, ended
	// logins as information, and refreshes as debug messages. Nil: no log.
	Logger *slog.Logger
}

// A Manager keeps users' tokens in a [Store] and returns access tokens that work. It refreshes them
// before they expire. It is safe for concurrent use, and must not be copied. Any number of
// Managers, in any number of processes, may share a store.
//
// A key names one login of one user in one organization. If a user may choose several
// organizations, make the key from both, such as "user/organization". A store cannot list its keys,
// so keep them where you keep your users.
//
// An idle Manager has no goroutine. Close it before the program ends. Otherwise the response to a
// running refresh may be lost.
type Manager struct {
	settings
	refresher Refresher
	store     opener
	locker    Locker                        // the store, if it is one
	clientID  string                        // the Config's; empty: not known
	hostsFor  func(*csoauth.Token) []string // the Refresher's; nil: it has none
	hosts     bearer.Hosts
	onEvent   func(Event)
	log       *slog.Logger

	cache  cache
	limits limits
	turns  turns

	ctx      context.Context // ends with Close
	close    context.CancelCauseFunc
	flights  sync.WaitGroup
	mu       sync.Mutex
	closed   bool
	withheld map[string]bool // hosts that were named in an event
}

// settings are what all keys of a Manager have in common.
type settings struct {
	id                   string // begins the id of every lease of this Manager
	soft, recheck, lease time.Duration
	waits                bool // Options.WaitForRefresh

	now    func() instant           // reads the clock
	random func(key string) float64 // from 0 to 1
	hash   func(key string) uint64  // another one in each Manager
}

// windows returns those of a token of key. It is called while the key is locked.
func (s *settings) windows(key string, lifetime time.Duration) windows {
	w := windowsOf(lifetime, s.soft, float64(s.hash(key)%1024)/1024)
	if s.waits {
		w.soft = max(w.hard, min(s.soft, lifetime/2))
		w.hard = w.soft
	}
	return w
}

// defaultRecheck is the zero value of Options.Recheck.
const defaultRecheck = time.Minute

// Format prints the Manager under every verb, without the Config's secrets.
func (m *Manager) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "tokens.Manager") }

// New returns a Manager that keeps its users' tokens in s and refreshes them with r, which is
// nearly always a [*csoauth.Config]. It returns an error if r or s is nil, or if an option is out
// of range. It also returns the error of r's Validate method, if r has one, as a Config has.
func New(r Refresher, s Store, o *Options) (*Manager, error) {
	if o == nil {
		o = &Options{}
	}
	if err := cmp.Or(checkRefresher(r), checkStore(s), o.check()); err != nil {
		return nil, fmt.Errorf("tokens: %w", err)
	}
	m := &Manager{
		settings: settings{
			id:      rand.Text(),
			soft:    cmp.Or(o.SoftWindow, defaultSoft),
			recheck: cmp.Or(o.Recheck, defaultRecheck),
			lease:   cmp.Or(o.Lease, defaultLease),
			waits:   o.WaitForRefresh,
			now:     newClock(),
			random:  random,
			hash:    newHash(),
		},
		refresher: r,
		onEvent:   o.OnEvent,
		log:       o.Logger,
	}
	if r, ok := r.(interface {
		HostsFor(t *csoauth.Token) []string
	}); ok {
		m.hostsFor = r.HostsFor
	}
	if c, ok := r.(*csoauth.Config); ok {
		m.clientID = c.ClientID
	}
	m.hosts, m.withheld = slices.Clone(o.Hosts), map[string]bool{}
	m.locker, _ = s.(Locker)
	m.store = unsealed{s}
	if sealed, ok := s.(opener); ok {
		m.store = sealed
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	m.turns.of = map[string]*turn{}
	m.limits.each, m.limits.looks.free = cmp.Or(o.MaxRefreshesPerHost, 64), maxLooks
	m.limits.refreshes = map[string]*places{}
	m.cache.set, m.cache.limit = &m.settings, cmp.Or(o.MaxCached, 100_000)
	m.ctx, m.close = context.WithCancelCause(context.Background())
	return m, nil
}

// newHash returns a hash of keys that differs from one Manager to the next.
func newHash() func(key string) uint64 {
	seed := maphash.MakeSeed()
	return func(key string) uint64 { return maphash.String(seed, key) }
}

func checkRefresher(r Refresher) error {
	if isNil(r) {
		return errors.New("there is no Refresher, such as a *csoauth.Config")
	}
	if v, ok := r.(interface{ Validate() error }); ok {
		return v.Validate()
	}
	return nil
}

func checkStore(s Store) error {
	if isNil(s) {
		return errors.New("there is no Store, such as a tokens.Dir")
	}
	return nil
}

// isNil also finds a nil pointer in an interface.
func isNil(v any) bool {
	r := reflect.ValueOf(v)
	return v == nil || r.Kind() == reflect.Pointer && r.IsNil()
}

func (o *Options) check() error {
	switch {
	case o.SoftWindow < 0:
		return fmt.Errorf("Options.SoftWindow: %v is negative", o.SoftWindow)
	case o.Lease != 0 && o.Lease < minLease:
		return fmt.Errorf("Options.Lease: %v is less than %v", o.Lease, minLease)
	case o.Lease > maxLease:
		return fmt.Errorf("Options.Lease: %v is more than %v", o.Lease, maxLease)
	case o.MaxRefreshesPerHost < 0:
		return fmt.Errorf("Options.MaxRefreshesPerHost: %d is negative", o.MaxRefreshesPerHost)
	case o.MaxCached < 0:
		return fmt.Errorf("Options.MaxCached: %d is negative", o.MaxCached)
	}
	if err := bearer.CheckHosts(o.Hosts); err != nil {
		return fmt.Errorf("Options.Hosts: %w", err)
	}
	return nil
}

// Token returns the token of key, and refreshes it if it expires soon. All callers share the token,
// so do not change it. Use only its access token. Only the Manager may use its refresh token.
//
// An error that is [csoauth.ErrLoginRequired] means that the user has to log in. Either there is no
// login for the key, and the error is an ErrNotFound as well. Or Contentstack has refused the
// refresh token, and the access token has expired. After any other error, try again later. If ctx
// ends first, the refresh continues for later callers.
func (m *Manager) Token(ctx context.Context, key string) (*csoauth.Token, error) {
	if k := m.cache.find(key); k != nil {
		if v := k.hit(m.now()); v != nil {
			return &v.token, nil
		}
	}
	v, _, err := m.ask(ctx, key)
	if err != nil {
		return nil, err
	}
	return &v.token, nil
}

// enlist counts something that Close waits for. It reports whether the Manager is still open.
func (m *Manager) enlist() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.flights.Add(1)
	return true
}

// isClosed reports whether Close was called.
func (m *Manager) isClosed() bool { return m.ctx.Err() != nil }

// Close waits for running refreshes, tries once more to save unsaved tokens, and ends the Manager.
// Afterwards, Put, Delete and every call that must read the store fail. Tokens in memory are still
// returned. The error of Close lists the [KeyHash] of each key whose new token could not be saved.
// Those logins are lost unless their old refresh tokens still work.
func (m *Manager) Close() error {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.close(errClosed)
	m.flights.Wait()
	var unsaved []string
	m.cache.keys.Range(func(key, k any) bool {
		if k.(*keyState).snapshot().unsaved {
			unsaved = append(unsaved, KeyHash(key.(string)))
		}
		return true
	})
	if len(unsaved) == 0 {
		return nil
	}
	slices.Sort(unsaved)
	return fmt.Errorf("tokens: the new tokens of these keys could not be saved and are lost when this process ends: %s", strings.Join(unsaved, ", "))
}
