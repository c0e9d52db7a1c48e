package tokens

import (
	"context"
	"crypto/rand"
	"fmt"
	"hash/maphash"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/contentstack/csoauth"
)

// A Refresher trades a Token for a new one, as [*csoauth.Config] does. It is given a Token that it must not change, and
// a context with a deadline. Its errors must be csoauth's or wrap them: any that is neither a [*csoauth.Error] nor a
// [csoauth.ErrNotSent] is taken to mean that the refresh token may have been spent.
type Refresher interface {
	Refresh(ctx context.Context, t *csoauth.Token) (*csoauth.Token, error)
}

// Options vary a [Manager]. Nil is fine. Replicas that share a store may differ in them.
type Options struct {
	// SoftWindow is how long before its end a token is refreshed in the background, while callers get the old one. It is
	// at most a quarter of the token's lifetime, and begins up to half later, differently for each key. Zero: 10 minutes.
	SoftWindow time.Duration
	// HardWindow is how long before its end callers begin to wait for the new token, as long as that comes soon. It is at
	// most a tenth of the lifetime. Zero: 30 seconds. Negative: they wait only when the token is over, which is 10 seconds
	// before its end, or a thirtieth of its lifetime if that is less.
	HardWindow time.Duration
	// Recheck is how old what is known about a key may be before a use has the store looked at, in the background: so
	// long may a login that was replaced or deleted by another process live on in this one. Zero: a minute. Negative: the
	// store is looked at only to refresh.
	Recheck time.Duration
	// Lease is how long one refresh may take, from its mark until it is saved, and so how long a process that dies meanwhile
	// keeps others from refreshing that key. Zero: 30 seconds.
	Lease time.Duration
	// MaxRefreshes is how many refreshes go on at a time in this process. Zero: 16.
	MaxRefreshes int
	// MaxCached is how many keys are kept in memory. The others stay in the store. Zero: 100,000.
	MaxCached int
	// OnEvent is called after each refresh and failure, from the goroutine that made it: by several at a time. It should
	// return soon, and must not call Close. Nil: nobody is told.
	OnEvent func(Event)
	// Logger gets the same events: failed saves as errors, failed refreshes as warnings, ends of logins as information and
	// refreshes as debugging. Nil: no log.
	Logger *slog.Logger
}

// A Manager keeps users' tokens in a [Store] and hands out access tokens that work, refreshing them before they end. It
// is safe for concurrent use, and any number of Managers, in any number of processes, may share a store. It must not
// be copied.
//
// A key stands for one login: one user in one organization. If a user may choose several organizations, give each a key
// of its own, such as "user/organization". A store lists no keys: keep them where you keep your users.
//
// A Manager at rest has no goroutine. Close it before the program ends, lest a refresh that is under way be lost.
type Manager struct {
	refresher Refresher
	store     Store
	locker    Locker // the store, if it is one
	onEvent   func(Event)
	log       *slog.Logger

	soft, hard, recheck, lease time.Duration

	made  time.Time
	id    string // begins every mark of ours
	seed  maphash.Seed
	cache cache
	gate  gate
	turns turns
	sharedStrings

	ctx     context.Context // ends with Close
	close   context.CancelCauseFunc
	flights sync.WaitGroup
	mu      sync.Mutex
	closed  bool
}

// Format keeps the Config's secrets out of what fmt prints.
func (m *Manager) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "tokens.Manager") }

// New returns a Manager that keeps its users' tokens in s and has them refreshed by r, which is nearly always a
// [*csoauth.Config]. Both are required. Call the Config's Validate first: a mistake in it would show at the first refresh.
func New(r Refresher, s Store, o *Options) *Manager {
	if r == nil || s == nil {
		panic("tokens: New needs a Refresher and a Store")
	}
	if o == nil {
		o = &Options{}
	}
	m := &Manager{
		refresher: r,
		store:     s,
		onEvent:   o.OnEvent,
		log:       o.Logger,
		soft:      orDefault(o.SoftWindow, defaultSoft),
		hard:      orDefault(o.HardWindow, defaultHard),
		recheck:   orDefault(o.Recheck, time.Minute),
		lease:     orDefault(max(0, o.Lease), defaultLease),
		made:      time.Now(),
		id:        rand.Text(),
		seed:      maphash.MakeSeed(),
	}
	m.locker, _ = s.(Locker)
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	for i := range m.turns {
		m.turns[i] = make(chan struct{}, 1)
	}
	m.gate.free = orDefault(max(0, o.MaxRefreshes), 16)
	m.cache.limit = orDefault(max(0, o.MaxCached), 100_000)
	m.ctx, m.close = context.WithCancelCause(context.Background())
	return m
}

func orDefault[T int | time.Duration](value, standard T) T {
	if value == 0 {
		return standard
	}
	return value
}

// Token returns key's token, refreshed if it is near its end. It must not be changed: all callers share it. Only its
// access token is for use; its refresh token is the Manager's to spend.
//
// An error that is [csoauth.ErrLoginRequired] means that the user has to log in: there is no such key (it then is an
// [ErrNotFound] as well), or Contentstack has refused the refresh token and the access token has ended. All others pass:
// try again later. If ctx ends first, the refresh goes on for those who come after.
func (m *Manager) Token(ctx context.Context, key string) (*csoauth.Token, error) {
	if e := m.cache.find(key); e != nil {
		if v := e.hit(m.now()); v != nil {
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

// Close waits for refreshes that are under way, saves once more what is not saved, and ends the Manager: Put, Delete and
// all that would need a look into the store fail from then on, while tokens in memory are still handed out. Its error names the keys whose new tokens could not be
// saved. Those logins are lost unless their old refresh tokens still work.
func (m *Manager) Close() error {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.close(errClosed)
	m.flights.Wait()
	var unsaved []string
	m.cache.entries.Range(func(_, value any) bool {
		e := value.(*entry)
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.work != nil && e.work.unsaved != nil {
			unsaved = append(unsaved, fmt.Sprintf("%q", e.key))
		}
		return true
	})
	if len(unsaved) == 0 {
		return nil
	}
	slices.Sort(unsaved)
	return fmt.Errorf("tokens: new tokens of %d keys could not be saved and end with this process: %s", len(unsaved), strings.Join(unsaved, ", "))
}
