package tokens_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

// failSwaps has the swaps from first to last fail with err: before they are done, or afterwards.
func failSwaps(h *hooked, first, last int, done bool, err error) {
	if done {
		h.swapped = func(n int, _ string, is error) error {
			if first <= n && n <= last {
				return err
			}
			return is
		}
		return
	}
	h.swap = func(n int, _ string, _, _ []byte) error {
		if first <= n && n <= last {
			return err
		}
		return nil
	}
}

// Each row is what a store may do with the swap that saves a new pair, and with what follows.
//
// Law: M4
func TestSaveThatNobodyKnowsOf(t *testing.T) {
	for name, hook := range map[string]func(h *hooked, save int){
		"done, but the response was lost":    func(h *hooked, save int) { failSwaps(h, save, save, true, errStoreDown) },
		"done, but both responses were lost": func(h *hooked, save int) { failSwaps(h, save, save+1, true, errStoreDown) },
		"not done":                           func(h *hooked, save int) { failSwaps(h, save, save, false, errStoreDown) },
		"not done twice":                     func(h *hooked, save int) { failSwaps(h, save, save+1, false, errStoreDown) },
		"done, and called a conflict":        func(h *hooked, save int) { failSwaps(h, save, save, true, tokens.ErrConflict) },
		"down for two seconds": func(h *hooked, save int) {
			var until time.Time
			down := func() error {
				if time.Now().Before(until) {
					return errStoreDown
				}
				return nil
			}
			h.swap = func(n int, _ string, _, _ []byte) error {
				if n == save {
					until = time.Now().Add(2 * time.Second)
				}
				return down()
			}
			h.load = func(int, string) error { return down() }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store, events := newProvider(), &hooked{Store: new(tokens.Memory)}, new(eventLog)
				m := replicas(t, 1, p, store, &tokens.Options{OnEvent: events.add})[0]
				atEnd(p)
				hook(store, store.swaps+2)

				assert.Equal(t, "access-user-2", access(t, m))
				now := readStored(t, store)
				assert.Equal(t, "access-user-2", now.token.AccessToken)
				assert.Empty(t, now.lease)
				assert.Equal(t, 1, p.asked())
				synctest.Wait()
				assert.Equal(t, []tokens.EventType{tokens.EventRefreshed}, events.types())
			})
		})
	}
}

// The save was done and its response was lost. Before anyone looked, another replica refreshed the
// pair: ours is history.
func TestPairThatWasSavedAndRefreshedByOthersIsNotSavedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		all := replicas(t, 2, p, store.Store, nil)
		m := replica(t, p, store, nil)
		access(t, m)
		atEnd(p)
		lives := p.lives
		p.lives = time.Second // of the pair that is saved, so that others soon refresh it
		save := store.swaps + 2
		var history atomic.Bool
		store.swapped = func(n int, _ string, err error) error {
			if n == save+1 {
				time.Sleep(p.lives)
				p.lives = lives
				assert.Equal(t, "access-user-3", access(t, all[0]))
				history.Store(true)
				return errStoreDown
			}
			if n >= save && !history.Load() {
				return errStoreDown
			}
			return err
		}
		store.swap = func(n int, _ string, _, _ []byte) error { // tries beside the one that hangs
			if n > save+1 && !history.Load() {
				return errStoreDown
			}
			return nil
		}
		token, err := m.Token(t.Context(), "user")
		require.NoError(t, err)
		assert.Equal(t, "access-user-3", token.AccessToken)
		p.requireAlive(t, token)
		now := readStored(t, store)
		p.requireAlive(t, &now.token)
	})
}

// A Delete that was done, whose response was lost, is not undone by asking again.
func TestPutAndDeleteSurviveLostAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		m := replica(t, p, store, nil)
		lose := func(n int, _ string, err error) error {
			if n%2 == 1 {
				return errStoreDown
			}
			return err
		}
		store.swapped = lose
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		assert.Equal(t, "access-user-1", access(t, m))
		require.NoError(t, m.Delete(t.Context(), "user"))
		_, err := m.Token(t.Context(), "user")
		require.ErrorIs(t, err, tokens.ErrNotFound)
		assert.Equal(t, 4, store.swaps)
	})
}
