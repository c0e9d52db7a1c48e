package tokens_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// A refused refresh token is not sent for 15 minutes by any process, and then by one.
//
// Law: M7
func TestRefusalIsRemembered(t *testing.T) {
	for name, body := range map[string]string{"a message": `{"message":"invalid refresh_token"}`, "a code": refusalDead} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				refusalOf(p, http.StatusUnauthorized, "application/json", body)
				ms := replicas(t, 3, p, new(tokens.Memory), nil)
				atEnd(p)
				for second := range 2 * 3600 {
					_, err := ms[second%3].Token(t.Context(), "user")
					require.ErrorIs(t, err, csoauth.ErrLoginRequired)
					time.Sleep(time.Second)
				}
				gaps := outageGaps(p)
				assert.GreaterOrEqual(t, slices.Min(gaps), 15*time.Minute)
				assert.Less(t, slices.Max(gaps), 906*time.Second)
			})
		})
	}
}

// A new process tells what an earlier one was told, and asks nobody.
//
// Law: M7
func TestRefusalOutlivesTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		refusalOf(p, http.StatusBadRequest, "application/json", `{"error":"invalid_grant","error_description":"revoked by an administrator"}`)
		first := replicas(t, 1, p, store, nil)[0]
		atEnd(p)
		_, err := first.Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)
		assert.Empty(t, readStored(t, store).lease)

		for minute := range 14 {
			events := new(eventLog)
			m := newManager(p.config(), store, &tokens.Options{OnEvent: events.add})
			_, err := m.Token(t.Context(), "user")
			require.ErrorIs(t, err, csoauth.ErrLoginRequired, "minute %d", minute)
			var said *csoauth.Error
			require.ErrorAs(t, err, &said)
			assert.Equal(t, []string{"400", "invalid_grant", "revoked by an administrator"}, []string{strconv.Itoa(said.StatusCode), said.Code, said.Description})
			require.NoError(t, m.Close())
			assert.Equal(t, []tokens.EventType{tokens.EventLoginRequired}, events.types())
			time.Sleep(time.Minute)
		}
		assert.Equal(t, 1, p.asked())
		time.Sleep(time.Minute)
		m := newManager(p.config(), store, nil)
		_, err = m.Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)
		require.NoError(t, m.Close())
		assert.Equal(t, 2, p.asked(), "after 15 minutes one process tries again: the refusal may have been a mistake")
	})
}

// What another program, or one with a wrong clock, has written as a refusal does no harm.
//
// Law: M7
func TestRefusalThatDoesNotCount(t *testing.T) {
	hash := func(of string) string {
		sum := sha256.Sum256([]byte(of))
		return base64.StdEncoding.EncodeToString(sum[:])
	}
	for name, row := range map[string]struct {
		hash  string
		at    time.Duration // from now
		obeys bool
	}{
		"this refresh token, now":             {hash("refresh-user-1"), 0, true},
		"14 minutes ago":                      {hash("refresh-user-1"), -14 * time.Minute, true},
		"15 minutes ago":                      {hash("refresh-user-1"), -15 * time.Minute, false},
		"in a second, by a clock that is off": {hash("refresh-user-1"), time.Second, false},
		"in the year 292277026596":            {hash("refresh-user-1"), math.MaxInt64, false},
		"long ago":                            {hash("refresh-user-1"), math.MinInt64, false},
		"another refresh token":               {hash("refresh-user-0"), 0, false},
		"no hash":                             {"", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), new(tokens.Memory)
				m := newManager(p.config(), store, nil)
				require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
				require.NoError(t, m.Close())
				atEnd(p)
				was := readStored(t, store).raw
				at := time.Now().Add(row.at).UnixMilli()
				if row.at == math.MaxInt64 || row.at == math.MinInt64 {
					at = int64(row.at)
				}
				said := fmt.Sprintf(`,"refusal":{"refresh_token_sha256":%q,"status":400,"code":"a\u001b[31mb","description":"%s","at_ms":%d}}`, row.hash, strings.Repeat("x", 5000), at)
				require.NoError(t, store.CompareAndSwap(t.Context(), "user", was, append(bytes.TrimSuffix(was, []byte("}")), said...)))

				m = newManager(p.config(), store, nil)
				_, err := m.Token(t.Context(), "user")
				require.NoError(t, m.Close())
				if row.obeys {
					require.ErrorIs(t, err, csoauth.ErrLoginRequired)
					assert.Zero(t, p.asked())
					assert.Less(t, len(err.Error()), 400)
					assert.NotContains(t, err.Error(), "\x1b")
					return
				}
				require.NoError(t, err)
				assert.Equal(t, 1, p.asked())
				assert.NotContains(t, string(readStored(t, store).raw), "refusal", "it was of the token before")
			})
		})
	}
}

