package tokens_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// Law: M4
func TestRefreshSavesBeforeReturning(t *testing.T) {
	for name, row := range map[string]struct {
		left time.Duration
		want string // what callers get during the save
	}{
		"of an ended token":         {0, ""},
		"of a token that is good":   {5 * time.Minute, "access-user-1"},
		"of a token that ends soon": {20 * time.Second, "access-user-1"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
				m := replicas(t, 1, p, store, nil)[0]
				time.Sleep(p.lives - row.left)
				saving, save := make(chan struct{}), make(chan struct{})
				lease := store.swaps + 1
				begun := sync.OnceFunc(func() { close(saving) })
				store.swap = func(n int, _ string, _, _ []byte) error {
					if n > lease {
						begun()
						<-save
					}
					return nil
				}
				answers := []<-chan asked{ask(t.Context(), m)}
				<-saving
				for range 3 { // callers that come while it is saved
					answers = append(answers, ask(t.Context(), m))
					time.Sleep(time.Second)
				}
				assert.Equal(t, 1, p.asked())
				close(save)
				began := time.Now()
				for _, answer := range answers {
					got := <-answer
					require.NoError(t, got.err)
					if row.want != "" && got.token.AccessToken != "access-user-2" {
						assert.Equal(t, row.want, got.token.AccessToken)
						continue
					}
					assert.Equal(t, "access-user-2", got.token.AccessToken)
					assert.GreaterOrEqual(t, got.took, time.Second, "nobody had it before it was saved")
				}
				assert.Equal(t, began, time.Now())
			})
		})
	}
}

// The record that the pair came from may look different by the time of the save. It is still the
// parent, or older.
//
// Law: M4
func TestPairIsSavedOverItsParent(t *testing.T) {
	for name, happen := range map[string]func(t *testing.T, s tokens.Store, parent, before stored){
		"another replica took our lease for a dead one's": func(t *testing.T, s tokens.Store, _, _ stored) {
			leaveLease(t, s, "of another process", 30*time.Second)
		},
		"the store forgot our lease": func(t *testing.T, s tokens.Store, parent, _ stored) {
			assert.NoError(t, s.CompareAndSwap(t.Context(), "user", readStored(t, s).raw, parent.raw))
		},
		"the store forgot more": func(t *testing.T, s tokens.Store, _, before stored) {
			assert.NoError(t, s.CompareAndSwap(t.Context(), "user", readStored(t, s).raw, before.raw))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), new(tokens.Memory)
				m := replicas(t, 1, p, store, nil)[0]
				before := readStored(t, store)
				atEnd(p)
				access(t, m)
				parent := readStored(t, store)
				atEnd(p)
				p.before = func(int, *http.Request) (*http.Response, error) {
					happen(t, store, parent, before)
					return nil, nil
				}
				assert.Equal(t, "access-user-3", access(t, m))
				now := readStored(t, store)
				assert.Equal(t, "access-user-3", now.token.AccessToken)
				assert.Equal(t, parent.seq+1, now.seq)
				assert.Empty(t, now.lease)
			})
		})
	}
}

// newLogins are what may happen to a key while its old refresh token is being traded.
var newLogins = map[string]func(t *testing.T, m *tokens.Manager, p *provider){
	"Put": func(t *testing.T, m *tokens.Manager, p *provider) {
		assert.NoError(t, m.Put(t.Context(), "user", p.login("other")))
	},
	"Put twice": func(t *testing.T, m *tokens.Manager, p *provider) {
		assert.NoError(t, m.Put(t.Context(), "user", p.login("third")))
		assert.NoError(t, m.Put(t.Context(), "user", p.login("other")))
	},
	"Delete and Put": func(t *testing.T, m *tokens.Manager, p *provider) {
		assert.NoError(t, m.Delete(t.Context(), "user"))
		assert.NoError(t, m.Put(t.Context(), "user", p.login("other")))
	},
}

// Law: M4
func TestPutDuringARefreshWins(t *testing.T) {
	for name, happen := range newLogins {
		for who, other := range map[string]int{"here": 0, "elsewhere": 1} {
			t.Run(name+" "+who, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p, store := newProvider(), new(tokens.Memory)
					all := replicas(t, 2, p, store, nil)
					atEnd(p)
					p.takes = 10 * time.Second
					answer := ask(t.Context(), all[0])
					time.Sleep(5 * time.Second)
					happen(t, all[other], p)
					want := readStored(t, store).token.AccessToken

					got := <-answer
					require.NoError(t, got.err)
					assert.Contains(t, []string{"third", "other"}, got.token.UserUID, "the login at that moment")
					time.Sleep(2 * time.Minute)
					for _, m := range all {
						access(t, m)
						synctest.Wait()
						assert.Equal(t, want, access(t, m))
					}
					now := readStored(t, store)
					assert.Equal(t, want, now.token.AccessToken)
					p.requireAlive(t, &now.token)
				})
			})
		}
	}
}

// Law: M4
func TestDeleteDuringARefreshWins(t *testing.T) {
	for who, other := range map[string]int{"here": 0, "elsewhere": 1} {
		t.Run(who, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), new(tokens.Memory)
				all := replicas(t, 2, p, store, nil)
				atEnd(p)
				p.takes = 10 * time.Second
				answer := ask(t.Context(), all[0])
				time.Sleep(5 * time.Second)
				require.NoError(t, all[other].Delete(t.Context(), "user"))

				got := <-answer
				require.ErrorIs(t, got.err, csoauth.ErrLoginRequired)
				for _, m := range all {
					_, err := m.Token(t.Context(), "user")
					require.ErrorIs(t, err, tokens.ErrNotFound)
				}
				_, err := store.Load(t.Context(), "user")
				require.ErrorIs(t, err, tokens.ErrNotFound)
			})
		})
	}
}

// A program that keeps a copy of the token, and puts it back, must not undo the refresh that has
// spent it.
//
// Law: M4
func TestPutOfTheSpentTokenDuringARefreshLoses(t *testing.T) {
	for who, other := range map[string]int{"here": 0, "elsewhere": 1} {
		t.Run(who, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), new(tokens.Memory)
				all := replicas(t, 2, p, store, nil)
				old := readStored(t, store).token
				atEnd(p)
				p.takes = 10 * time.Second
				answer := ask(t.Context(), all[0])
				time.Sleep(5 * time.Second)
				require.NoError(t, all[other].Put(t.Context(), "user", &old))
				put := readStored(t, store).seq

				got := <-answer
				require.NoError(t, got.err)
				assert.Equal(t, "access-user-2", got.token.AccessToken)
				now := readStored(t, store)
				assert.Equal(t, "access-user-2", now.token.AccessToken)
				assert.Greater(t, now.seq, put)
				assert.Equal(t, 1, p.asked())
				atEnd(p)
				assert.Equal(t, access(t, all[1]), access(t, all[0]))
				now = readStored(t, store)
				p.requireAlive(t, &now.token)
			})
		})
	}
}
