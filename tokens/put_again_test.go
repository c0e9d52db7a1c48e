package tokens_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// A callback that comes twice stores its token twice. By the second time the refresh token may be
// spent.
//
// Law: M4
func TestPutOfASpentTokenChangesNothing(t *testing.T) {
	for name, saves := range map[string]bool{"the next pair is stored": true, "it is in memory only": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
				ms := replicas(t, 2, p, store, nil)
				first := readStored(t, store).token
				time.Sleep(p.lives)
				if swaps := store.swaps; !saves {
					store.change(func() {
						store.swap = func(n int, _ string, _, _ []byte) error {
							if n > swaps+1 {
								return errStoreDown
							}
							return nil
						}
					})
				}
				require.Equal(t, "access-user-2", access(t, ms[0]))
				before := readStored(t, store).raw
				putters := ms
				if !saves {
					putters = ms[:1] // another process cannot know, and holds what it puts for good
				}
				for _, m := range putters {
					require.NoError(t, m.Put(t.Context(), "user", &first))
					assert.Equal(t, string(before), string(readStored(t, store).raw))
				}
				store.change(func() { store.swap = nil })
				time.Sleep(time.Minute)
				for _, m := range ms {
					assert.Equal(t, "access-user-2", access(t, m))
				}
				for range 3 {
					time.Sleep(p.lives)
					for _, m := range ms {
						require.NoError(t, m.Put(t.Context(), "user", &first), "also much later")
						access(t, m)
					}
				}
				now := readStored(t, store)
				p.requireAlive(t, &now.token)
			})
		})
	}
}

// The refresh token of the record is put again while a process has sent it: others wait for that
// process as before.
//
// Law: M4
func TestPutOfTheSameRefreshTokenKeepsTheLease(t *testing.T) {
	for by, name := range []string{"by the process that refreshes", "by another", "by a third, which has it in memory"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), new(tokens.Memory)
				p.takes = 3 * time.Second
				ms := replicas(t, 3, p, store, nil)
				access(t, ms[2])
				first := readStored(t, store).token
				time.Sleep(p.lives)
				waiting := ask(t.Context(), ms[0])
				time.Sleep(time.Second)
				lease := readStored(t, store).lease
				require.NotEmpty(t, lease)
				require.NoError(t, ms[by].Put(t.Context(), "user", &first))
				assert.Equal(t, lease, readStored(t, store).lease)
				for _, m := range ms {
					assert.Equal(t, "access-user-2", access(t, m))
				}
				<-waiting
				assert.Equal(t, 1, p.asked())
				now := readStored(t, store)
				assert.Empty(t, now.lease)
				p.requireAlive(t, &now.token)
			})
		})
	}
}

// A pair that only memory has is put. The lease in the store is of the refresh token before it, and
// nobody has to wait for its end.
func TestPutOfAnUnsavedPairLeavesNoLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		ms := replicas(t, 2, p, store, nil)
		time.Sleep(p.lives)
		swaps := store.swaps
		store.change(func() {
			store.swap = func(n int, _ string, _, _ []byte) error {
				if n > swaps+1 {
					return errStoreDown
				}
				return nil
			}
		})
		unsaved, err := ms[0].Token(t.Context(), "user")
		require.NoError(t, err)
		require.NotEmpty(t, readStored(t, store).lease)
		store.change(func() { store.swap = nil })
		require.NoError(t, ms[0].Put(t.Context(), "user", unsaved))
		assert.Empty(t, readStored(t, store).lease)
		time.Sleep(time.Minute)
		assert.Empty(t, readStored(t, store).lease)
		assert.Equal(t, "access-user-2", access(t, ms[1]))
	})
}

// What may be spent stays so over a Put of the same token.
//
// Law: M4
func TestPutOfTheSameRefreshTokenRemembersThatItMayBeSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		m := replicas(t, 1, p, store, nil)[0]
		first := readStored(t, store).token
		p.before = func(int, *http.Request) (*http.Response, error) { return nil, errors.New("connection reset") }
		time.Sleep(p.lives - 5*time.Minute)
		access(t, m)
		time.Sleep(5 * time.Second)
		asked := p.asked()
		require.Positive(t, asked)
		require.NoError(t, m.Put(t.Context(), "user", &first))
		for range 4 {
			time.Sleep(time.Minute)
			require.Equal(t, "access-user-1", access(t, m))
		}
		synctest.Wait()
		assert.Equal(t, asked, p.asked(), "not again while the access token is valid")
	})
}

// A user who logs in again is believed, also if the server gives the same refresh token again.
//
// Law: M4
func TestPutOfTheSameRefreshTokenClearsARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		ms := replicas(t, 2, p, store, nil)
		first := readStored(t, store).token
		refuses := true
		p.before = func(int, *http.Request) (*http.Response, error) {
			if refuses {
				return jsonAnswer(400, map[string]any{"error": "invalid_grant"}), nil
			}
			return nil, nil
		}
		atEnd(p)
		for _, m := range ms {
			_, err := m.Token(t.Context(), "user")
			require.ErrorIs(t, err, csoauth.ErrLoginRequired)
		}
		require.Equal(t, 1, p.asked())
		refuses = false
		require.NoError(t, ms[0].Put(t.Context(), "user", &first))
		assert.NotContains(t, string(readStored(t, store).raw), "refusal")
		time.Sleep(6 * time.Second)
		for _, m := range ms {
			assert.Equal(t, "access-user-2", access(t, m))
		}
		assert.Equal(t, 2, p.asked())
	})
}