// A process that was refused itself does not ask again sooner, whatever others write.
//
// Law: M7
func TestOwnRefusalOutlivesTheRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		refusalOf(p, http.StatusBadRequest, "application/json", refusalDead)
		m := replicas(t, 1, p, store, nil)[0]
		atEnd(p)
		swaps := store.swaps
		store.change(func() {
			store.swap = func(n int, _ string, _, _ []byte) error {
				if n > swaps+1 {
					return errStoreDown // the lease is taken, and the refusal cannot be stored
				}
				return nil
			}
		})
		for range 14 * 60 {
			_, err := m.Token(t.Context(), "user")
			require.ErrorIs(t, err, csoauth.ErrLoginRequired)
			time.Sleep(time.Second)
		}
		assert.Equal(t, 1, p.asked())
		assert.NotContains(t, string(readStored(t, store).raw), "refusal")
	})
}

// A user whose login has ended needs no memory: the record says so.
//
// Law: M10
func TestKeyOfARefusedLoginIsEvicted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		refusalOf(p, http.StatusBadRequest, "application/json", refusalDead)
		m := newManager(p.config(), store, &tokens.Options{MaxCached: 10})
		for n := range 100 {
			require.NoError(t, m.Put(t.Context(), strconv.Itoa(n), p.login("user")))
		}
		atEnd(p)
		for range 3 {
			for n := range 100 {
				_, err := m.Token(t.Context(), strconv.Itoa(n))
				require.ErrorIs(t, err, csoauth.ErrLoginRequired)
			}
		}
		synctest.Wait()
		assert.Equal(t, 100, p.asked())
		assert.LessOrEqual(t, m.Cached(), 11)
		require.NoError(t, m.Close())
	})
}

// Law: M7
func TestStoreIsLookedAtEvery5SecondsAtMostByLoggedOutUsers(t *testing.T) {
	for name, fails := range map[string]error{"it works": nil, "it is down": errStoreDown} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
				refusalOf(p, http.StatusBadRequest, "application/json", refusalDead)
				m := replicas(t, 1, p, store, nil)[0]
				atEnd(p)
				_, err := m.Token(t.Context(), "user")
				require.ErrorIs(t, err, csoauth.ErrLoginRequired)

				var looks []time.Time
				store.load = func(int, string) error { looks = append(looks, time.Now()); return fails }
				for range 8_800 { // 20 s less than the refusal is remembered: then a refresh is due, and a look
					_, err := m.Token(t.Context(), "user")
					require.Error(t, err)
					time.Sleep(100 * time.Millisecond)
				}
				for i := range looks[1:] {
					require.GreaterOrEqual(t, looks[i+1].Sub(looks[i]), 5*time.Second, "look %d", i+2)
				}
				if fails == nil {
					assert.Greater(t, len(looks), 880/6, "and it is looked at: the user may have logged in again")
				}
			})
		})
	}
}

// Law: M7
func TestNewLoginClearsARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		refusalOf(p, http.StatusBadRequest, "application/json", refusalDead)
		all := replicas(t, 2, p, store, nil)
		here, there := all[0], all[1]
		atEnd(p)
		_, err := here.Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)

		time.Sleep(time.Second)
		p.lives = 5 * time.Minute // that refusal would be remembered for longer
		require.NoError(t, there.Put(t.Context(), "user", p.login("user")))
		start := time.Now()
		for err != nil && time.Since(start) < time.Minute {
			time.Sleep(100 * time.Millisecond)
			_, err = here.Token(t.Context(), "user")
		}
		assert.LessOrEqual(t, time.Since(start), 5*time.Second)
		assert.Equal(t, "access-user-2", access(t, here))
		assert.Equal(t, 1, p.asked())

		atEnd(p) // the refusal was for that record: the next is tried at once, and refused anew
		_, err = here.Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)
		assert.Equal(t, 2, p.asked())

		require.NoError(t, here.Put(t.Context(), "user", p.login("user")))
		assert.Equal(t, "access-user-3", access(t, here), "a login by this Manager counts at once")
	})
}

// What the server has said counts on, whatever becomes of the store: a refusal for 15 minutes.
//
// Law: M7
func TestRefusalOutlivesAFailureOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
		refusalOf(p, http.StatusBadRequest, "application/json", refusalDead)
		m := replicas(t, 1, p, store, nil)[0]
		atEnd(p)
		_, err := m.Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)
		store.load = func(int, string) error { return errStoreDown }
		for second := range 14 * 60 {
			if second == 60 {
				store.load = nil
			}
			time.Sleep(time.Second)
			_, err = m.Token(t.Context(), "user")
			require.Error(t, err)
		}
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)
		assert.Equal(t, 1, p.asked())
	})
}
