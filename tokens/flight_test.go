package tokens_test

import (
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// What a look has loaded says nothing any more once a Put or Delete of this process is done.
func TestPutDuringALookStands(t *testing.T) {
	for name, between := range map[string]func(t *testing.T, p *provider, m *tokens.Manager){
		"a Put":          func(*testing.T, *provider, *tokens.Manager) {},
		"Delete and Put": func(t *testing.T, _ *provider, m *tokens.Manager) { require.NoError(t, m.Delete(t.Context(), "user")) },
		"two Puts": func(t *testing.T, p *provider, m *tokens.Manager) {
			require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
				m := replica(t, p, store, nil)
				require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
				time.Sleep(70 * time.Second)
				loaded, goOn := make(chan struct{}), make(chan struct{})
				var stood atomic.Bool
				store.loaded = func(int, string) error {
					if stood.CompareAndSwap(false, true) {
						close(loaded)
						<-goOn
					}
					return nil
				}
				access(t, m) // its look stands still
				<-loaded
				between(t, p, m)
				last := p.login("user")
				require.NoError(t, m.Put(t.Context(), "user", last))
				close(goOn)
				synctest.Wait()
				assert.Equal(t, last.AccessToken, access(t, m))
			})
		})
	}
}

func TestPutWakesAWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		p.takes = 20 * time.Second
		store := new(tokens.Memory)
		setup := newManager(p.config(), store, nil)
		require.NoError(t, setup.Put(t.Context(), "user", p.login("user")))
		require.NoError(t, setup.Close())
		time.Sleep(p.lives - 15*time.Second)
		m := newManager(p.config(), store, nil)
		start := time.Now()
		go func() { _, _ = m.Token(t.Context(), "user") }() // the flight offers the store's token
		time.Sleep(6 * time.Second)                         // 9 s are left: in the margin
		var got time.Duration
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := m.Token(t.Context(), "user")
			assert.NoError(t, err)
			got = time.Since(start)
		})
		time.Sleep(2 * time.Second)
		require.NoError(t, m.Put(t.Context(), "user", p.login("again")))
		wg.Wait()
		assert.Equal(t, 8*time.Second, got, "the Put wakes the waiter")
		require.NoError(t, m.Close())
	})
}

func TestLockOfAHolderThatIsDoneProvesNothing(t *testing.T) {
	for _, after := range []time.Duration{10 * time.Millisecond, 90 * time.Millisecond} {
		t.Run(after.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider() // takes 100 ms
				store := &lockedMemory{lock: make(chan struct{}, 1)}
				a, b := newManager(p.config(), store, &tokens.Options{Recheck: -1}), newManager(p.config(), store, &tokens.Options{Recheck: -1})
				require.NoError(t, a.Put(t.Context(), "user", p.login("user")))
				old, err := b.Token(t.Context(), "user")
				require.NoError(t, err)
				time.Sleep(p.lives - time.Minute)
				_, err = a.Token(t.Context(), "user")
				require.NoError(t, err)
				time.Sleep(after) // a's refresh ends 100 ms after it began
				_, err = b.Token(t.Context(), "user")
				require.NoError(t, err)
				time.Sleep(5 * time.Second)
				token, err := b.Token(t.Context(), "user")
				require.NoError(t, err)
				assert.NotEqual(t, old.AccessToken, token.AccessToken, "the other replica's new token was there to be had 5 s ago")
				require.NoError(t, a.Close())
				require.NoError(t, b.Close())
			})
		})
	}
}

func TestRefusalIsNotRememberedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		store := &hooked{Store: new(tokens.Memory)}
		m := newManager(p.config(), store, nil)
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		time.Sleep(p.lives)
		p.before = func(int, *http.Request) (*http.Response, error) {
			return jsonAnswer(400, map[string]any{"error": "invalid_grant"}), nil
		}
		_, err := m.Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)
		time.Sleep(time.Hour)
		store.load = func(int, string) error { return errors.New("down") }
		_, err = m.Token(t.Context(), "user")
		require.ErrorContains(t, err, "down")
		require.NotErrorIs(t, err, csoauth.ErrLoginRequired)
		_, err = m.Token(t.Context(), "user")
		assert.ErrorContains(t, err, "down", "the last error")
		assert.NotErrorIs(t, err, csoauth.ErrLoginRequired)
		require.NoError(t, m.Close())
	})
}

