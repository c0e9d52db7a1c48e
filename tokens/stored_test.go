package tokens_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// A stored is what a Store holds for a key, as another process reads it.
type stored struct {
	token       csoauth.Token
	seq         int64
	lease       string
	leaseLength time.Duration
	raw         []byte
}

// readStored reads the record of key "user".
func readStored(tb testing.TB, s tokens.Store) stored {
	tb.Helper()
	return readStoredOf(tb, s, "user")
}

// readStoredOf reads the record of a key.
func readStoredOf(tb testing.TB, s tokens.Store, key string) (r stored) {
	tb.Helper()
	var j struct {
		Seq     int64           `json:"seq"`
		Lease   string          `json:"lease"`
		LeaseMS int64           `json:"lease_ms"`
		Token   json.RawMessage `json:"token"`
	}
	var err error
	r.raw, err = s.Load(context.Background(), key)
	require.NoError(tb, err, key)
	require.NoError(tb, json.Unmarshal(r.raw, &j), key)
	require.NoError(tb, r.token.UnmarshalBinary(j.Token), key)
	r.seq, r.lease, r.leaseLength = j.Seq, j.Lease, time.Duration(j.LeaseMS)*time.Millisecond
	return r
}

// leaveLease writes a lease into the record of key "user", as a process does that begins to
// refresh.
func leaveLease(tb testing.TB, s tokens.Store, lease string, length time.Duration) {
	tb.Helper()
	change(tb, s, map[string]any{"lease": lease, "lease_ms": length.Milliseconds(), "locked": false})
}

// change writes other members into the record of key "user".
func change(tb testing.TB, s tokens.Store, to map[string]any) {
	tb.Helper()
	old := readStored(tb, s).raw
	var members map[string]json.RawMessage
	require.NoError(tb, json.Unmarshal(old, &members))
	for name, value := range to {
		text, err := json.Marshal(value)
		require.NoError(tb, err)
		members[name] = text
	}
	changed, err := json.Marshal(members)
	require.NoError(tb, err)
	require.NoError(tb, s.CompareAndSwap(context.Background(), "user", old, changed))
}

// replica returns a Manager on s, like one of several processes that share it. It is closed when
// the test ends.
func replica(t *testing.T, p *provider, s tokens.Store, o *tokens.Options) *tokens.Manager {
	t.Helper()
	m := newManager(p.config(), s, o)
	t.Cleanup(func() { _ = m.Close() }) // what it says of pairs that are not saved is the subject of other tests
	return m
}

// replicas returns Managers on s that all have the login of key "user" in memory.
func replicas(t *testing.T, n int, p *provider, s tokens.Store, o *tokens.Options) []*tokens.Manager {
	t.Helper()
	all := make([]*tokens.Manager, n)
	for i := range all {
		all[i] = replica(t, p, s, o)
		if i == 0 {
			require.NoError(t, all[i].Put(t.Context(), "user", p.login("user")))
		}
		_, err := all[i].Token(t.Context(), "user")
		require.NoError(t, err)
	}
	return all
}

// access returns what m hands out for key "user".
func access(t *testing.T, m *tokens.Manager) string {
	t.Helper()
	token, err := m.Token(t.Context(), "user")
	require.NoError(t, err)
	return token.AccessToken
}

// nearEnd waits until the background refresh is due and minutes of the token are left.
func nearEnd(p *provider) { time.Sleep(p.lives - 5*time.Minute) }

// atEnd waits until the token cannot be used any more.
func atEnd(p *provider) { time.Sleep(p.lives) }

// An asked is the result of a call of Token that another goroutine made.
type asked struct {
	token *csoauth.Token
	err   error
	took  time.Duration
}

// ask calls Token meanwhile.
func ask(ctx context.Context, m *tokens.Manager) <-chan asked {
	answer := make(chan asked, 1)
	began := time.Now()
	go func() {
		token, err := m.Token(ctx, "user")
		answer <- asked{token, err, time.Since(began)}
	}()
	return answer
}
