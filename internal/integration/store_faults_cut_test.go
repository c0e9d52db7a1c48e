package integration_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

// A stepStore tells of each step before and after it, with its number, from 1: "load", the swap to
// a "lease", and the swap to one without, which is a "save".
type stepStore struct {
	tokens.Store
	before, after func(step string, nth int) // nil: nobody is told

	mu  sync.Mutex
	nth map[string]int
}

func (s *stepStore) step(name string) (done func()) {
	s.mu.Lock()
	if s.nth == nil {
		s.nth = map[string]int{}
	}
	s.nth[name]++
	n := s.nth[name]
	s.mu.Unlock()
	if s.before != nil {
		s.before(name, n)
	}
	return func() {
		if s.after != nil {
			s.after(name, n)
		}
	}
}

func (s *stepStore) Load(ctx context.Context, key string) ([]byte, error) {
	defer s.step("load")()
	return s.Store.Load(ctx, key)
}

func (s *stepStore) CompareAndSwap(ctx context.Context, key string, old, new []byte) error {
	name := "save"
	if bytes.Contains(new, []byte(`"lease":`)) {
		name = "lease"
	}
	defer s.step(name)()
	return s.Store.CompareAndSwap(ctx, key, old, new)
}

// cutClients are ways to talk to a server: go-redis repeats a command by itself whose connection
// broke, or leaves it to the Manager.
var cutClients = []struct {
	name, kind string
	redis      *redis.Options
	repeats    bool
}{
	{"go-redis", "redis", &redis.Options{}, true},
	{"go-redis without retries", "redis", &redis.Options{MaxRetries: -1}, false},
	{"pgx", "postgres", nil, false},
}

// storeCuts are what happens to the network.
var storeCuts = []struct {
	name string
	cut  wireCut
}{
	{"request lost", wireCut{}},
	{"answer lost", wireCut{answer: true}},
	{"request lost, then a second without network", wireCut{down: time.Second}},
	{"answer lost, then a second without network", wireCut{answer: true, down: time.Second}},
	{"request lost in silence", wireCut{silent: true}},
	{"answer lost in silence", wireCut{answer: true, silent: true}},
	// Longer than the first save is tried:
	{"request lost, then 7 s without network", wireCut{down: 7 * time.Second}},
	{"answer lost, then 7 s without network", wireCut{answer: true, down: 7 * time.Second}},
}

// TestStoreNetworkIsCutAtEachStep: a refresh goes on, or begins again, and sends its refresh token
// once.
func TestStoreNetworkIsCutAtEachStep(t *testing.T) {
	t.Parallel()
	var table faultTable
	onEachKind(t, func(t *testing.T, kind string, d *database) {
		var rows []cutRow
		for _, client := range cutClients {
			for _, step := range []string{"load", "lease", "save"} {
				for _, fault := range storeCuts {
					if client.kind == kind {
						at := storeAt{Kind: kind, Redis: client.redis}
						if fault.cut.silent && at.Redis != nil {
							at.Redis = &redis.Options{MaxRetries: at.Redis.MaxRetries, ReadTimeout: 500 * time.Millisecond} // not to wait longer
						}
						name := fmt.Sprintf("%s, %s: %s", client.name, step, fault.name)
						rows = append(rows, cutRow{name, at, client.repeats, step, fault.cut, table.row(name)})
					}
				}
			}
		}
		site := newFaultSite(t, d, kind, "cuts", 0)
		for i := range rows {
			site.logIn(t, rows[i].key(i))
			site.expire(t, rows[i].key(i))
		}
		numbered := make([]int, len(rows))
		for i := range numbered {
			numbered[i] = i
		}
		sideBySide(t, numbered, func(i int) string { return rows[i].name }, func(t *testing.T, i int) { rows[i].test(t, site, rows[i].key(i)) })
	})
	t.Log(&table)
}

type cutRow struct {
	name    string
	at      storeAt
	repeats bool // the client repeats by itself
	step    string
	cut     wireCut
	count   *faultCount
}

func (r cutRow) key(i int) string { return fmt.Sprintf("cut/user/%03d", i) }

func (r cutRow) test(t *testing.T, s *faultSite, key string) {
	w := newWire(t, s.at.Addr)
	r.at.Addr, r.at.Name = w.addr(), s.at.Name
	store := &stepStore{Store: r.at.mustOpen(t)}
	store.before = func(step string, nth int) {
		if step == r.step && nth == 1 {
			c := r.cut
			c.with = key
			w.cut(c)
		}
	}
	events := &eventCounts{}
	m := newManager(t, s.config, store, &tokens.Options{OnEvent: events.note})
	token, failures, err := askFor(t.Context(), m, key)
	require.NoError(t, err)
	require.Equal(t, 1, w.cuts(), "the cut was made")
	r.count.add(faultCount{runs: 1, served: 1, failed: len(failures)})
	s.requireUses(t, key, 1, 1)

	// A caller without a token waits for the save, and for as long as the client repeats.
	short := !r.cut.silent && r.cut.down == 0
	if !r.cut.silent && r.step == "save" || short && (r.repeats || r.step == "lease") {
		assert.Empty(t, failures)
	}
	if r.step == "load" && !r.repeats {
		assert.NotEmpty(t, failures, "a Load is not repeated, and nobody knows the login yet")
	}

	// What is not saved at first is saved later, and only then reported as refreshed.
	until(t, "it is refreshed", func() bool { return events.of(tokens.EventRefreshed) == 1 })
	rec := readFaultRecord(t, s.store, key)
	assert.Empty(t, rec.lease)
	assert.Equal(t, token.RefreshToken, rec.token.RefreshToken)
	require.NoError(t, m.Close())
	unsaved := r.step == "save" && r.cut.down > 5*time.Second // another try goes around a connection that is silent
	if unsaved {
		assert.Positive(t, events.of(tokens.EventSaveFailed), "it was used before it was saved, and reported")
	}
	assert.Zero(t, events.of(tokens.EventLoginRequired))
	s.aftermath(t, r.count, key)
	assert.Equal(t, 1, r.count.alive)
	s.requireUses(t, key, 2, 2)
}

// eventCounts counts events by their type.
type eventCounts struct {
	mu sync.Mutex
	n  map[tokens.EventType]int
}

func (c *eventCounts) note(e tokens.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[tokens.EventType]int{}
	}
	c.n[e.Type]++
}

func (c *eventCounts) of(t tokens.EventType) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[t]
}

// onEachKind runs a test once with each kind of server, freshly started, side by side.
func onEachKind(t *testing.T, test func(t *testing.T, kind string, d *database)) {
	t.Helper()
	sideBySide(t, storeKinds, func(k storeKind) string { return k.name }, func(t *testing.T, k storeKind) { test(t, k.name, k.start(t)) })
}
