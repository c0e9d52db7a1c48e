package integration_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/integration/baseline"
	"github.com/contentstack/csoauth/internal/integration/databases"
	"github.com/contentstack/csoauth/internal/integration/worker/stores"
	"github.com/contentstack/csoauth/tokens"
)

// A herd is so many logins whose access tokens have ended, wanted by all processes at once.
// Contentstack responds at once in these benchmarks, so that the store alone is measured.
const (
	herdKeys    = 1000
	herdCallers = 64 // in each process
)

// BenchmarkHerdOverStore reports what a refresh costs: the CPU time of all processes, the store's
// server among them, the calls of the store beneath the seal, and the bytes of the values in them.
// For Redis it adds what that counts on the wire, both ways. The limit is a client that does only
// what no client can leave out: a load, a swap to a lease, a swap to the new value, of as many
// bytes. It does not know what they mean. The codec does the same, and opens, decodes, encodes and
// seals them.
func BenchmarkHerdOverStore(b *testing.B) {
	rows := map[string]string{"csoauth": "herd", "limit": "bare herd", "codec": "codec herd"}
	for _, shared := range sharedStores {
		for _, processes := range []int{1, 4} {
			for _, impl := range []string{"csoauth", "limit", "codec"} {
				b.Run(fmt.Sprintf("store=%s/processes=%d/impl=%s", shared.name, processes, impl), func(b *testing.B) {
					benchHerd(b, shared.start(b), processes, rows[impl])
				})
			}
		}
	}
}

func benchHerd(b *testing.B, text string, processes int, row string) {
	store, closeStore, err := openSealed(b.Context(), text, nil)
	require.NoError(b, err)
	m := newManager(b, atOnce{}, store, nil)
	var crowd []*child
	for range processes {
		c := startChild(b, row)
		c.tell(text)
		crowd = append(crowd, c)
	}
	var sum herdReport
	var wire int64
	var cpu time.Duration
	for b.Loop() {
		b.StopTimer()
		keys := putEnded(b, m)
		wire -= wireBytes(b, text)
		cpu -= cpuOfChildren(b)
		b.StartTimer()
		for _, c := range crowd {
			c.tell(keys)
		}
		for _, c := range crowd {
			var report herdReport
			c.hear(&report)
			require.Empty(b, report.Failure)
			sum.add(report)
		}
		b.StopTimer()
		cpu += cpuOfChildren(b)
		wire += wireBytes(b, text)
		b.StartTimer()
	}
	for _, c := range crowd {
		c.stop()
		c.wait()
	}
	require.NoError(b, m.Close())
	require.NoError(b, closeStore())
	require.EqualValues(b, b.N*herdKeys, sum.Refreshes, "each login is refreshed once")
	per := func(n int64) float64 { return float64(n) / float64(sum.Refreshes) }
	b.ReportMetric(float64(sum.Refreshes)/b.Elapsed().Seconds(), "refreshes/s")
	b.ReportMetric(per(cpu.Microseconds()), "cpu-µs/refresh")
	b.ReportMetric(per(sum.Loads), "loads/refresh")
	b.ReportMetric(per(sum.Swaps), "swaps/refresh")
	b.ReportMetric(per(sum.Bytes), "value-B/refresh")
	if wire > 0 {
		b.ReportMetric(per(wire), "wire-B/refresh")
	}
}

// BenchmarkHitOverStore reports what a token that is in memory costs the store, which must be
// nothing.
func BenchmarkHitOverStore(b *testing.B) {
	for _, shared := range sharedStores {
		b.Run("store="+shared.name, func(b *testing.B) {
			var n calls
			store, closeStore, err := openSealed(b.Context(), shared.start(b), n.of)
			require.NoError(b, err)
			m := newManager(b, atOnce{}, store, &tokens.Options{Recheck: time.Hour}) // for a look a minute is no hit
			require.NoError(b, m.Put(b.Context(), "user", newToken()))
			before := n.sum()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Token(b.Context(), "user"); err != nil {
					b.Fatal(err)
				}
			}
			after := n.sum()
			require.Equal(b, before, after, "a hit does not ask the store")
			b.ReportMetric(float64(after[0]+after[1]-before[0]-before[1])/float64(b.N), "store-calls/op")
			require.NoError(b, m.Close())
			require.NoError(b, closeStore())
		})
	}
}

