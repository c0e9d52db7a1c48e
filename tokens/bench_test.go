package tokens_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// Each benchmark runs us (csoauth), golang.org/x/oauth2 under the same conditions (xoauth2), and
// the standard library doing only what cannot be left out (limit), so that one run on one machine
// compares them:
//
//	go test -bench Hit -cpu 1,2,8 -count 10 -run '^$' ./tokens | benchstat -col /impl -

// benchToken is a login with tokens as long as Contentstack's and a name of its own.
func benchToken(name string) *csoauth.Token {
	return &csoauth.Token{
		AccessToken: fmt.Sprintf("access-%040s", name), RefreshToken: fmt.Sprintf("refresh-%040s", name), TokenType: "Bearer",
		Expiry: time.Now().Add(time.Hour), UserUID: fmt.Sprintf("user-%020s", name), OrganizationUID: "blt0123456789abcdef",
		ClientID: "client", RedirectURI: "http://localhost:8184/callback",
	}
}

// benchManager does not recheck: a look into the store, every minute for each user, is not what a
// hit costs.
func benchManager(b *testing.B) *tokens.Manager {
	m := newManager(newProvider().config(), new(tokens.Memory), &tokens.Options{Recheck: -1})
	b.Cleanup(func() { m.Close() })
	require.NoError(b, m.Put(b.Context(), "user", benchToken("user")))
	return m
}

// A snapshot is what a hit cannot do without: a token of our size and its end.
type snapshot struct {
	token  csoauth.Token
	bearer string
	fresh  time.Time
	_      [3]int64
}

// held is the least that a source of tokens does: a load, a look at the clock, a comparison.
type held struct{ now atomic.Pointer[snapshot] }

func (h *held) hit() *csoauth.Token {
	if s := h.now.Load(); time.Now().Before(s.fresh) {
		return &s.token
	}
	return nil
}

func newHeld(t *csoauth.Token) *held {
	h := new(held)
	h.now.Store(&snapshot{token: *t, bearer: "Bearer " + t.AccessToken, fresh: t.Expiry})
	return h
}

// BenchmarkHit has GOMAXPROCS goroutines, and 64 times as many, ask one handle for a token that is
// good.
func BenchmarkHit(b *testing.B) {
	for _, each := range []int{1, 64} {
		parallel := func(b *testing.B, hit func() bool) {
			b.ReportAllocs()
			b.SetParallelism(each)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if !hit() {
						b.Error("no token")
						return
					}
				}
			})
		}
		b.Run(fmt.Sprintf("each=%d/impl=csoauth", each), func(b *testing.B) {
			source := benchManager(b).For("user").TokenSource(b.Context())
			parallel(b, func() bool { t, _ := source.Token(); return t != nil })
		})
		b.Run(fmt.Sprintf("each=%d/impl=xoauth2", each), func(b *testing.B) {
			source := oauth2.ReuseTokenSource(benchToken("user").OAuth2(), nil)
			parallel(b, func() bool { t, _ := source.Token(); return t != nil })
		})
		b.Run(fmt.Sprintf("each=%d/impl=limit", each), func(b *testing.B) {
			h := newHeld(benchToken("user"))
			parallel(b, func() bool { return h.hit() != nil })
		})
	}
}

// BenchmarkHitByKey asks a Manager of one user for a token that is good.
func BenchmarkHitByKey(b *testing.B) {
	b.Run("impl=csoauth", func(b *testing.B) {
		m, ctx := benchManager(b), context.Background()
		b.ReportAllocs()
		for b.Loop() {
			if _, err := m.Token(ctx, "user"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("impl=limit", func(b *testing.B) {
		var all sync.Map
		all.Store("user", newHeld(benchToken("user")))
		b.ReportAllocs()
		for b.Loop() {
			if h, _ := all.Load("user"); h.(*held).hit() == nil {
				b.Fatal("no token")
			}
		}
	})
}

// BenchmarkHitManyUsers asks for one of 100,000 users after the other, in an order that no cache of
// the machine's foresees.
func BenchmarkHitManyUsers(b *testing.B) {
	const users = 100_000
	keys := make([]string, users)
	for i := range keys {
		keys[i] = fmt.Sprintf("user-%d", i)
	}
	var turns atomic.Uint64
	parallel := func(b *testing.B, hit func(key string) bool) {
		b.ReportAllocs()
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			next := turns.Add(1) * 0x9e3779b97f4a7c15
			for pb.Next() {
				next = next*6364136223846793005 + 1442695040888963407
				if !hit(keys[(next>>33)%users]) {
					b.Error("no token")
					return
				}
			}
		})
	}
	m, all := benchManager(b), new(sync.Map)
	require.NoError(b, m.Delete(b.Context(), "user"))
	for _, key := range keys {
		require.NoError(b, m.Put(b.Context(), key, benchToken(key)))
		all.Store(key, newHeld(benchToken(key)))
	}
	b.Run("impl=csoauth", func(b *testing.B) {
		ctx := context.Background()
		parallel(b, func(key string) bool { t, _ := m.Token(ctx, key); return t != nil })
	})
	b.Run("impl=limit", func(b *testing.B) {
		parallel(b, func(key string) bool {
			h, _ := all.Load(key)
			return h.(*held).hit() != nil
		})
	})
}

// BenchmarkTransport sends a GET with the headers of a call to Contentstack into a RoundTripper
// that does nothing.
func BenchmarkTransport(b *testing.B) {
	answer := &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}
	base := roundTrip(func(*http.Request) (*http.Response, error) { return answer, nil })
	req, err := http.NewRequest(http.MethodGet, "https://api.contentstack.io/v3/content_types/page/entries?limit=100", nil)
	require.NoError(b, err)
	for name, value := range map[string]string{
		"Accept": "application/json", "Content-Type": "application/json", "User-Agent": "bench/1.0", "Api_key": "blt0123456789abcdef",
	} {
		req.Header.Set(name, value)
	}
	run := func(b *testing.B, rt http.RoundTripper) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := rt.RoundTrip(req); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("impl=csoauth", func(b *testing.B) { run(b, benchManager(b).For("user").Transport(base)) })
	b.Run("impl=xoauth2", func(b *testing.B) {
		run(b, &oauth2.Transport{Source: oauth2.ReuseTokenSource(benchToken("user").OAuth2(), nil), Base: base})
	})
	b.Run("impl=limit", func(b *testing.B) {
		run(b, &bareTransport{"Bearer " + benchToken("user").AccessToken, base})
	})
}

// A bareTransport does what no transport with a token can leave out. A RoundTripper must not change
// the request, and the header is a part of it.
type bareTransport struct {
	bearer string
	base   http.RoundTripper
}

func (t *bareTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := *r
	sent.Header = maps.Clone(r.Header)
	sent.Header["Authorization"] = []string{t.bearer}
	return t.base.RoundTrip(&sent)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
