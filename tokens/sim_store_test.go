package tokens_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/contentstack/csoauth/tokens"
)

// What the store may do for a time instead of its work.
const (
	storeDown  = "down"  // every call fails, and changes nothing
	storeFull  = "full"  // every swap fails, and changes nothing
	storeLoses = "loses" // a swap takes effect, and its response is lost
	storeHangs = "hangs" // no call returns before its context ends; a swap takes effect or does not
	storeSlow  = "slow"  // a call takes seconds
)

var storeFaults = []string{storeDown, storeFull, storeLoses, storeHangs, storeSlow}

// A simWindow is a time in which something does not work: for one replica, or all.
type simWindow struct {
	simSpan
	what    string // the region, or "store"
	fault   string
	replica int // -1: all
}

type simWindows struct {
	mu  sync.Mutex
	all []simWindow
}

func (w *simWindows) add(window simWindow) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, window)
}

// at returns what is wrong for a replica at a moment, or "".
func (w *simWindows) at(t time.Duration, what string, replica int) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, x := range w.all {
		if x.from <= t && t < x.to && x.what == what && (x.replica < 0 || x.replica == replica) {
			return x.fault
		}
	}
	return ""
}

// longest returns the longest part of a span in which nothing was wrong for a replica.
func (w *simWindows) longest(span simSpan, what string, replica int) (longest time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var bad []simSpan
	for _, x := range w.all {
		if x.what == what && (x.replica < 0 || x.replica == replica) && x.to > span.from && x.from < span.to {
			bad = append(bad, x.simSpan)
		}
	}
	slices.SortFunc(bad, func(a, b simSpan) int { return cmp.Compare(a.from, b.from) })
	good := span.from
	for _, b := range bad {
		longest = max(longest, b.from-good)
		good = max(good, b.to)
	}
	return max(longest, span.to-good)
}

// quiet reports whether nothing was wrong in a span, for any replica if replica is negative.
func (w *simWindows) quiet(span simSpan, what string, replica int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !slices.ContainsFunc(w.all, func(x simWindow) bool {
		return x.what == what && (replica < 0 || x.replica < 0 || x.replica == replica) && x.to > span.from && x.from < span.to
	})
}

// A simStore holds the records.
type simStore struct {
	s       *sim
	windows simWindows

	mu      sync.Mutex
	records map[string]*simRecord
}

// A simRecord is what a key has, and since when. It stays when its value is deleted.
type simRecord struct {
	value   []byte
	parsed  simParsed
	login   time.Duration // when the login became another, or none
	changed time.Duration // when the value last changed
	leaseOf *simProcess   // who took the lease that the value has; nil: it has none
	leased  time.Duration // when
	paired  time.Duration // when it last got another login or pair
}

// simParsed is what the simulation reads in a record.
type simParsed struct {
	Seq     int64  `json:"seq"`
	Login   string `json:"login"`
	Lease   string `json:"lease"`
	Refusal *struct {
		AtMS int64 `json:"at_ms"`
	} `json:"refusal"`
	Token struct {
		RefreshToken string `json:"refresh_token"`
	} `json:"token"`
}

// get returns a copy of what key has.
func (st *simStore) get(key string) simRecord {
	st.mu.Lock()
	defer st.mu.Unlock()
	if r := st.records[key]; r != nil {
		return *r
	}
	return simRecord{}
}

// simPut is the context of a Put or Delete, by which the store can tell its calls from a flight's.
var simPut = context.WithValue(context.Background(), simPutKey{}, true)

type simPutKey struct{}

// simStoreOf is the store as a process reaches it.
type simStoreOf struct {
	*simStore
	p *simProcess
}

func (st simStoreOf) Load(ctx context.Context, key string) ([]byte, error) {
	began := st.s.now()
	value, err := st.call(ctx, key, "load", func() ([]byte, error) {
		if r := st.records[key]; r != nil && r.value != nil {
			return bytes.Clone(r.value), nil
		}
		return nil, tokens.ErrNotFound
	})
	if err == nil && ctx.Value(simPutKey{}) == nil { // it would not be a look
		st.p.mu.Lock()
		st.p.looked[key] = began
		st.p.mu.Unlock()
	}
	return value, err
}

func (st simStoreOf) CompareAndSwap(ctx context.Context, key string, old, new []byte) error {
	_, err := st.call(ctx, key, "swap", func() ([]byte, error) { return nil, st.swap(key, old, new) })
	if r := st.get(key); r.leaseOf == st.p && r.leased == r.changed && bytes.Equal(r.value, new) {
		st.s.whenLeased(st.p, key)
	}
	return err
}

// call is one call: it takes a while, has its effect at one moment, and takes another while, unless
// something is wrong.
func (st simStoreOf) call(ctx context.Context, key, what string, effect func() ([]byte, error)) ([]byte, error) {
	p := st.p
	if err := p.enter(ctx); err != nil {
		return nil, err
	}
	random := func(n time.Duration, label string) time.Duration { return st.s.random(n, label, what, p.name, key) }
	fault := st.windows.at(st.s.now(), "store", p.replica.n)
	most := 3 * time.Millisecond
	if fault == storeSlow {
		most = 4 * time.Second
	}
	if err := p.sleep(ctx, 100*time.Microsecond+random(most, "request")); err != nil {
		return nil, err
	}
	for _, fault := range []string{fault, st.windows.at(st.s.now(), "store", p.replica.n)} {
		if fault == storeDown || fault == storeFull && what == "swap" {
			return nil, errors.New("the store is " + fault)
		}
	}
	var value []byte
	var err error
	if fault != storeHangs || random(2, "effect") == 0 {
		st.mu.Lock()
		value, err = effect()
		st.mu.Unlock()
	}
	switch fault {
	case storeHangs:
		return nil, p.sleep(ctx, simForever)
	case storeLoses:
		return nil, errors.New("the store's response was lost")
	}
	if err := p.sleep(ctx, 100*time.Microsecond+random(most, "response")); err != nil {
		return nil, err
	}
	return value, err
}

// swap is the store's contract. Its mutex is held.
func (st simStoreOf) swap(key string, old, new []byte) error {
	r := st.records[key]
	if r == nil {
		r = &simRecord{}
		st.records[key] = r
	}
	switch {
	case (r.value == nil) == (new == nil) && bytes.Equal(r.value, new):
		return nil
	case (r.value == nil) != (old == nil) || !bytes.Equal(r.value, old):
		return tokens.ErrConflict
	}
	before, now := *r, st.s.now()
	r.value, r.parsed, r.changed = bytes.Clone(new), simParsed{}, now
	if new != nil {
		if err := json.Unmarshal(new, &r.parsed); err != nil {
			panic(err)
		}
	}
	if r.parsed.Token.RefreshToken != before.parsed.Token.RefreshToken || r.parsed.Login != before.parsed.Login {
		r.paired = now
	}
	if r.parsed.Login != before.parsed.Login {
		r.login = now
	}
	switch r.parsed.Lease {
	case "":
		r.leaseOf = nil
	case before.parsed.Lease:
	default:
		r.leaseOf, r.leased = st.p, now
	}
	st.s.trace.add(now, "%s swaps %s to %s, lease %t", st.p.name, key, r.parsed.Token.RefreshToken, r.parsed.Lease != "")
	st.s.checkSwap(st.p, key, before, *r)
	return nil
}