// atOnce is a Refresher that needs no time, and counts.
type atOnce struct{ asked *atomic.Int64 }

func (r atOnce) Refresh(context.Context, *csoauth.Token) (*csoauth.Token, error) {
	r.asked.Add(1)
	return newToken(), nil
}

// newToken has a value in every member that Contentstack sends.
func newToken() *csoauth.Token {
	return &csoauth.Token{
		AccessToken: rand.Text() + rand.Text(), RefreshToken: rand.Text() + rand.Text(), TokenType: "Bearer", Expiry: time.Now().Add(time.Hour),
		Location: "NA", OrganizationUID: "blt1a2b3c4d5e6f7081", UserUID: "blt00000000000ada01", ClientID: "Ie0FEfTzlfAHL4xM",
		RedirectURI: "https://app.example.org/callback", Scopes: []string{"user:read", "organization:read", "cm.stacks.management:read"},
	}
}

// putEnded stores logins whose access token has ended.
func putEnded(b *testing.B, m *tokens.Manager) (keys []string) {
	var all sync.WaitGroup
	herd := rand.Text()
	for i := range herdKeys {
		keys = append(keys, fmt.Sprintf("%s/%d", herd, i))
	}
	for first := range herdCallers {
		all.Go(func() {
			for i := first; i < len(keys); i += herdCallers {
				token := newToken()
				token.Expiry = time.Now().Add(-time.Minute)
				if err := m.Put(b.Context(), keys[i], token); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
	return keys
}

func cpuOfChildren(b *testing.B) time.Duration {
	sum, err := databases.CPUOfChildren()
	require.NoError(b, err)
	return sum
}

// wireBytes is what a Redis server has read and written since it started. Of other stores it is 0.
func wireBytes(b *testing.B, text string) (n int64) {
	addr, isRedis := strings.CutPrefix(text, "redis:")
	if !isRedis {
		return 0
	}
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	defer rdb.Close()
	info, err := rdb.Info(b.Context(), "stats").Result()
	require.NoError(b, err)
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "total_net_input_bytes" || name == "total_net_output_bytes" {
			bytes, err := strconv.ParseInt(value, 10, 64)
			require.NoError(b, err)
			n += bytes
		}
	}
	return n
}

// A herdReport is what a process did for one herd.
type herdReport struct {
	Refreshes, Loads, Swaps, Bytes int64
	Failure                        string
}

func (r *herdReport) add(more herdReport) {
	r.Refreshes += more.Refreshes
	r.Loads += more.Loads
	r.Swaps += more.Swaps
	r.Bytes += more.Bytes
}

// childOfHerd gets the tokens of one herd after the other, each with a Manager that knows nothing
// yet.
func childOfHerd() {
	ofHerds(func(store tokens.Store, keys []string) (refreshes int64, err error) {
		sealed, err := tokens.Sealed(store, sealKey)
		if err != nil {
			return 0, err
		}
		var asked atomic.Int64
		m, err := tokens.New(atOnce{&asked}, sealed, nil)
		if err != nil {
			return 0, err
		}
		err = forAll(keys, func(key string) error {
			_, err := m.Token(context.Background(), key)
			return err
		})
		return asked.Load(), errors.Join(err, m.Close())
	})
}

// childOfBareHerd asks the store for no more than a refresh needs. It takes a value for a text
// without a meaning.
func childOfBareHerd() {
	ofHerds(func(store tokens.Store, keys []string) (int64, error) {
		return refreshAll(store, keys, func(_ string, old []byte) (leased, done []byte, err error) {
			if bytes.HasPrefix(old, []byte("bare")) {
				return nil, nil, nil
			}
			leased, done = make([]byte, len(old)), make([]byte, len(old))
			for _, value := range [][]byte{leased, done} {
				_, _ = rand.Read(value[copy(value, "bare"):])
			}
			return leased, done, nil
		})
	})
}

// childOfCodecHerd asks the store for no more than that either, but knows what the values mean.
func childOfCodecHerd() {
	ofHerds(func(store tokens.Store, keys []string) (int64, error) {
		box, err := baseline.NewBox(sealKey)
		if err != nil {
			return 0, err
		}
		return refreshAll(store, keys, func(key string, old []byte) (leased, done []byte, err error) {
			r, err := baseline.Open(box, key, old)
			if err != nil || r.Lease != "" || time.Now().Before(r.Token.Expiry) {
				return nil, nil, err
			}
			r.Lease, r.LeaseMS = rand.Text(), 30_000
			leased, err = baseline.Seal(box, key, r)
			if err != nil {
				return nil, nil, err
			}
			next := newToken()
			r.Lease, r.LeaseMS, r.Seq = "", 0, r.Seq+1
			r.Token.AccessToken, r.Token.RefreshToken, r.Token.Expiry = next.AccessToken, next.RefreshToken, next.Expiry
			done, err = baseline.Seal(box, key, r)
			return leased, done, err
		})
	})
}

// refreshAll loads each key, and swaps twice. next returns the two values, or none if the key needs
// no refresh. The process whose first swap succeeds does the second.
func refreshAll(store tokens.Store, keys []string, next func(key string, old []byte) (leased, done []byte, err error)) (int64, error) {
	var refreshes atomic.Int64
	ctx := context.Background()
	err := forAll(keys, func(key string) error {
		old, err := store.Load(ctx, key)
		if err != nil {
			return err
		}
		leased, done, err := next(key, old)
		if err != nil || leased == nil {
			return err
		}
		err = store.CompareAndSwap(ctx, key, old, leased)
		if errors.Is(err, tokens.ErrConflict) {
			return nil
		}
		refreshes.Add(1)
		return errors.Join(err, store.CompareAndSwap(ctx, key, leased, done))
	})
	return refreshes.Load(), err
}

// ofHerds is a process that is told a store, and then the keys of one herd after the other.
func ofHerds(refresh func(store tokens.Store, keys []string) (refreshes int64, err error)) {
	told, say := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	var text string
	if err := told.Decode(&text); err != nil {
		os.Exit(1) // the benchmark has ended before it said anything
	}
	store, closeStore, err := stores.Open(context.Background(), text)
	if err != nil {
		say.Encode(herdReport{Failure: err.Error()})
		return
	}
	var n calls
	counted := n.of(store)
	for {
		var keys []string
		if err := told.Decode(&keys); err != nil {
			break // there is no more
		}
		before := n.sum()
		refreshes, err := refresh(counted, keys)
		after := n.sum()
		report := herdReport{Refreshes: refreshes, Loads: after[0] - before[0], Swaps: after[1] - before[1], Bytes: after[2] - before[2]}
		if err != nil {
			report.Failure = err.Error()
		}
		say.Encode(report)
	}
	if err := closeStore(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// forAll calls f with each key, in an order of its own, by herdCallers goroutines.
func forAll(keys []string, f func(key string) error) (err error) {
	queue := make(chan string, len(keys))
	for _, i := range mathrand.Perm(len(keys)) {
		queue <- keys[i]
	}
	close(queue)
	var mu sync.Mutex
	var all sync.WaitGroup
	for range herdCallers {
		all.Go(func() {
			for key := range queue {
				if failed := f(key); failed != nil {
					mu.Lock()
					err = errors.Join(err, failed)
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	return err
}

// calls counts what a store is asked.
type calls struct{ loads, swaps, bytes atomic.Int64 }

func (n *calls) sum() [3]int64 { return [3]int64{n.loads.Load(), n.swaps.Load(), n.bytes.Load()} }

// of returns s, counted. It is a Locker if s is one.
func (n *calls) of(s tokens.Store) tokens.Store {
	c := counted{s, n}
	if locker, ok := s.(tokens.Locker); ok {
		return struct {
			tokens.Store
			tokens.Locker
		}{c, locker}
	}
	return c
}

type counted struct {
	tokens.Store
	n *calls
}

func (c counted) Load(ctx context.Context, key string) ([]byte, error) {
	value, err := c.Store.Load(ctx, key)
	c.n.loads.Add(1)
	c.n.bytes.Add(int64(len(value)))
	return value, err
}

func (c counted) CompareAndSwap(ctx context.Context, key string, old, new []byte) error {
	c.n.swaps.Add(1)
	c.n.bytes.Add(int64(len(old) + len(new)))
	return c.Store.CompareAndSwap(ctx, key, old, new)
}
