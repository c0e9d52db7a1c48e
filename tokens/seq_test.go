package tokens_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// Law: M2
func TestNewerRecordIsAdoptedWithoutAPost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		all := replicas(t, 3, p, store, &tokens.Options{Recheck: -1})
		for round := range 3 {
			atEnd(p)
			first := access(t, all[0])
			for _, m := range all[1:] {
				assert.Equal(t, first, access(t, m))
			}
			assert.Equal(t, round+1, p.asked())
		}
	})
}

func TestLoginThatIsReplacedElsewhereIsAdopted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		all := replicas(t, 2, p, store, nil)
		time.Sleep(time.Second)
		require.NoError(t, all[0].Put(t.Context(), "user", p.login("other")))
		time.Sleep(2 * time.Minute)
		access(t, all[1]) // has the store looked at
		synctest.Wait()
		assert.Equal(t, "access-other-2", access(t, all[1]))
		assert.Equal(t, 0, p.asked())
	})
}

// Law: M2
func TestStoreThatLostWritesGetsThemBack(t *testing.T) {
	type change = func(t *testing.T, p *provider, m *tokens.Manager)
	refreshed := func(t *testing.T, p *provider, m *tokens.Manager) { atEnd(p); access(t, m) }
	for name, changes := range map[string][]change{
		"a refresh":         {refreshed},
		"several refreshes": {refreshed, refreshed, refreshed},
		"a login": {func(t *testing.T, p *provider, m *tokens.Manager) {
			require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		}},
	} {
		for due, wait := range map[string]func(*provider){
			"at a recheck":          func(*provider) { time.Sleep(2 * time.Minute) },
			"when a refresh is due": atEnd,
		} {
			t.Run(name+" "+due, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p, store := newProvider(), new(tokens.Memory)
					m := replicas(t, 1, p, store, nil)[0]
					old := readStored(t, store)
					for _, change := range changes {
						change(t, p, m)
					}
					newer := readStored(t, store)
					require.NoError(t, store.CompareAndSwap(t.Context(), "user", newer.raw, old.raw)) // from a backup

					wait(p)
					access(t, m)
					synctest.Wait()
					for _, post := range p.posts {
						assert.True(t, post.granted, "a spent refresh token was sent")
					}
					now := readStored(t, store)
					assert.GreaterOrEqual(t, now.seq, newer.seq)
					assert.Equal(t, now.token.AccessToken, access(t, m))
					p.requireAlive(t, &now.token)
				})
			})
		}
	}
}

// Law: M2
func TestLoginThatEndedElsewhereEndsHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store, events := newProvider(), new(tokens.Memory), new(eventLog)
		all := replicas(t, 2, p, store, &tokens.Options{OnEvent: events.add})
		require.NoError(t, all[0].Delete(t.Context(), "user"))
		atEnd(p)

		_, err := all[1].Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)
		require.ErrorIs(t, err, tokens.ErrNotFound)
		assert.Equal(t, 0, p.asked())
		synctest.Wait()
		assert.Equal(t, []tokens.EventType{tokens.EventLoginRequired}, events.types())
		_, err = store.Load(t.Context(), "user")
		require.ErrorIs(t, err, tokens.ErrNotFound, "the login was not written back")

		// A new login by the same user counts from then on.
		require.NoError(t, all[0].Put(t.Context(), "user", p.login("user")))
		assert.Equal(t, "access-user-2", access(t, all[1]))
	})
}

// Law: M2
func TestSeq(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		m := replica(t, p, store, &tokens.Options{Recheck: -1})
		put := func() int64 {
			require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
			return readStored(t, store).seq
		}
		began := time.Now().UnixMilli()
		assert.Equal(t, began, put(), "a first Put: the time")
		assert.Equal(t, began+1, put(), "a Put in the same millisecond: one more")
		time.Sleep(time.Minute)
		assert.Equal(t, began+60_000, put(), "a later Put: the time")
		atEnd(p)
		access(t, m)
		assert.Equal(t, began+60_001, readStored(t, store).seq, "a refresh: one more")

		// A replica whose clock is ahead has stored the next login.
		old := readStored(t, store).raw
		ahead := []byte(`{"kind":"csoauth/tokens.Record","version":1,"seq":99999999999999,"token":{"kind":"csoauth.Token","version":1,"access_token":"a","refresh_token":"r","region":"NA"}}`)
		require.NoError(t, store.CompareAndSwap(t.Context(), "user", old, ahead))
		assert.Equal(t, int64(99999999999999+1), put(), "a Put over a record from the future: one more")
	})
}

// A clock that was ahead gave the old login a seq that no other reaches for years. That makes a new
// one no lost write.
//
// Law: M2
func TestLoginAfterDeleteIsAdoptedWhateverItsSeq(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		all := replicas(t, 2, p, store, &tokens.Options{Recheck: -1})
		change(t, store, map[string]any{"seq": time.Now().AddDate(10, 0, 0).UnixMilli()})
		atEnd(p)
		access(t, all[0]) // refreshes a login of the future
		require.NoError(t, all[1].Delete(t.Context(), "user"))
		require.NoError(t, all[1].Put(t.Context(), "user", p.login("other")))
		atEnd(p)
		assert.Equal(t, "access-other-4", access(t, all[0]))
	})
}

// While a lost write is written back, another process stores a login. That one counts.
//
// Law: M2
func TestWriteBackThatLosesLooksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		m := replicas(t, 1, p, store, nil)[0]
		other := replica(t, p, store.Store, nil)
		old := readStored(t, store)
		atEnd(p)
		access(t, m)
		newer := readStored(t, store)
		require.NoError(t, store.Store.CompareAndSwap(t.Context(), "user", newer.raw, old.raw)) // from a backup
		raced := false
		store.change(func() {
			store.swap = func(int, string, []byte, []byte) error {
				if !raced {
					raced = true
					return other.Put(t.Context(), "user", p.login("other"))
				}
				return nil
			}
		})
		time.Sleep(2 * time.Minute)
		assert.Equal(t, "access-other-3", access(t, m))
		assert.True(t, raced)
		now := readStored(t, store)
		assert.Equal(t, "access-other-3", now.token.AccessToken)
	})
}
