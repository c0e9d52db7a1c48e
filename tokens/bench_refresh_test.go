package tokens_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/contentstack/csoauth/tokens"
)

// A copier is a Store in which every key has the same login under a name of its own, made up when
// it is loaded, so that it takes no memory itself.
type copier struct{ tokens.Store }

const copied = "000000" // the name in the record of the login

func newCopier(b *testing.B) copier {
	store := new(tokens.Memory)
	m := newManager(newProvider().config(), store, nil)
	defer m.Close()
	require.NoError(b, m.Put(b.Context(), "user", benchToken(copied+"@")))
	return copier{store}
}

func (c copier) Load(ctx context.Context, key string) ([]byte, error) {
	raw, err := c.Store.Load(ctx, "user")
	return bytes.ReplaceAll(raw, []byte(copied+"@"), []byte(key[len(key)-len(copied):]+"@")), err
}

// BenchmarkMemoryPerUser reports what a user in memory takes beyond the key and the strings of the
// token that are the user's own.
func BenchmarkMemoryPerUser(b *testing.B) {
	const users = 100_000
	store := newCopier(b)
	keys := make([]string, users)
	for i := range keys {
		keys[i] = fmt.Sprintf("user-%06d", i)
	}
	var perUser float64
	for b.Loop() {
		before := heap()
		m := newManager(newProvider().config(), store, nil)
		strings := 0
		for _, key := range keys {
			t, err := m.Token(b.Context(), key)
			if err != nil {
				b.Fatal(err)
			}
			strings += len(t.AccessToken) + len(t.RefreshToken) + len(t.UserUID)
		}
		perUser = (heap() - before - float64(strings)) / users
		if err := m.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(perUser, "B/user")
}

func heap() float64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // what sync.Pools held goes with the second
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
}

// peerSource is x/oauth2's view of p, as early as its users can be about the end of a token.
func peerSource(ctx context.Context, p *provider, early time.Duration) oauth2.TokenSource {
	c := &oauth2.Config{ClientID: "client", Endpoint: oauth2.Endpoint{TokenURL: "https://app.example.org/token", AuthStyle: oauth2.AuthStyleInParams}}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: p, Timeout: 30 * time.Second})
	token := p.login("user").OAuth2()
	return oauth2.ReuseTokenSourceWithExpiry(token, c.TokenSource(ctx, token), early)
}

// BenchmarkHerd has 10,000 goroutines want a token that has ended. It reports how many requests
// that makes, how long after the response (and after we stored it) the last one has its token, and
// how many goroutines there are beyond the 10,000.
func BenchmarkHerd(b *testing.B) {
	const callers = 10_000
	run := func(b *testing.B, begin func() (p *provider, served *time.Time, call func() bool)) {
		var posts, more int
		var last time.Duration
		for b.Loop() {
			before := runtime.NumGoroutine()
			p, answered, call := begin()
			if p != nil {
				after := p.after
				p.after = func(n int, r *http.Response) (*http.Response, error) {
					more = max(more, runtime.NumGoroutine()-callers-before)
					return after(n, r)
				}
			}
			var all sync.WaitGroup
			for range callers {
				all.Go(func() {
					if !call() {
						b.Error("no token")
					}
				})
			}
			all.Wait()
			last += time.Since(*answered)
			if p != nil {
				posts += p.asked()
			}
		}
		b.ReportMetric(float64(posts)/float64(b.N), "POSTs/op")
		b.ReportMetric(float64(last.Microseconds())/1000/float64(b.N), "last-ms")
		b.ReportMetric(float64(more), "goroutines")
	}
	b.Run("impl=csoauth", func(b *testing.B) {
		run(b, func() (*provider, *time.Time, func() bool) {
			p, saved := newProvider(), new(time.Time)
			p.after = func(_ int, r *http.Response) (*http.Response, error) { return r, nil }
			store := &hooked{Store: new(tokens.Memory), swapped: func(_ int, _ string, err error) error {
				*saved = time.Now()
				return err
			}}
			m := newManager(p.config(), store, nil)
			ended := p.login("user")
			ended.Expiry = time.Now().Add(-time.Minute)
			require.NoError(b, m.Put(b.Context(), "user", ended))
			ctx := b.Context()
			return p, saved, func() bool { t, _ := m.Token(ctx, "user"); return t != nil }
		})
	})
	b.Run("impl=xoauth2", func(b *testing.B) {
		run(b, func() (*provider, *time.Time, func() bool) {
			p, answered := newProvider(), new(time.Time)
			p.after = func(_ int, r *http.Response) (*http.Response, error) {
				*answered = time.Now()
				return r, nil
			}
			source := peerSource(b.Context(), p, 2*p.lives) // the first token is over, as early as this
			source = oauth2.ReuseTokenSource(&oauth2.Token{AccessToken: "ended", Expiry: time.Now().Add(-time.Minute)}, source)
			return p, answered, func() bool { t, _ := source.Token(); return t != nil }
		})
	})
	b.Run("impl=limit", func(b *testing.B) {
		run(b, func() (*provider, *time.Time, func() bool) {
			closed, at := make(chan struct{}), new(time.Time)
			time.AfterFunc(newProvider().takes, func() {
				*at = time.Now()
				close(closed)
			})
			return nil, at, func() bool { <-closed; return true }
		})
	})
}

// BenchmarkExpiryTail has 64 goroutines use a token through several ends of it. It reports the
// longest of their waits and the one that 9,999 of 10,000 were not longer than.
func BenchmarkExpiryTail(b *testing.B) {
	run := func(b *testing.B, begin func(p *provider) (call func() bool)) {
		var waits []time.Duration
		for b.Loop() {
			p := newProvider()
			p.lives = 2 * time.Second
			call := begin(p)
			var all sync.WaitGroup
			var mu sync.Mutex
			for range 64 {
				all.Go(func() {
					var mine []time.Duration
					for began := time.Now(); time.Since(began) < 4*p.lives; time.Sleep(time.Millisecond) {
						asked := time.Now()
						if !call() {
							b.Error("no token")
							return
						}
						mine = append(mine, time.Since(asked))
					}
					mu.Lock()
					defer mu.Unlock()
					waits = append(waits, mine...)
				})
			}
			all.Wait()
			if p.asked() < 3 {
				b.Errorf("the token was refreshed only %d times", p.asked())
			}
		}
		slices.Sort(waits)
		b.ReportMetric(waits[len(waits)-1].Seconds()*1000, "longest-ms")
		b.ReportMetric(waits[len(waits)-1-len(waits)/10_000].Seconds()*1000, "p99.99-ms")
	}
	b.Run("impl=csoauth", func(b *testing.B) {
		run(b, func(p *provider) func() bool {
			m := newManager(p.config(), new(tokens.Memory), nil)
			require.NoError(b, m.Put(b.Context(), "user", p.login("user")))
			ctx := b.Context()
			return func() bool { t, _ := m.Token(ctx, "user"); return t != nil }
		})
	})
	b.Run("impl=xoauth2", func(b *testing.B) {
		run(b, func(p *provider) func() bool {
			source := peerSource(b.Context(), p, 10*time.Millisecond)
			return func() bool { t, _ := source.Token(); return t != nil }
		})
	})
}
