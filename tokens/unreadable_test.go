package tokens_test

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"context"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// Whatever a store has that cannot be read: a user who logs in again, or out, wins over it.
//
// Law: M2
func TestPutAndDeleteWinOverWhatCannotBeRead(t *testing.T) {
	newer := []byte(`{"kind":"csoauth/tokens.Record","version":2,"seq":1}`)
	for name, fill := range map[string]func(t *testing.T, inner, right, wrong tokens.Store){
		"sealed with another key": func(t *testing.T, _, _, wrong tokens.Store) {
			require.NoError(t, wrong.CompareAndSwap(t.Context(), "user", nil, []byte(sealedText)))
		},
		"not sealed": func(t *testing.T, inner, _, _ tokens.Store) {
			require.NoError(t, inner.CompareAndSwap(t.Context(), "user", nil, newer))
		},
		"empty": func(t *testing.T, inner, _, _ tokens.Store) {
			require.NoError(t, inner.CompareAndSwap(t.Context(), "user", nil, []byte{}))
		},
		"a newer version": func(t *testing.T, _, right, _ tokens.Store) {
			require.NoError(t, right.CompareAndSwap(t.Context(), "user", nil, newer))
		},
		"rubbish": func(t *testing.T, _, right, _ tokens.Store) {
			require.NoError(t, right.CompareAndSwap(t.Context(), "user", nil, []byte{0, 255, 1}))
		},
		"too large": func(t *testing.T, _, right, _ tokens.Store) {
			require.NoError(t, right.CompareAndSwap(t.Context(), "user", nil, bytes.Repeat([]byte("x"), 1<<20)))
		},
		"at the end of seq": func(t *testing.T, _, right, _ tokens.Store) {
			raw := strings.Replace(string(newer), `2,"seq":1`, `1,"seq":9223372036854775807,"token":{"kind":"csoauth.Token","version":1,"access_token":"A"}`, 1)
			require.NoError(t, right.CompareAndSwap(t.Context(), "user", nil, []byte(raw)))
		},
	} {
		for _, deletes := range []bool{false, true} {
			for where, open := range map[string]func() tokens.Store{"memory": func() tokens.Store { return new(tokens.Memory) }, "dir": func() tokens.Store { return tokens.Dir(t.TempDir()) }} {
				t.Run(name+", "+where+", deletes "+strconv.FormatBool(deletes), func(t *testing.T) {
					inner := open()
					right, wrong := sealed(t, inner, key32(1)), sealed(t, inner, key32(2))
					fill(t, inner, right, wrong)
					p := newProvider()
					m := newManager(p.config(), right, nil)
					_, err := m.Token(t.Context(), "user")
					require.ErrorIs(t, err, tokens.ErrUnreadable)
					require.NotErrorIs(t, err, csoauth.ErrLoginRequired)
					if deletes {
						require.NoError(t, m.Delete(t.Context(), "user"))
						_, err := inner.Load(t.Context(), "user")
						require.ErrorIs(t, err, tokens.ErrNotFound)
					} else {
						require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
						assert.Equal(t, "access-user-1", access(t, m))
					}
					require.NoError(t, m.Close())
				})
			}
		}
	}
}

// After Reseal of every user's value the old key is not needed any more, though Managers were at
// work with all of them.
func TestResealSoThatAKeyCanGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, inner := newProvider(), new(tokens.Memory)
		older := newManager(p.config(), sealed(t, inner, key32(1)), nil)
		const users = 1000
		for n := range users {
			require.NoError(t, older.Put(t.Context(), strconv.Itoa(n), p.login("user")))
		}
		rotated := sealed(t, inner, key32(2), key32(1))
		m := newManager(p.config(), rotated, nil)
		time.Sleep(p.lives - 5*time.Minute)
		for n := range users {
			if n%3 == 0 { // they are refreshed meanwhile
				_, err := m.Token(t.Context(), strconv.Itoa(n))
				require.NoError(t, err)
			}
			require.NoError(t, tokens.Reseal(t.Context(), rotated, strconv.Itoa(n)))
		}
		require.NoError(t, tokens.Reseal(t.Context(), rotated, "has no login"))
		synctest.Wait()
		require.NoError(t, older.Close())
		require.NoError(t, m.Close())
		newest := newManager(p.config(), sealed(t, inner, key32(2)), nil)
		for n := range users {
			_, err := newest.Token(t.Context(), strconv.Itoa(n))
			require.NoError(t, err)
		}
		require.NoError(t, newest.Close())
	})
}