func TestRetryAfterOutlivesARejection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		p.lives = 24 * time.Hour
		store := &hooked{Store: new(tokens.Memory)}
		m := newManager(p.config(), store, &tokens.Options{SoftWindow: 6 * time.Hour})
		login := p.login("user")
		require.NoError(t, m.Put(t.Context(), "user", login))
		time.Sleep(p.lives - 2*time.Hour)
		p.before = func(int, *http.Request) (*http.Response, error) {
			r := jsonAnswer(429, map[string]any{})
			r.Header.Set("Retry-After", "3600")
			return r, nil
		}
		_, err := m.Token(t.Context(), "user")
		require.NoError(t, err)
		synctest.Wait()
		time.Sleep(time.Second)
		asked := p.asked()
		time.Sleep(6 * time.Minute)
		_, _ = m.Token(t.Context(), "user")
		synctest.Wait()
		require.Equal(t, asked, p.asked())
		// An API rejects the token while the store is down.
		store.load = func(int, string) error { return errors.New("down") }
		api := &http.Client{Transport: m.For("user").Transport(roundTripperFunc(func(*http.Request) (*http.Response, error) { return jsonAnswer(401, map[string]any{}), nil }))}
		resp, err := api.Get("https://api.example/")
		require.NoError(t, err)
		resp.Body.Close()
		synctest.Wait()
		store.load = nil
		require.Equal(t, asked, p.asked())
		time.Sleep(10 * time.Second)
		token, err := m.Token(t.Context(), "user") // valid: rejection is forgotten
		require.NoError(t, err)
		assert.Equal(t, login.AccessToken, token.AccessToken)
		time.Sleep(time.Minute)
		_, _ = m.Token(t.Context(), "user")
		synctest.Wait()
		assert.Equal(t, asked, p.asked(), "Retry-After said an hour, of which 53 minutes are left")
		require.NoError(t, m.Close())
	})
}

func TestCloseBeginsNoRefresh(t *testing.T) {
	began := 0
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			p := newProvider()
			store := &hooked{Store: new(tokens.Memory)}
			m := newManager(p.config(), store, nil)
			require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
			time.Sleep(p.lives - time.Minute)
			lease := store.swaps + 1
			store.swap = func(n int, _ string, _, _ []byte) error {
				if n > lease {
					return errStoreDown
				}
				return nil
			}
			_, err := m.Token(t.Context(), "user")
			require.NoError(t, err)
			time.Sleep(p.lives - 2*time.Minute)
			asked := p.asked()
			require.Equal(t, 1, asked)
			store.change(func() { store.swap = nil })
			require.NoError(t, m.Close())
			began += p.asked() - asked
		})
	}
	assert.Zero(t, began, "refreshes that Close began, of 20")
}

func TestDeletedLoginIsNoFailedSave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		p.takes = 2 * time.Second
		store := &hooked{Store: new(tokens.Memory)}
		var events []tokens.EventType
		m := newManager(p.config(), store, &tokens.Options{OnEvent: func(e tokens.Event) { events = append(events, e.Type) }})
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		time.Sleep(p.lives - time.Minute)
		_, err := m.Token(t.Context(), "user")
		require.NoError(t, err)
		time.Sleep(time.Second)
		require.NoError(t, m.Delete(t.Context(), "user"))
		store.change(func() {
			store.swap = func(int, string, []byte, []byte) error { return errStoreDown }
			store.load = func(int, string) error { return errStoreDown }
		})
		time.Sleep(30 * time.Second)
		synctest.Wait()
		assert.NotContains(t, events, tokens.EventSaveFailed)
		require.NoError(t, m.Close())
	})
}

func TestNothingIsRememberedForGood(t *testing.T) {
	for _, what := range []string{"another's lease was seen", "the store failed once"} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				p.takes = 10 * time.Second
				store := &hooked{Store: new(tokens.Memory)}
				a, b := newManager(p.config(), store, nil), newManager(p.config(), store, nil)
				require.NoError(t, a.Put(t.Context(), "user", p.login("user")))
				_, err := b.Token(t.Context(), "user")
				require.NoError(t, err)
				synctest.Wait() // the flight has the token before it is over
				require.False(t, b.Remembers("user"))
				time.Sleep(p.lives - time.Minute)
				if what == "the store failed once" {
					store.load = func(int, string) error { return errors.New("down") }
					_, _ = b.Token(t.Context(), "user")
					synctest.Wait()
					store.load = nil
				} else {
					_, err = a.Token(t.Context(), "user")
					require.NoError(t, err)
					time.Sleep(time.Second)
				}
				for range 20 {
					_, err = b.Token(t.Context(), "user")
					require.NoError(t, err)
					time.Sleep(2 * time.Minute)
				}
				synctest.Wait()
				assert.False(t, b.Remembers("user"))
				require.NoError(t, a.Close())
				require.NoError(t, b.Close())
			})
		})
	}
}