func TestResealOfWhatIsNotSealed(t *testing.T) {
	require.ErrorContains(t, tokens.Reseal(t.Context(), new(tokens.Memory), "user"), "Sealed")
	inner, _ := sealedOne(t, key32(1))
	require.ErrorIs(t, tokens.Reseal(t.Context(), sealed(t, inner, key32(2)), sealedKey), tokens.ErrUnreadable)
	require.NoError(t, tokens.Reseal(t.Context(), sealed(t, tokens.Dir(t.TempDir()), key32(2)), sealedKey))
}

// A token of another app in the same store is the operator's mistake, and nobody gets it.
//
// Law: M2
func TestTokenOfAnotherAppIsNotHandedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		m := newManager(p.config(), store, nil)
		token := p.login("user")
		token.ClientID = "client"
		require.NoError(t, m.Put(t.Context(), "user", token))
		other := p.config()
		other.ClientID = "another"
		events := new(eventLog)
		theirs := newManager(other, store, &tokens.Options{OnEvent: events.add})
		for range 3 {
			_, err := theirs.Token(t.Context(), "user")
			require.ErrorIs(t, err, csoauth.ErrConfig)
			require.NotErrorIs(t, err, csoauth.ErrLoginRequired)
			require.ErrorContains(t, err, `"client"`)
			time.Sleep(time.Minute)
		}
		assert.Equal(t, "access-user-1", access(t, m))
		assert.Zero(t, p.asked())
		require.NoError(t, m.Close())
		require.NoError(t, theirs.Close())
	})
}

// oldVersion is a store as a version of this module uses it that does not know the newest members
// of a record: it drops them from what it reads, and so from what it writes.
type oldVersion struct {
	tokens.Store
	raw map[string][]byte // what the store has, by what the old version has seen
}

func (s oldVersion) Load(ctx context.Context, key string) ([]byte, error) {
	raw, err := s.Store.Load(ctx, key)
	if err != nil {
		return nil, err
	}
	seen := withoutNewMembers(raw)
	s.raw[string(seen)] = raw
	return seen, nil
}

func (s oldVersion) CompareAndSwap(ctx context.Context, key string, old, new []byte) error {
	if raw, ok := s.raw[string(old)]; ok {
		old = raw
	}
	if new != nil {
		seen := withoutNewMembers(new)
		s.raw[string(new)], new = seen, seen
	}
	return s.Store.CompareAndSwap(ctx, key, old, new)
}

func withoutNewMembers(raw []byte) []byte {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		panic(err)
	}
	delete(members, "first")
	delete(members, "refusal")
	old, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return old
}

// While replicas of two versions share a store, no login is lost, and each reads what the other
// writes. What the older one drops counts as not known.
//
// Law: M2
func TestTwoVersionsSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		older := newManager(p.config(), oldVersion{store, map[string][]byte{}}, nil)
		newer := newManager(p.config(), store, nil)
		require.NoError(t, newer.Put(t.Context(), "user", p.login("user")))
		for n := range 10 { // they refresh by turns
			time.Sleep(p.lives)
			a, err := []*tokens.Manager{older, newer}[n%2].Token(t.Context(), "user")
			require.NoError(t, err)
			b, err := []*tokens.Manager{newer, older}[n%2].Token(t.Context(), "user")
			require.NoError(t, err)
			assert.Equal(t, a.AccessToken, b.AccessToken)
		}
		assert.Equal(t, 10, p.asked())

		p.logins[readStored(t, store).token.RefreshToken].revoked = true
		time.Sleep(p.lives)
		for range 3 {
			for _, m := range []*tokens.Manager{newer, older} {
				_, err := m.Token(t.Context(), "user")
				require.ErrorIs(t, err, csoauth.ErrLoginRequired)
				time.Sleep(time.Minute)
			}
		}
		assert.LessOrEqual(t, p.asked(), 12, "the older one finds out by itself")
		require.NoError(t, older.Put(t.Context(), "user", p.login("user")))
		time.Sleep(time.Minute)
		for _, m := range []*tokens.Manager{newer, older} {
			assert.Equal(t, "access-user-12", access(t, m))
		}
		require.NoError(t, older.Close())
		require.NoError(t, newer.Close())
	})
}
